"""Callers who were kept ringing: what is written down of them, and what it counts as."""

import pytest

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.calls import Call
from callhandler.core.inbox import MISSED, InboxKeeper
from callhandler.core.model import SHORT_ABANDON, Outcome, Queue, RingEnd
from callhandler.core.views import CallState
from callhandler.ending import BY, Ending
from callhandler.viewing import Figures, Viewing
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a")])


def ringing(world: World) -> Call:
    call = world.call("555")
    world.board.record(e.CallKeptRinging(at=world.now, call=call.id))
    return call


def let_in(world: World, call: Call) -> None:
    rang = world.now - (call.rings_since or 0.0)
    world.board.record(e.CallRang(at=world.now, call=call.id, rang=rang, reason=RingEnd.LET_IN))


def rang(world: World) -> list[tuple[float, RingEnd]]:
    return [(fact.rang, fact.reason) for fact in world.of(e.CallRang)]


def outcome(world: World) -> Outcome:
    (end,) = world.of(e.CallEnded)
    return end.outcome


@pytest.mark.parametrize(
    ("seconds", "comes_to"),
    [(SHORT_ABANDON, Outcome.ABANDONED_SHORT), (SHORT_ABANDON + 0.5, Outcome.ABANDONED)],
)
def test_who_hangs_up_while_it_rings_has_abandoned_the_call(seconds: float, comes_to: Outcome) -> None:
    world = World(SITE)
    call = ringing(world)
    world.passes(seconds)
    world.caller_hangs_up(call)
    assert rang(world) == [(seconds, RingEnd.CALLER_LEFT)]
    assert outcome(world) is comes_to
    assert world.story(call) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEnded"]


def test_who_rang_in_vain_is_somebody_to_call_back() -> None:
    world = World(SITE)
    keeper = InboxKeeper()
    world.board.followed_by(keeper)
    call = ringing(world)
    world.passes(20.0)
    world.caller_hangs_up(call)
    assert [(item.kind, item.number, item.queue) for item in keeper.inbox.items()] == [(MISSED, "555", "")]


def test_who_was_let_in_and_hangs_up_in_the_menu_has_left_in_the_menu() -> None:
    world = World(SITE)
    call = ringing(world)
    world.passes(20.0)
    let_in(world, call)
    world.passes(20.0)
    world.caller_hangs_up(call)
    assert rang(world) == [(20.0, RingEnd.LET_IN)]
    assert outcome(world) is Outcome.LEFT_IN_MENU


def test_the_wait_in_line_begins_there_however_long_it_rang() -> None:
    world = World(SITE)
    world.login("a")
    call = ringing(world)
    world.passes(20.0)
    let_in(world, call)
    world.admitted(call, "q")
    world.passes(4.0)
    world.answers(world.leg("a"))
    assert world.of(e.CallConnected)[0].waited == 4.0
    world.caller_hangs_up(call)
    assert outcome(world) is Outcome.ANSWERED


def test_who_is_hung_up_by_a_person_while_it_rings_has_abandoned_nothing() -> None:
    world = World(SITE)
    call = ringing(world)
    world.passes(20.0)
    world.board.withdraw(call, "ann")
    world.caller_hangs_up(call)
    assert rang(world) == [(20.0, RingEnd.WITHDRAWN)]
    assert outcome(world) is Outcome.WITHDRAWN


def test_whose_end_was_not_seen_is_lost() -> None:
    world = World(SITE)
    call = ringing(world)
    world.board.end_visit(world.visits[call.id])
    world.passes(20.0)
    world.attach()
    assert rang(world) == [(20.0, RingEnd.LOST)]
    assert outcome(world) is Outcome.LOST


def test_who_was_answered_at_a_phone_while_the_daemon_was_away_rings_no_more() -> None:
    world = World(SITE)
    call = ringing(world)
    world.passes(20.0)
    world.board.observe(o.Bridged("b", frozenset((call.id, "phone"))))
    world.passes(20.0)
    world.caller_hangs_up(call)
    assert rang(world) == [(20.0, RingEnd.LET_IN)]
    assert outcome(world) is Outcome.EXTENSION


def test_it_is_seen_while_it_rings() -> None:
    world = World(SITE)
    viewing = Viewing(world.board, Figures(str))
    call = ringing(world)
    assert (viewing.call(call).state, viewing.call(call).since) == (CallState.RINGING, world.now)
    assert (viewing.counts().calls, viewing.counts().ringing) == (1, 1)
    world.passes(20.0)
    let_in(world, call)
    assert (viewing.call(call).state, viewing.call(call).since) == (CallState.ARRIVED, world.now)
    assert viewing.counts().ringing == 0


def test_a_start_knows_who_rang() -> None:
    before = World(SITE)
    call = ringing(before)
    after = World(SITE, attach=False)
    after.board.restore(before.facts, {}, before.now)
    assert after.board.calls.here[call.id].rings_since == before.now


def test_a_planned_end_gives_back_who_rings_and_lets_the_others_end() -> None:
    world = World(SITE)
    keeper = InboxKeeper()
    world.board.followed_by(keeper)
    waits, rings = world.enter("q"), ringing(world)
    over: list[str] = []
    Ending(world.board, lambda: over.append("over")).begin()
    assert world.pbx.sent_to_line == [rings.channel]
    assert world.pbx.hung_up == [], "the dialplan lets the network have it back, which a hang-up is not"
    world.passes(4.0)
    world.board.observe(o.ChannelEnded(rings.id, 34, "Circuit/channel congestion"))
    assert rang(world) == [(4.0, RingEnd.WITHDRAWN)]
    assert [(end.outcome, end.reason) for end in world.of(e.CallEnded)] == [(Outcome.WITHDRAWN, f"hung up by {BY}")]
    (item,) = keeper.inbox.items()
    assert (item.kind, item.number, item.reason) == (MISSED, "555", f"hung up by {BY}")
    assert not over
    world.caller_hangs_up(waits)
    assert over
