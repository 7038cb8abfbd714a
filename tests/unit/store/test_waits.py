"""What the journal tells of waiting: asked as the CLI does, and as a start does."""

from pathlib import Path

from callhandler.core import events as e
from callhandler.core.kpi import proof
from callhandler.core.model import Where
from callhandler.store.journal import Journal
from callhandler.store.sources import open_source
from callhandler.store.waits import estimates_between, estimates_so_far, stays_between, stays_of

URL = "sqlite:///var/journal.db"
NOW = 1_800_000_000.0 // 3_600 * 3_600


def a_wait(call: str, at: float, *words: float, until: float) -> list[e.Fact]:
    return [
        e.CallArrived(
            at=at, call=call, channel="c", number="5000", caller_number="", caller_name="", source="trunk:pstn"
        ),
        e.CallEntered(at=at, call=call, queue="q", entered=at, priority=5, bonus=0.0, wants=""),
        e.EstimateMade(at=at, call=call, queue="q", method="queue length", seconds=150.0, ahead=0, most=300.0),
        *(
            e.CheckedIn(
                at=at + word, call=call, where=Where.IN_LINE, due=at, started=at, said="thanks-1", position=1, most=None
            )
            for word in words
        ),
        e.CallConnected(at=at + until, call=call, leg=f"{call}-o1", agent="7001", queue="q", waited=until),
        e.TalkEnded(
            at=at + until + 60, call=call, leg=f"{call}-o1", agent="7001", queue="q", talked=60.0, reason="hung up"
        ),
    ]


async def test_a_calls_stays_and_those_of_a_stretch_of_time(journal: Journal, site: Path) -> None:
    for fact in [*a_wait("one", NOW, 58, 121, 180, until=200), *a_wait("two", NOW + 4_000, 50, until=60)]:
        journal.append(fact)
    await journal.flush()
    with open_source(URL, site) as source:
        (stay,) = stays_of(source, "one")
        assert stay.silences(NOW) == [58.0, 63.0, 59.0, 20.0]
        assert proof("one", [stay], 90.0, NOW).kept
        assert [one.call for one in stays_between(source, NOW - 10, NOW + 10)] == ["one"]
        assert [one.call for one in stays_between(source, NOW - 10, NOW + 5_000)] == ["one", "two"]
        assert [(one.hour, one.error, one.bias) for one in estimates_between(source, NOW, NOW + 5_000)] == [
            (NOW, 50.0, -50.0),
            (NOW + 3_600, 90.0, 90.0),
        ]
        assert estimates_between(source, NOW + 100, NOW + 200) == []


async def test_a_start_takes_up_what_estimates_are_made_from_and_no_more(journal: Journal, site: Path) -> None:
    for index in range(3):
        for fact in a_wait(f"old-{index}", NOW - 200_000, until=10):
            journal.append(fact)
    for fact in [*a_wait("morning", NOW - 40_000, until=10), *a_wait("now", NOW - 300, until=10)]:
        journal.append(fact)
    found = await journal.ask(estimates_so_far, NOW)
    assert [(type(fact).__name__, getattr(fact, "call", "")) for fact in found] == [
        ("EstimateMade", "morning"),
        ("CallConnected", "morning"),
        ("EstimateMade", "now"),
        ("CallConnected", "now"),
        ("TalkEnded", "now"),
    ]
