"""What the views of live calls say: a wait is a wait, and no conversation is in it, as in the journal."""

from dataclasses import replace

from callhandler.core import events as e
from callhandler.core.calls import Call
from callhandler.core.model import Outcome, Queue
from callhandler.core.views import CallState
from callhandler.store.reading import record_of
from callhandler.viewing import Figures, Viewing
from tests.unit.core.world import World, agent, plan


def waited(world: World, call: Call) -> tuple[float | None, float]:
    """Return how long a call has waited as the live view and as the journal have it."""
    view = Viewing(world.board, Figures(str)).call(call)
    facts = [fact for fact in world.facts if getattr(fact, "call", None) == call.id]
    return view.waited, record_of(call.id, facts).waited


def test_the_wait_ends_when_somebody_answers() -> None:
    world = World(plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a")]))
    world.login("a")
    world.pause("a")
    call = world.enter("q")
    world.passes(52.0)
    assert waited(world, call)[0] == 52.0
    world.resume("a")
    world.passes(4.0)
    world.answers(world.leg("a"))
    world.passes(28.0)
    assert waited(world, call) == (56.0, 56.0)
    world.agent_hangs_up(call)
    world.passes(10.0)
    assert waited(world, call) == (56.0, 56.0), "the agent is gone, the caller isn't, and doesn't wait"
    world.pause("a")
    assert world.admitted(call, "q") is None
    world.passes(7.0)
    assert waited(world, call)[0] == 63.0, "in line again: the talk between is left out"


def test_who_left_the_line_waits_no_more() -> None:
    world = World(plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a")]))
    world.login("a")
    world.pause("a")
    call = world.enter("q")
    world.passes(30.0)
    left = e.CallLeftLine(at=world.now, call=call.id, queue="q", outcome=Outcome.MESSAGE, waited=30.0, reason="a key")
    world.board.record(left)
    world.passes(30.0)
    assert waited(world, call) == (30.0, 30.0)


def test_who_never_was_in_line_has_not_waited() -> None:
    world = World(plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a")]))
    assert waited(world, world.call()) == (None, 0.0)


def test_who_was_transferred_to_a_phone_is_there() -> None:
    world = World(plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a")]))
    world.login("a")
    viewing = Viewing(world.board, Figures(str))
    call = world.call()
    world.board.record(e.CallSent(at=world.now, call=call.id, to="queue:q", reason="dialled 5000"))
    world.admitted(call, "q")
    assert viewing.call(call).sent_to is None
    world.answers(world.leg("a"))
    world.agent_hangs_up(call)
    assert (viewing.call(call).state, viewing.call(call).sent_to) == (CallState.ELSEWHERE, None), "not in line again"
    world.board.record(e.CallSent(at=world.now, call=call.id, to="phone:102", reason="transferred to 102"))
    world.board.record(e.ExtensionConnected(at=world.now, call=call.id, channel="PJSIP/102-1"))
    assert viewing.call(call).sent_to == "phone:102"


def test_alarms_that_the_journal_has_already_are_counted_once() -> None:
    figures, alarms = Figures(str), [e.AlarmRaised(at=at, kind="agi", reason="r") for at in (7.0, 9.0004, 9.3)]
    for alarm in alarms[1:]:
        figures.take(alarm)
    written = [replace(alarm, at=round(alarm.at, 3)) for alarm in alarms]
    figures.begin(10.0, {}, written)
    (one,) = figures.alarms.of_the_day(10.0)
    assert (one.count, one.at) == (3, 9.3)


def test_who_never_was_there_has_done_nothing_since_no_time() -> None:
    world = World(plan([Queue("q", "Sales")], [agent("a"), agent("b")]))
    world.board.record(e.AgentLoggedOut(at=world.now, agent="b", by="test"))
    people = world.board.line.books.agents
    viewing = Viewing(world.board, Figures(str))
    assert [viewing.agent(people[one]).since for one in ("a", "b")] == [None, world.now]


def test_a_customer_who_is_called_back_and_wants_nobody_in_particular_has_no_empty_want() -> None:
    world = World(plan([Queue("q", "Sales")], [agent("a")]))
    said_yes = e.CallbackAccepted(
        at=world.now, call="x", leg="x-d1", channel="PJSIP/x", number="+555", caller_name="", queue="q",
        entered=world.now, wants="", language="en", offers_made=0,
    )  # fmt: skip
    calls = world.board.calls
    calls.apply(said_yes)
    assert calls.here["x"].attributes == {"language": "en"}
    calls.apply(replace(said_yes, call="y", leg="y-d1", wants="a >= 1"))
    assert calls.here["y"].attributes["wants"] == "a >= 1"
