"""Customers who are called before an agent is rung: when, how many, how long they wait, and what becomes of them."""

import pytest

from callhandler.calling_back import NoGuard
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import Callback
from callhandler.core.calls import Call
from callhandler.core.decisions import LeaveLine
from callhandler.core.hours import Opening
from callhandler.core.model import AgentPlan, CallbackRules, CallbackState, First, OfferEnd, Outcome, Queue, State, Tier
from callhandler.core.ports import DialLeg
from callhandler.switchboard import Visit
from tests.unit.callbacks.backs import Backs, site
from tests.unit.core.world import agent

RULES = CallbackRules(first=First.CUSTOMER, customer_waits=60.0, spacing=600.0, attempts=3)
QUEUE = Queue("q", "Sales", wrap_up=0.0)


def world_of(*agents: str, rules: CallbackRules = RULES, queue: Queue = QUEUE) -> Backs:
    """A world in which agent z is there but on break, so that callers may wait."""
    world = Backs(site(queue, agents=(agent("a"), agent("b"), agent("z")), rules=rules))
    world.login("z", *agents)
    world.pause("z")
    return world


def here(world: Backs, leg: DialLeg) -> Callback:
    """The customer answers and says yes."""
    one = world.callbacks.customers.customer_at(leg.leg)
    assert one is not None
    world.says_yes(leg)
    return one


def visited(world: Backs, one: Callback) -> Visit:
    """The customer's session has begun."""
    call = world.board.calls.here[one.call]
    return world.board.begin_visit(call, lambda: None, lambda: None)


def news_of(visit: Visit) -> LeaveLine | None:
    """What the line has told the customer's session."""
    return visit.news


def test_the_customer_is_dialled_before_any_phone_rings_and_then_served_like_a_caller() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    assert not world.rung(), "nobody hears it ring"
    leg = world.customer_rings()
    assert leg is not None
    assert (one.state, one.first, one.agent) == (CallbackState.DIALLED, True, "a")
    here(world, leg)
    assert (world.leg("a").display_name, world.leg("a").callback) == ("Callback Sales: +555", False)
    world.board.observe(o.Bridged("b", frozenset((world.leg("a").leg, leg.leg))))
    assert one.state is CallbackState.TALKING
    world.passes(30.0)
    world.leg_ends(leg.leg)
    assert world.story_of(one.call) == [
        "CallbackRequested",
        "AgentOffered",
        "CallbackDialled",
        "CallbackAccepted",
        "CallConnected",
        "TalkEnded",
        "CallbackEnded",
    ]
    ended = world.ended(one.call)
    assert ended is not None
    assert (ended.result, ended.talked) == ("done", 30.0)
    assert not world.board.calls.here


def test_never_more_customers_are_dialled_than_agents_are_free() -> None:
    world = world_of()
    first, second, third = (world.waits_back(number) for number in ("555", "666", "777"))
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    assert [one.call for one in world.pbx.dialled] == [first.call]
    world.login("b")
    leg = world.customer_rings()
    assert leg is not None
    assert leg.call == second.call
    assert third.state is CallbackState.WAITING
    world.customer_fails(leg)
    leg = world.customer_rings()
    assert leg is not None, "the agent whom the second would have had"
    assert leg.call == third.call


def test_agents_of_other_skills_dont_count() -> None:
    agents = (agent("a"), AgentPlan("b", "b", {"dutch": 5}, (), "pb"), agent("z"))
    world = Backs(site(QUEUE, agents=agents, rules=RULES))
    world.login("b", "z")
    for one in "bz":
        world.pause(one)
    dutch, other = world.waits_back("555", wants="dutch"), world.waits_back("666")
    world.resume("b")
    leg = world.customer_rings()
    assert leg is not None
    assert leg.call == dutch.call
    assert other.state is CallbackState.WAITING
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    assert leg.call == other.call


def test_the_agent_is_kept_for_the_customer_and_nobody_overtakes() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.enter("q", number="666")
    world.passes(45.0)
    assert not world.rung(), "longer than a phone would ring"
    assert world.board.line.books.agents["a"].state is State.OFFERED
    here(world, leg)
    assert [call for call, _ in world.rung()] == [one.call]
    world.passes(14.0)
    assert [call for call, _ in world.rung()] == [one.call], "rings as long as for any caller"


def test_an_agent_who_goes_on_break_meanwhile_is_let_go_and_another_serves_the_customer() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.pause("a")
    assert world.board.line.books.agents["a"].state is State.IDLE
    assert (one.state, one.agent) == (CallbackState.DIALLED, None)
    world.login("b")
    assert world.customer_rings() is None
    here(world, leg)
    assert world.rung() == [(one.call, "b")]


def test_who_was_called_goes_before_a_class_of_callers_that_goes_first() -> None:
    world = world_of()
    world.board.line.plan.tiers["gold"] = Tier(priority=1)
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.pause("a")
    gold = world.call("666")
    world.board.record(e.AttributeSet(at=world.now, call=gold.id, name="tier", value="gold"))
    assert world.board.enter(gold, "q") is None
    here(world, leg)
    world.resume("a")
    assert [call for call, _ in world.rung()] == [one.call]


def test_who_waits_in_vain_is_told_and_called_again_agent_first() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.pause("a")
    here(world, leg)
    visit = visited(world, one)
    world.passes(59.0)
    assert news_of(visit) is None
    world.passes(2.0)
    assert news_of(visit) is not None, "told after a minute"
    assert one.state is CallbackState.HERE, "and in line all the while"
    world.callbacks.customers.put_off(world.board.calls.here[one.call])
    world.leg_ends(leg.leg)
    assert (one.state, one.failed, one.last_failure) == (CallbackState.RESTING, 0, "nobody free")
    assert not world.board.calls.here
    world.resume("a")
    world.passes(31.0)
    assert world.customer_rings() is None
    assert world.leg("a").callback, "not again without an agent"


def test_who_waits_on_is_told_again_but_not_while_a_phone_rings() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.pause("a")
    here(world, leg)
    visit = visited(world, one)
    world.passes(61.0)
    visit.news = None
    world.passes(58.0)
    world.resume("a")
    world.passes(3.0)
    assert news_of(visit) is None
    world.fails(world.leg("a"), OfferEnd.REFUSED)
    world.passes(2.0)
    assert news_of(visit) is not None


def test_the_same_holds_where_the_agent_was_first_and_left_after_the_yes() -> None:
    world = world_of(rules=CallbackRules(), queue=Queue("q", "Sales", wrap_up=0.0, max_wait=5.0))
    one = world.waits_back("555")
    world.login("a")
    agents, leg = world.accepts("a")
    assert leg is not None
    here(world, leg)
    visit = visited(world, one)
    world.passes(100.0)
    world.pause("a")
    world.leg_ends(agents.leg)
    assert (one.state, one.first) == (CallbackState.HERE, True)
    world.passes(59.0)
    assert news_of(visit) is None, "nor by the queue's own longest wait"
    world.passes(2.0)
    assert news_of(visit) is not None


@pytest.mark.parametrize(("how", "why"), [(OfferEnd.NO_ANSWER, "no answer"), (OfferEnd.BUSY, "busy")])
def test_a_customer_who_is_not_reached_costs_no_agent_anything(how: OfferEnd, why: str) -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.customer_fails(leg, how)
    assert (one.state, one.failed, one.last_failure) == (CallbackState.RESTING, 1, why)
    assert world.board.line.books.agents["a"].state is State.IDLE
    world.passes(601.0)
    leg = world.customer_rings()
    assert leg is not None
    assert leg.leg == f"{one.call}-d2"


def test_a_machine_is_an_attempt_that_failed() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.board.observe(o.ChannelUp(leg.leg))
    world.callbacks.customers.machine(one)
    world.leg_ends(leg.leg)
    assert (one.state, one.failed, one.last_failure) == (CallbackState.RESTING, 1, "machine")


def test_nothing_is_dialled_that_is_not_on_disk_or_that_may_not_be() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.on_disk = False
    world.login("a")
    assert world.customer_rings() is None
    assert (one.failed, one.state) == (0, CallbackState.RESTING)
    world.on_disk = True
    world.numbers.opened = Opening(False, "after hours", world.now + 3_600.0)
    world.passes(31.0)
    assert world.customer_rings() is None
    assert one.state is CallbackState.RESTING
    world.numbers.opened = None
    world.passes(3_601.0)
    assert world.customer_rings() is not None


def test_a_number_that_may_not_be_called_any_more_keeps_no_agent() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.callbacks.guard_by(NoGuard())
    world.login("a")
    assert world.customer_rings() is None
    ended = world.ended(one.call)
    assert ended is not None
    assert ended.result == "failed"
    assert world.board.line.books.agents["a"].is_ready()


def test_cancelling_lets_the_customers_phone_and_the_agent_go() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.callbacks.cancel(one, "Ann", "not needed")
    assert leg.leg in world.pbx.cancelled
    assert world.board.line.books.agents["a"].is_ready()


def test_a_message_instead_ends_the_callback() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.pause("a")
    here(world, leg)
    now = world.now
    left = e.CallLeftLine(at=now, call=one.call, queue="q", outcome="message", waited=1.0, reason="left a message")  # type: ignore[arg-type]
    world.board.record(left)
    world.board.record(e.MessageLeft(at=now, call=one.call, queue="q", file="f.wav", seconds=4.0))
    ended = world.ended(one.call)
    assert ended is not None
    assert (ended.result, ended.reason) == ("cancelled", "left a message instead")


# --- the daemon dies ----------------------------------------------------------------------------------------------------


def again_with(world: Backs, *live: str) -> Backs:
    fresh = world.reborn()
    fresh.attach(tuple(o.LiveChannel(one, f"PJSIP/{one}", None, "callhandler-customer", one) for one in live))
    return fresh


def test_an_attempt_whose_customer_is_gone_is_lost_and_one_that_rings_is_taken_up() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    lost = again_with(world).callbacks.find(one.call)
    assert lost is not None
    assert (lost.state, lost.last_failure, lost.failed) == (CallbackState.RESTING, "lost", 1)
    fresh = again_with(world, leg.leg)
    found = fresh.callbacks.find(one.call)
    assert found is not None
    assert found.state is CallbackState.DIALLED
    assert not fresh.to_dial, "never dialled twice"
    assert here(fresh, leg) is found
    assert [call for call, _ in fresh.rung()] == [one.call]


def test_who_waits_on_the_line_keeps_the_place_and_the_bound_through_a_crash() -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    world.pause("a")
    here(world, leg)
    world.passes(50.0)
    fresh = again_with(world, leg.leg)
    found = fresh.callbacks.find(one.call)
    assert found is not None
    visit = visited(fresh, found)
    fresh.passes(9.0)
    assert news_of(visit) is not None
    fresh.resume("a")
    assert [call for call, _ in fresh.rung()] == [one.call]


def test_the_number_that_nobody_confirmed_is_confirmed_by_the_key() -> None:
    world = world_of(rules=CallbackRules(first=First.CUSTOMER, automatic_after=5.0))
    call: Call = world.enter("q", number="555")
    world.passes(10.0)
    world.caller_hangs_up(call)
    (one,) = world.callbacks.all()
    assert (one.confirmed, one.attempts(RULES)) == (False, 1)
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    here(world, leg)
    assert (one.confirmed, one.attempts(RULES)) == (True, 3)


@pytest.mark.parametrize("customer_lives", [True, False])
def test_a_crash_at_any_fact_neither_loses_the_callback_nor_dials_an_attempt_twice(customer_lives: bool) -> None:
    world = world_of()
    one = world.waits_back("555")
    world.login("a")
    leg = world.customer_rings()
    assert leg is not None
    here(world, leg)
    world.board.observe(o.Bridged("b", frozenset((world.leg("a").leg, leg.leg))))
    world.leg_ends(leg.leg)
    whole, first = list(world.facts), next(i for i, f in enumerate(world.facts) if isinstance(f, e.CallEnded))
    assert isinstance(whole[-1], e.CallbackEnded)
    for kept in range(first + 1, len(whole) + 1):
        world.facts = whole[:kept]
        dialled = {fact.leg for fact in world.of(e.CallbackDialled)}
        fresh = again_with(world, *(dialled if customer_lives else ()))
        fresh.login("b")
        fresh.passes(700.0)
        fresh.customer_rings()
        found = fresh.callbacks.find(one.call)
        assert (found is None) == (fresh.ended(one.call) is not None), kept
        assert found is not None or kept >= len(whole) - 3, "open until they have talked"
        assert not dialled & {attempt.leg for attempt in fresh.pbx.dialled}, (
            "what was about to be dialled never is again"
        )
        assert len({fact.leg for fact in fresh.of(e.CallbackDialled)}) == len(fresh.of(e.CallbackDialled))


def test_a_customer_who_talks_with_somebody_else_instead_is_not_called_again() -> None:
    """By key 0 to a desk phone: that was a conversation, no attempt that failed."""
    world = world_of("a")
    one = world.waits_back("555")
    leg = world.customer_rings()
    assert leg is not None
    here(world, leg)
    visit = visited(world, one)
    left = e.CallLeftLine(
        at=world.now, call=one.call, queue="q", outcome=Outcome.WITHDRAWN, waited=1.0, reason="pressed 0"
    )
    world.board.record(left)
    world.board.observe(o.Bridged("b", frozenset((leg.leg, "desk-phone"))))
    world.passes(120.0)
    assert news_of(visit) is None, "nobody has waited in vain"
    world.leg_ends(leg.leg)
    ended = world.ended(one.call)
    assert ended is not None
    assert ended.result == "done"
    assert not world.of(e.CallbackRescheduled)
    assert not world.board.calls.here
