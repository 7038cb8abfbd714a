"""An agent asks a colleague in line and gives the caller on: those two talk on, and the journal says so (recordings/attended-transfer)."""

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.model import Queue, State
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=5.0)], [agent("a"), agent("b"), agent("c")])


def test_the_caller_and_the_colleague_talk_on() -> None:
    world = World(SITE)
    world.login("a", "b")
    caller = world.enter("q")
    world.answers(world.leg("a"))
    first = caller.leg or ""
    asking = world.enter("q")
    world.answers(world.leg("b"))
    leg = asking.leg or ""
    world.passes(20.0)
    board = world.board
    for seen in (
        o.LeftBridge("b1", caller.id),
        o.LeftBridge("b2", asking.id),
        o.Bridged("b2", frozenset((leg, caller.id))),
        o.TransferSeen(first, caller.id, "5000"),
        o.LeftBridge("b1", first),
        o.ChannelEnded(first, 16, ""),
        o.ChannelEnded(asking.id, 16, ""),
    ):
        board.observe(seen)
    colleague = board.line.books.agents["b"]
    assert (caller.agent, caller.leg) == ("b", leg)
    assert (colleague.state, colleague.call) == (State.TALKING, caller.id)
    assert [(fact.call, fact.agent, fact.reason) for fact in world.of(e.TalkEnded)] == [
        (caller.id, "a", "transferred"),
        (asking.id, "b", "transferred"),
    ]
    assert [fact.agent for fact in world.of(e.WrapUpStarted)] == ["a"], "the colleague talks"
    world.passes(30.0)
    next_ = world.enter("q")
    assert world.rung() == [(next_.id, "a")], "nobody rings a phone that talks"
    world.agent_hangs_up(caller)
    world.caller_hangs_up(caller)
    last = world.of(e.TalkEnded)[-1]
    assert (last.call, last.agent, last.talked) == (caller.id, "b", 30.0)
    assert [fact.agent for fact in world.of(e.WrapUpStarted)] == ["a", "b"]
    assert world.story(asking)[-1] == world.story(caller)[-1] == "CallEnded"


def test_it_is_so_after_a_restart_too() -> None:
    world = World(SITE)
    world.login("a", "b")
    caller = world.enter("q")
    world.answers(world.leg("a"))
    first = caller.leg or ""
    asking = world.enter("q")
    world.answers(world.leg("b"))
    leg = asking.leg or ""
    world.board.observe(o.Bridged("b2", frozenset((leg, caller.id))))
    world.board.observe(o.TransferSeen(first, caller.id, "5000"))
    world.board.observe(o.ChannelEnded(first, 16, ""))
    world.board.observe(o.ChannelEnded(asking.id, 16, ""))
    again = World(SITE, attach=False)
    again.board.restore(world.facts, {}, None)
    again.attach(tuple(o.LiveChannel(one, one, "b2", "x", one) for one in (leg, caller.id)))
    (call,) = again.board.calls.here.values()
    assert (call.id, call.agent, call.leg) == (caller.id, "b", leg)
    assert again.board.line.books.agents["b"].state is State.TALKING
    assert [fact for fact in again.facts if isinstance(fact, e.TalkEnded)] == []
