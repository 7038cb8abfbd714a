"""The inbox: what opens an item, what belongs to one, and what closes it."""

from dataclasses import replace

from callhandler.core import events as e
from callhandler.core.calls import Call
from callhandler.core.inbox import Inbox, InboxKeeper
from callhandler.core.model import Outcome, Queue
from callhandler.core.views import ItemState
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=0.0, max_wait=60.0)], [agent("a")])


def world() -> tuple[World, InboxKeeper]:
    one, keeper = World(SITE), InboxKeeper()
    one.board.followed_by(keeper)
    one.login("a")
    return one, keeper


def gives_up(one: World, number: str, after: float = 10.0) -> Call:
    call = one.call(number)
    one.admitted(call, "q")
    one.passes(after)
    one.caller_hangs_up(call)
    return call


def busy(one: World) -> Call:
    talking = one.enter("q")
    one.answers(one.leg("a"))
    return talking


def test_one_number_that_gave_up_twice_is_one_thing_to_do() -> None:
    one, keeper = world()
    busy(one)
    calls = [gives_up(one, "555"), gives_up(one, "555")]
    gives_up(one, "777")
    first, second = keeper.inbox.waiting()
    assert (first.kind, first.number, first.queue, first.calls) == ("missed", "555", "q", tuple(c.id for c in calls))
    assert second.number == "777"


def test_who_hung_up_at_once_or_hides_the_number_is_not_missed() -> None:
    one, keeper = world()
    busy(one)
    gives_up(one, "555", after=1.0)
    gives_up(one, "")
    assert keeper.inbox.waiting() == []


def test_who_waited_and_was_hung_up_by_us_is_missed() -> None:
    """In a line, also where it led nowhere yet; not who talked, left a message, or had asked for nobody."""
    one, keeper = world()
    talks, waits, menu, messages, extension, too_long = (one.call(number) for number in ("1", "2", "3", "4", "5", "6"))
    for call in (talks, waits, messages, extension, too_long):
        one.admitted(call, "q")
    one.answers(one.leg("a"))
    one.board.record(e.MessageLeft(at=one.now, call=messages.id, queue="q", file="m.wav", seconds=3.0))
    one.board.record(e.ExtensionConnected(at=one.now, call=extension.id, channel="c"))
    one.board.record(
        e.CallLeftLine(at=one.now, call=too_long.id, queue="q", outcome=Outcome.TIMEOUT, waited=0.0, reason="too long")
    )
    for call in (talks, waits, menu, messages, extension, too_long):
        one.board.withdraw(call, "the planned end")
        one.caller_hangs_up(call)
    found = keeper.inbox.waiting()
    assert [(item.number, item.queue, item.reason) for item in found] == [
        ("2", "q", "hung up by the planned end"),
        ("6", "q", "hung up by the planned end"),
    ]


def back_in_line(number: str = "555") -> tuple[World, InboxKeeper, Call]:
    """Somebody who has talked with an agent, was given back to the line, and waits there; everybody else talks."""
    one, keeper = world()
    call = one.call(number)
    one.admitted(call, "q")
    one.answers(one.leg("a"))
    one.agent_hangs_up(call)
    busy(one)
    one.admitted(call, "q")
    one.passes(20.0)
    return one, keeper, call


def test_who_came_back_to_the_line_after_a_talk_and_gave_up_is_missed() -> None:
    """The call counts as answered, from hold with key 1 as after a transfer that nobody took."""
    one, keeper, call = back_in_line()
    one.caller_hangs_up(call)
    assert [fact.outcome for fact in one.of(e.CallEnded)] == [Outcome.ANSWERED]
    assert [(item.number, item.queue, item.reason) for item in keeper.inbox.waiting()] == [("555", "q", "abandoned")]


def test_who_came_back_after_a_talk_and_was_sent_away_is_missed_unless_something_came_of_it() -> None:
    one, keeper, call = back_in_line()
    one.passes(60.0)
    one.caller_hangs_up(call)
    assert [item.reason for item in keeper.inbox.waiting()] == ["timeout"]
    one, keeper, call = back_in_line()
    one.board.withdraw(call, "the planned end")
    one.caller_hangs_up(call)
    assert [item.reason for item in keeper.inbox.waiting()] == ["hung up by the planned end"]
    one, keeper, call = back_in_line()
    one.passes(60.0)
    one.board.record(e.MessageLeft(at=one.now, call=call.id, queue="q", file="m.wav", seconds=3.0))
    one.caller_hangs_up(call)
    assert keeper.inbox.waiting() == []


def test_who_is_called_back_already_is_not_missed() -> None:
    one, keeper, call = back_in_line()
    left = e.CallLeftLine(at=one.now, call=call.id, queue="q", outcome=Outcome.CALLBACK, waited=9.0, reason="joined")
    one.board.record(left)
    one.caller_hangs_up(call)
    assert keeper.inbox.waiting() == []


def test_it_is_done_when_the_number_has_talked_with_an_agent() -> None:
    one, keeper = world()
    talking = busy(one)
    gives_up(one, "555")
    one.agent_hangs_up(talking)
    again = one.call("555")
    one.admitted(again, "q")
    assert keeper.inbox.waiting() != [], "waiting is not talking"
    one.answers(one.leg("a"))
    assert keeper.inbox.waiting() == []
    (done,) = one.of(e.ItemDone)
    assert (done.by, done.reason) == ("callhandler", "has talked with agent a since")


def international(number: str) -> str:
    return f"+49{number[1:]}" if number.startswith("0") else number


def test_a_number_is_the_same_however_the_trunk_and_callbacks_write_it() -> None:
    keeper = InboxKeeper(international)
    arrived = e.CallArrived(
        at=1.0, call="c1", channel="PJSIP/x", number="5000", caller_number="0555", caller_name="", source=""
    )
    asked = requested("c2", "+49555")
    failed = e.ItemOpened(at=4.0, call="c2", queue="q", item="callback failed", number="+49555", reason="3 attempts")
    missed = e.ItemOpened(at=4.0, call="c3", queue="q", item="missed", number="0555", reason="abandoned")
    other = e.ItemOpened(at=4.0, call="c4", queue="q", item="missed", number="0777", reason="abandoned")
    for fact in (arrived, failed, missed, other):
        keeper.follow(fact, fact.at)
    answered = e.CallConnected(at=9.0, call="c1", leg="c1-o1", agent="a", queue="q", waited=3.0)
    done = [fact.call for fact in keeper.follow(answered, 9.0) if isinstance(fact, e.ItemDone)]
    assert done == ["c2", "c3"], "the failed callback is in another form"
    keeper.apply(replace(arrived, call="c2"))
    keeper.apply(asked)
    assert [fact.call for fact in keeper.follow(replace(answered, call="c2"), 9.0)] == ["c2", "c3"]
    keeper.apply(requested("c1", "+49999"))
    assert keeper.follow(replace(answered, call="c1"), 9.0) == [], "somebody else talked, at another number"


def requested(call: str, number: str) -> e.CallbackRequested:
    return e.CallbackRequested(
        at=3.0, call=call, queue="q", number=number, confirmed=True, entered=1.0, priority=5, bonus=0.0, wants="", language="en",
        caller_name="", due=None, promise=None, expires=90_000.0, reason="asked", by="caller", offers_made=0,
    )  # fmt: skip


def test_claimed_done_and_kept_for_those_who_ask() -> None:
    inbox = Inbox(keep_done=True)
    for call in ("c1", "c2"):
        inbox.apply(e.MessageLeft(at=1.0, call=call, queue="q", file=f"{call}.wav", seconds=3.0))
        opened = e.ItemOpened(at=1.0, call=call, queue="q", item="message", number="555", reason="a message of 3 s")
        inbox.apply(opened)
        inbox.apply(opened)
    (item,) = inbox.waiting()
    assert (item.calls, item.files) == (("c1", "c2"), ("c1.wav", "c2.wav"))
    inbox.apply(e.ItemClaimed(at=2.0, call="c2", by="eva"))
    assert [(one.state, one.by) for one in inbox.of_call("c1")] == [(ItemState.CLAIMED, "eva")]
    inbox.apply(e.ItemDone(at=3.0, call="c1", by="eva", reason="called"))
    assert inbox.waiting() == []
    assert [(one.state, one.done_at, one.reason) for one in inbox.items()] == [(ItemState.DONE, 3.0, "called")]


def test_messages_of_withheld_numbers_stay_apart() -> None:
    inbox = Inbox()
    for call in ("c1", "c2"):
        inbox.apply(e.ItemOpened(at=1.0, call=call, queue="q", item="message", number="", reason=""))
    assert len(inbox.waiting()) == 2
