"""The switchboard: what is seen becomes facts, once each, and state finds back to what is so after whatever was missed."""

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.explained import explained
from callhandler.core.model import Device, OfferEnd, Outcome, Queue, State, Step, Strategy
from callhandler.core.skills import parse
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a"), agent("b")])


def world_with(*agents: str) -> World:
    world = World(SITE)
    world.login(*agents)
    return world


def live(channel: str, bridge: str | None = None) -> o.LiveChannel:
    return o.LiveChannel(channel, f"PJSIP/{channel}", bridge, "callhandler-entry", channel)


def test_a_good_call_from_beginning_to_end() -> None:
    world = world_with("a")
    call = world.call("555")
    world.admitted(call, "q")
    leg = world.leg("a")
    assert (leg.display_name, leg.display_number, leg.caller_channel) == ("Sales: 555", "555", call.channel)
    world.passes(4.0)
    world.answers(leg)
    world.passes(60.0)
    world.agent_hangs_up(call)
    world.caller_hangs_up(call)
    assert world.story(call) == [
        "CallArrived",
        "CallEntered",
        "AgentOffered",
        "CallConnected",
        "TalkEnded",
        "CallEnded",
    ]
    assert world.of(e.CallConnected)[0].waited == 4.0
    assert world.of(e.TalkEnded)[0].talked == 60.0
    assert world.of(e.CallEnded)[0].outcome is Outcome.ANSWERED


def test_a_caller_who_hangs_up_stops_the_ringing() -> None:
    world = world_with("a")
    call = world.enter("q")
    world.passes(3.0)
    world.caller_hangs_up(call)
    assert world.leg("a").leg in world.pbx.cancelled
    assert world.of(e.CallEnded)[0].outcome is Outcome.ABANDONED_SHORT
    world.fails(world.leg("a"), OfferEnd.REFUSED)
    assert world.of(e.OfferEnded)[0].reason is OfferEnd.CALLER_LEFT
    assert world.board.line.books.agents["a"].is_ready()


def test_a_session_whose_call_is_over_ends_since_another_caller_may_be_in_it_after_an_attended_transfer() -> None:
    world = world_with("a")
    caller = world.enter("q")
    world.answers(world.leg("a"))
    world.board.end_visit(world.visits[caller.id])
    consult = world.enter("q")  # the agent's own; the transfer is completed while it waits
    world.board.observe(o.TransferSeen(caller.leg or "", caller.id, "s"))
    assert world.ends == []
    world.caller_hangs_up(consult)
    assert world.ends == [consult.id]
    assert world.board.calls.here == {caller.id: caller}


def test_an_abandon_after_a_while_is_an_abandon() -> None:
    world = world_with("a")
    call = world.enter("q")
    world.passes(5.5)
    world.caller_hangs_up(call)
    assert world.of(e.CallEnded)[0].outcome is Outcome.ABANDONED


def test_everything_seen_twice_happens_once() -> None:
    world = world_with("a")
    call = world.enter("q")
    leg = world.leg("a")
    for seen in (
        o.Bridged("b", frozenset((leg.leg, call.id))),
        o.HoldSeen(leg.leg, True),
        o.HoldSeen(leg.leg, False),
        o.ChannelEnded(leg.leg, 16, ""),
        o.ChannelEnded(call.id, 16, ""),
    ):
        world.board.observe(seen)
        world.board.observe(seen)
    assert world.story(call)[3:] == ["CallConnected", "CallHeld", "CallResumed", "TalkEnded", "CallEnded"]


def test_a_phone_answered_after_the_caller_left_connects_nobody() -> None:
    world = world_with("a")
    call = world.enter("q")
    leg = world.leg("a")
    world.caller_hangs_up(call)
    world.answers(leg)
    assert world.of(e.CallConnected) == []
    world.board.observe(o.ChannelEnded(leg.leg, 16, ""))
    assert world.board.line.books.agents["a"].state is State.IDLE


def test_who_answers_a_moment_after_another_is_not_to_blame_and_takes_the_next_call_at_once() -> None:
    world = World(
        plan([Queue("q", "Sales", strategy=Strategy.RING_ALL, ring_best=2, wrap_up=0.0)], [agent("a"), agent("b")])
    )
    world.login("a", "b")
    call = world.enter("q")
    first, second = world.leg("a"), world.leg("b")
    del world.pbx.ringing[second.leg]
    world.board.observe(o.ChannelEnded(second.leg, 26, "Answered elsewhere"))  # before the winner's bridge is seen
    assert [(fact.agent, fact.reason) for fact in world.of(e.OfferEnded)] == [("b", OfferEnd.TAKEN)]
    assert world.rung() == [(call.id, "a")], "the call is not offered to b again"
    world.answers(first)
    another = world.enter("q")
    assert world.rung() == [(another.id, "b")]


def test_an_unseen_end_of_a_talk_is_made_up_for_by_the_next() -> None:
    world = world_with("a", "b")
    call = world.enter("q")
    world.answers(world.leg("a"))
    world.board.record(e.AgentOffered(at=world.now, call=call.id, leg="x", agent="b", queue="q", phone="pb", ring=15.0))
    world.board.observe(o.Bridged("b", frozenset(("x", call.id))))
    assert [fact.reason for fact in world.of(e.TalkEnded)] == ["ended unseen"]
    assert call.agent == "b"
    assert world.board.line.books.agents["a"].state is State.IDLE


def test_who_calls_before_asterisk_is_seen_is_not_told_that_nobody_is_there() -> None:
    world = World(SITE, attach=False)
    world.login("a")  # whose phone nobody has seen yet
    call = world.call()
    assert world.admitted(call, "q") is None
    world.attach((live(call.id),))
    assert world.rung() == [(call.id, "a")]


def test_a_phone_found_only_moments_after_asterisk_costs_nobody_the_line() -> None:
    world = World(SITE, attach=False)
    world.login("a")
    waiting = world.enter("q")
    world.attach((live(waiting.id),), gone=("pa", "pb"))
    world.passes(5.0)
    late = world.enter("q")
    world.passes(4.0)
    world.phone("pa", Device.FREE)
    assert world.rung() == [(waiting.id, "a")]
    assert late.queue == "q"


def test_callers_lost_with_asterisk_raise_no_alarm_that_nobody_is_there() -> None:
    world = world_with("a")
    world.enter("q")
    world.answers(world.leg("a"))
    waiting = world.enter("q")
    world.board.end_visit(world.visits[waiting.id])
    world.phone("pa", Device.UNREACHABLE)  # during the talk: nobody is sent away for that
    world.passes(30.0)
    world.board.observe(o.LinkDown("Asterisk died"))
    world.attach(gone=("pa", "pb"))
    assert world.of(e.AlarmRaised) == []
    assert world.story(waiting) == ["CallArrived", "CallEntered", "CallEnded"]


def test_whom_nobody_can_take_is_told_of_with_what_keeps_each_agent() -> None:
    """Judged by the last step: nobody lacks anything there."""
    steps = (Step(parse("x >= 5"), 10.0), Step())
    world = World(plan([Queue("q", "Sales", steps=steps, max_length=1)], [agent("a"), agent("b")]))
    world.login("a")
    world.phone("pa", Device.UNREACHABLE)
    world.passes(60.0)
    call = world.call("555")
    assert world.admitted(call, "q") is Outcome.NOBODY
    (decided,) = world.of(e.RoutingDecided)
    view = explained(decided.snapshot)
    assert (decided.agent, view.chosen, view.same, view.step) == (None, (), True, 1)
    assert {one.agent: (one.verdict, one.idle) for one in view.candidates} == {
        "a": ("phone pa is unreachable", 61.0),
        "b": ("logged out", None),
    }
    assert world.story(call) == ["CallArrived", "AlarmRaised", "CallLeftLine"]


def test_no_offers_while_asterisk_is_not_seen() -> None:
    world = World(SITE, attach=False)
    world.login("a")
    world.board.line.books.set_device("pa", Device.FREE, world.now)
    call = world.enter("q")
    assert world.rung() == []
    world.attach((live(call.id),))
    assert world.rung() == [(call.id, "a")]


def test_what_was_missed_while_the_link_was_down() -> None:
    world = world_with("a", "b")
    gone, talking, waiting = world.enter("q"), world.enter("q"), world.enter("q")
    leg = world.leg("b").leg
    world.answers(world.leg("a"))
    world.board.observe(o.LinkDown("test"))
    world.passes(30.0)  # leases run out unseen: no matter
    world.board.end_visit(world.visits[gone.id])
    channels = (live(talking.id, "x"), live(leg, "x"), live(waiting.id))
    world.attach(channels)
    assert talking.agent == "b"
    assert gone.id not in world.board.calls.here
    assert world.of(e.CallEnded)[0].outcome is Outcome.ANSWERED
    assert world.rung()[-1] == (waiting.id, "a")
    assert world.of(e.GapEnded)[0].seconds == 30.0


def test_a_restart_takes_everybody_up_again_in_order() -> None:
    world = world_with("a", "b")
    talking, ringing = world.enter("q"), world.enter("q")
    world.answers(world.leg("a"))
    leg = world.leg("b").leg
    first, second = world.enter("q"), world.enter("q")
    again = World(SITE, attach=False)
    again.now = world.now + 5.0
    again.board.restore(world.facts, {}, world.now)
    channels = [live(call.id) for call in (ringing, second, first)]
    again.attach((*channels, live(talking.id, "x"), live("test-001-o1", "x"), live(leg)))
    calls = again.board.calls.here
    assert calls[talking.id].agent == "a"
    assert [one.id for one in sorted(again.board.line.books.calls.values(), key=lambda one: one.key)] == [
        ringing.id,
        first.id,
        second.id,
    ]
    assert again.rung() == []  # b's phone still rings for the first of them
    again.board.observe(o.OfferFailed(leg, OfferEnd.REFUSED))
    assert [fact.seconds for fact in again.of(e.GapEnded)] == [5.0]
    again.board.observe(o.ChannelEnded("test-001-o1", 16, ""))
    assert again.rung() == [(ringing.id, "a")]


def test_timers_are_set_again_after_a_restart() -> None:
    site = plan([Queue("q", "Q", wrap_up=20.0, max_wait=60.0)], [agent("a")])
    world = World(site)
    world.login("a")
    call = world.enter("q")
    world.answers(world.leg("a"))
    world.agent_hangs_up(call)
    waiting = world.enter("q")
    again = World(site, attach=False)
    again.now = world.now
    again.board.restore(world.facts, {}, world.now)
    again.attach((live(call.id), live(waiting.id)))
    again.passes(19.0)
    assert again.rung() == []
    again.passes(1.5)
    assert again.rung() == [(waiting.id, "a")]
    again.board.observe(o.OfferFailed(again.pbx.offered[-1].leg, OfferEnd.BUSY))
    again.passes(40.0)
    assert again.of(e.CallLeftLine)[-1].outcome is Outcome.TIMEOUT


def test_a_queue_lost_from_the_site_while_the_daemon_was_away() -> None:
    world = world_with("a")
    world.phone("pa", Device.IN_USE)
    call = world.enter("q")
    again = World(plan([Queue("other", "O")], [agent("a")]), attach=False)
    again.now = world.now
    again.board.restore(world.facts, {}, world.now)
    assert again.board.calls.here[call.id].queue is None
    assert again.of(e.CallLeftLine)[0].outcome is Outcome.NOBODY


def test_a_script_older_than_the_site_asks_for_a_queue_that_is_gone() -> None:
    world = world_with("a")
    call = world.call()
    assert world.admitted(call, "gone") is Outcome.NOBODY
    assert call.queue is None


def test_a_place_is_kept_through_a_transfer() -> None:
    world = world_with("a")
    call = world.enter("q")
    entered = call.entered
    world.passes(3.0)
    world.answers(world.leg("a"))
    world.board.observe(o.TransferSeen(call.leg or "", call.id, "5000"))
    world.passes(2.0)
    world.admitted(call, "q")
    assert call.entered == entered
    assert world.of(e.CallTransferred)[0].to == "5000"
    assert [fact.leg for fact in world.of(e.AgentOffered)] == [f"{call.id}-o1", f"{call.id}-o2"]


def test_whoever_was_answered_at_a_phone_while_nobody_watched_is_not_in_line_any_more() -> None:
    world = world_with("a")
    world.pause("a")
    call, other = world.enter("q"), world.enter("q")
    again = World(SITE, attach=False)
    again.now = world.now + 60.0
    again.board.restore(world.facts, {}, world.now)
    again.attach((live(call.id, "x"), live("desk", "x"), live(other.id)))
    assert again.board.calls.here[call.id].outcome is Outcome.EXTENSION
    assert again.story(call)[-2:] == ["CallLeftLine", "ExtensionConnected"]
    again.resume("a")
    assert again.rung() == [(other.id, "a")], "only the one who still waits"
    again.caller_hangs_up(call)
    assert again.of(e.CallEnded)[-1].outcome is Outcome.EXTENSION


def test_what_timers_are_set_for_is_here_until_it_is_over() -> None:
    world = World(plan([Queue("q", "Sales")], [agent("a")]))
    call = world.enter("q")
    assert world.board.is_here(("silence", call.id))
    world.caller_hangs_up(call)
    assert not world.board.is_here(("silence", call.id))
    assert all(world.board.is_here(key) for key in (("wrap", "a"), ("presence", ""), ("lease", f"{call.id}-o1")))
