"""Callbacks where two things happen at once: each side moves while the other is on its way, and whatever the site file or the daemon does
meanwhile, nobody is lost, called twice or kept for nobody.
"""

from collections.abc import Callable

import pytest

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import Callback
from callhandler.core.model import CallbackRules, CallbackState, First, OfferEnd, Queue, State, Strategy
from callhandler.core.ports import DialLeg
from callhandler.errors import Refused
from tests.unit.callbacks.backs import Backs, site
from tests.unit.core.world import agent

AGENTS = (agent("a"), agent("b"), agent("z"))
SALES, OTHER = Queue("q", "Sales", wrap_up=0.0), Queue("other", "Other", wrap_up=0.0)


def busy(*queues: Queue, first: First = First.AGENT, attempts: int = 3) -> Backs:
    """A world in which agent z is on break, so that callers may wait."""
    rules = CallbackRules(attempts=attempts, per_number=5, first=first)
    world = Backs(site(*(queues or (SALES,)), agents=AGENTS, rules=rules))
    world.login("z")
    world.pause("z")
    return world


def dialled(world: Backs) -> tuple[Callback, DialLeg, str]:
    """A customer whose phone rings, for agent a who is on the line; returned with that agent's leg."""
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    return one, leg, visit.leg


def customer_rung(first: First) -> tuple[Backs, Callback, DialLeg, str]:
    """A world in which a customer's phone rings, whoever is called first; with the leg of the agent, empty while none is rung."""
    world = busy(first=first)
    if first is First.AGENT:
        return world, *dialled(world)
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    return world, one, leg, one.agent_leg or ""


# --- the customer calls in while being called back --------------------------------------------------------------------


@pytest.mark.parametrize("first", list(First))
def test_who_calls_in_while_being_dialled_takes_the_place_and_is_not_rung_any_more(first: First) -> None:
    world, one, leg, agents_leg = customer_rung(first)
    assert world.callbacks.core.open_to("555") is one
    again = world.call("555")
    world.callbacks.joined_by(one, again)
    assert leg.leg in world.pbx.cancelled
    assert world.ended(one.call) is not None
    world.board.observe(o.ChannelUp(leg.leg))  # picked up at that very moment: there is nothing to say yes to
    assert world.callbacks.customers.customer_at(leg.leg) is None
    world.leg_ends(leg.leg)
    world.leg_ends(agents_leg)
    world.passes(61.0)
    assert world.rung()[-1] == (again.id, "a")
    assert not world.callbacks.all()


def test_who_is_reached_in_another_call_while_the_agent_listens_is_not_dialled() -> None:
    world = busy()
    one = world.waits_back("555")
    world.login("a")
    visit = world.picks_up("a")
    other = world.enter("q", number="555")
    world.login("b")
    world.answers(world.leg("b"))
    assert other.leg is not None
    assert world.ended(one.call) is not None
    with pytest.raises(Refused, match="over"):
        world.dials(visit)
    world.releases(visit)
    assert world.board.line.books.agents["a"].state is State.IDLE


def test_a_yes_that_comes_when_the_attempt_is_over_begins_nothing() -> None:
    """The agent hangs up, and the customer, whose phone is let go for it, presses 1 in the same moment."""
    world = busy()
    one, leg, agents_leg = dialled(world)
    world.board.observe(o.ChannelUp(leg.leg))
    world.leg_ends(agents_leg)
    assert leg.leg in world.pbx.cancelled
    assert world.callbacks.customers.customer_at(leg.leg) is None
    assert one.state is CallbackState.RESTING
    assert not world.board.calls.here


# --- the agent leaves between offer and dialling ----------------------------------------------------------------------


@pytest.mark.parametrize("leaves", ["logs out", "goes on break"])
def test_an_agent_who_leaves_while_being_told_is_let_go_and_nobody_is_dialled(leaves: str) -> None:
    world = busy()
    one = world.waits_back("555")
    world.login("a")
    visit = world.picks_up("a")
    (world.logout if leaves == "logs out" else world.pause)("a")
    assert visit.leg in world.pbx.cancelled
    world.leg_ends(visit.leg)
    assert world.of(e.OfferEnded)[-1].reason is OfferEnd.AGENT_LEFT
    assert (one.state, one.dialled) == (CallbackState.WAITING, 0)
    with pytest.raises(Refused):
        world.dials(visit)
    assert not world.pbx.dialled
    world.login("b")
    assert world.rung() == [(one.call, "b")]


def test_a_kept_agent_who_logs_out_before_the_customer_is_dialled_costs_no_attempt_twice() -> None:
    world = busy(first=First.CUSTOMER)
    one = world.waits_back("555")
    world.login("a")
    kept = one.agent_leg or ""
    world.logout("a")  # the attempt is on its way to the disk
    assert one.agent_leg is None
    leg = world.customer_rings()
    assert leg is not None
    world.says_yes(leg)
    assert one.state is CallbackState.HERE
    assert kept not in world.board.line.books.legs
    world.login("b")
    assert world.rung() == [(one.call, "b")]


def test_of_two_who_come_up_at_once_the_second_is_offered_to_nobody_when_one_may_be_called() -> None:
    rules = CallbackRules(per_hour=1, first=First.CUSTOMER)
    world = Backs(site(SALES, agents=AGENTS, rules=rules))
    world.login("z")
    world.pause("z")
    one = world.waits_back("555", due=world.now + 1_800.0)
    two = world.waits_back("556", due=one.due)
    world.login("a", "b")
    world.until(one.due + 1.0)
    assert one.state is CallbackState.DIALLED
    assert (two.state, two.due) == (CallbackState.RESTING, one.due + 3_600.0)
    assert [fact.call for fact in world.of(e.AgentOffered)] == [one.call]
    assert not world.of(e.OfferEnded)


# --- Asterisk is out of sight -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", list(First))
def test_who_could_not_be_dialled_because_asterisk_was_out_of_sight_was_not_called(first: First) -> None:
    world = busy(first=first, attempts=1)
    one = world.waits_back("555")
    world.login("a")
    visit = world.picks_up("a") if first is First.AGENT else None
    world.board.observe(o.LinkDown("gone"))
    if visit is None:
        assert world.customer_rings() is None, "said to nobody"
        assert (one.failed, one.last_failure, one.state) == (0, "not dialled", CallbackState.RESTING)
    else:
        with pytest.raises(Refused, match="not connected"):
            world.dials(visit)
        world.releases(visit)
        assert (one.dialled, one.state) == (0, CallbackState.WAITING)
    assert not world.rung()
    world.attach()
    world.passes(31.0)
    assert one.state in (CallbackState.OFFERED, CallbackState.DIALLED)
    assert world.board.line.books.agents["a"].call == one.call


# --- everybody rings --------------------------------------------------------------------------------------------------


def test_nobody_is_told_that_nobody_is_free_while_another_phone_rings_for_them() -> None:
    """All phones ring for who said yes; that one of them has refused is not the end of it."""
    ring_all = Queue("q", "Sales", wrap_up=0.0, strategy=Strategy.RING_ALL, ring_best=3, ring=120.0)
    world = busy(ring_all)
    one, leg, agents_leg = dialled(world)
    world.says_yes(leg)
    world.leg_ends(agents_leg)
    world.pause("a")
    for ringing in list(world.pbx.ringing.values()):
        world.fails(ringing, OfferEnd.REFUSED)
    world.login("b")
    world.resume("z")
    said: list[str] = []
    world.board.begin_visit(world.board.calls.here[one.call], lambda: said.append("news"), lambda: None)
    rung = {leg.phone: leg for leg in world.pbx.ringing.values() if leg.leg not in world.pbx.cancelled}
    assert rung.keys() == {"pb", "pz"}
    world.fails(rung["pz"], OfferEnd.REFUSED)
    world.passes(70.0)
    assert not said
    world.pause("b")
    world.pause("z")
    for ringing in list(world.pbx.ringing.values()):
        world.fails(ringing, OfferEnd.REFUSED)
    world.passes(70.0)
    assert said


# --- the site file loses the queue ------------------------------------------------------------------------------------


def asked(world: Backs) -> Callback:
    call = world.enter("q", number="555")
    return world.callbacks.ask(call, "q", "555", confirmed=True, due=None, by="caller", reason="asked")


def waiting(world: Backs) -> Callback:
    return world.waits_back("555")


def resting(world: Backs) -> Callback:
    return world.waits_back("555", due=world.now + 3_600.0)


def offered(world: Backs) -> Callback:
    one = world.waits_back("555")
    world.login("a")
    return one


def announced(world: Backs) -> Callback:
    one = offered(world)
    world.picks_up("a")
    return one


def being_dialled(world: Backs) -> Callback:
    return dialled(world)[0]


def here(world: Backs) -> Callback:
    one, leg, _ = dialled(world)
    world.says_yes(leg)
    return one


def talking(world: Backs) -> Callback:
    one, leg, agents_leg = dialled(world)
    world.says_yes(leg)
    world.board.observe(o.Bridged("b", frozenset((agents_leg, leg.leg))))
    return one


STEPS = (asked, waiting, resting, offered, announced, being_dialled, here, talking)


@pytest.mark.parametrize("to", STEPS)
@pytest.mark.parametrize("restarts", [False, True], ids=["reload", "restart"])
def test_a_queue_that_the_site_file_loses_at_any_step_leaves_nobody_behind(
    to: Callable[[Backs], Callback], *, restarts: bool
) -> None:
    """A reload keeps the queue until its callbacks are done; a restart ends those that nobody talks in, with something to see to."""
    world = busy(SALES, OTHER)
    one = to(world)
    without = site(OTHER, agents=AGENTS)
    if restarts:
        world = world.reborn(without)
        world.attach()
    else:
        world.board.replace_plan(without)
        world.board.replace_plan(without)
    for call in list(world.board.calls.here.values()):
        world.caller_hangs_up(call)
    for each in AGENTS:
        world.pause(each.id)
    for leg in (*world.pbx.dialled, *world.pbx.offered):
        world.leg_ends(leg.leg)
    world.passes(100_000.0)
    ended = world.ended(one.call)
    assert ended is not None
    assert not world.callbacks.all()
    assert not world.board.line.books.calls
    assert all(each.state is State.IDLE for each in world.board.line.books.agents.values())
    if ended.result != "done":
        assert [item.item for item in world.of(e.ItemOpened)][-1] == "callback failed"


# --- its time is over while a phone rings ------------------------------------------------------------------------------


def test_a_callback_that_agents_keep_refusing_expires_all_the_same() -> None:
    world = Backs(site(SALES, agents=AGENTS, rules=CallbackRules(expires=1_800.0)))
    world.login("z")
    world.pause("z")
    one = world.waits_back("555")
    world.login("a", "b")
    while world.now < one.expires + 60.0 and world.ended(one.call) is None:
        world.passes(19.0)
        for leg in [leg for leg in world.pbx.ringing.values() if leg.leg not in world.pbx.cancelled]:
            world.fails(leg, OfferEnd.REFUSED)
    ended = world.ended(one.call)
    assert ended is not None
    assert (ended.result, ended.reason) == ("expired", "not made in time")
    assert ended.at <= one.expires + 60.0


# --- one daemon after the other ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", list(First))
@pytest.mark.parametrize("rings", [True, False])
def test_two_restarts_between_the_dialling_and_its_answer_make_one_attempt_of_it(first: First, *, rings: bool) -> None:
    """The second new daemon finds what the first one found, and what that one wrote down."""
    world, one, leg, agents_leg = customer_rung(first)
    for _ in range(2):
        there = ((agents_leg,) if agents_leg else ()) + ((leg.leg,) if rings else ())
        world = world.reborn()
        world.attach(tuple(o.LiveChannel(each, f"PJSIP/{each}", None, "callhandler", each) for each in there))
        assert not world.pbx.dialled
        assert not world.customer_rings()
    found = world.callbacks.find(one.call)
    assert found is not None
    if not rings:
        assert (found.state, found.failed, found.last_failure) == (CallbackState.RESTING, 1, "lost")
        return
    assert (found.state, found.dialled, found.failed) == (CallbackState.DIALLED, 1, 0)
    world.says_yes(leg)
    assert found.state is CallbackState.HERE
    assert [fact.leg for fact in world.of(e.CallbackDialled)] == [leg.leg]
