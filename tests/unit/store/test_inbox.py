"""The inbox as the journal has it, which is how it looks after a restart and with the daemon down."""

from pathlib import Path

from callhandler.core import events as e
from callhandler.core.views import ItemState
from callhandler.store.inbox import item_facts, items, not_mailed
from callhandler.store.journal import Journal
from callhandler.store.sources import open_source

URL = "sqlite:///var/journal.db"


def opened(call: str, number: str, at: float = 10.0) -> e.ItemOpened:
    return e.ItemOpened(at=at, call=call, queue="q", item="message", number=number, reason="")


def left(call: str, at: float = 10.0) -> e.MessageLeft:
    return e.MessageLeft(at=at, call=call, queue="q", file=f"{call}.wav", seconds=3.0)


FACTS: list[e.Fact] = [
    left("old", 1.0),
    opened("old", "1", 1.0),
    left("c1"),
    opened("c1", "555"),
    left("c2"),
    opened("c2", "777"),
    e.MessageMailed(at=11.0, call="c1", queue="q", file="c1.wav", to="sales@example.org"),
    e.ItemDone(at=12.0, call="c1", by="eva", reason="called"),
    e.ItemClaimed(at=13.0, call="c2", by="eva"),
]


async def test_what_waits_and_what_is_done(tmp_path: Path) -> None:
    async with Journal(URL, "pbx1", tmp_path) as journal:
        for fact in FACTS:
            journal.append(fact)
        await journal.flush()
        with open_source(URL, tmp_path) as source:
            assert [(one.number, one.state, one.files) for one in items(source, 5.0)] == [
                ("777", ItemState.CLAIMED, ("c2.wav",))
            ]
            assert [one.number for one in items(source, 0.0)] == ["1", "777"]
            assert [(one.number, one.state) for one in items(source, 5.0, done=True)] == [
                ("777", ItemState.CLAIMED),
                ("555", ItemState.DONE),
            ]
            assert {type(fact) for fact in item_facts(source, 5.0)} == {e.MessageLeft, e.ItemOpened, e.ItemClaimed}
        assert [fact.call for fact in await journal.ask(not_mailed, 5.0)] == ["c2"]
