"""The line's rules, one by one, each as a short story. The histories hold what must always be; these say what happens when."""

from dataclasses import replace

import pytest

from callhandler.core import events as e
from callhandler.core.model import (
    AgentPlan,
    Device,
    OfferEnd,
    OfferRules,
    Outcome,
    Queue,
    Serves,
    State,
    Status,
    Strategy,
)
from tests.unit.core.world import World, agent, plan, steps


def one_queue(*agents: AgentPlan, rules: OfferRules | None = None, **settings: object) -> World:
    """Return a world with one queue `q` and its agents logged in a second apart."""
    world = World(plan([Queue("q", "Q", **{"wrap_up": 0.0, **settings})], agents, rules))  # type: ignore[arg-type]
    world.login(*(one.id for one in agents))
    return world


# --- steps --------------------------------------------------------------------------------------------------------------

STEPS = steps(("sales >= 5", 20.0), ("sales", 40.0), ("", None))


def test_a_step_ends_when_nobody_answered_not_when_nobody_is_free() -> None:
    world = one_queue(agent("good", sales=9), agent("fair", sales=2), steps=STEPS, ring=60.0)
    world.enter("q")
    world.passes(19.0)
    assert world.rung() == [("test-001", "good")]
    world.fails(world.leg("good"), OfferEnd.REFUSED)
    world.passes(1.5)
    assert world.rung() == [("test-001", "fair")]
    assert [fact.reason for fact in world.of(e.StepAdvanced)] == ["nobody took it in time"]


def test_a_step_nobody_is_logged_in_for_is_skipped_at_once() -> None:
    world = one_queue(agent("any"), steps=STEPS)
    world.enter("q")
    assert world.rung() == [("test-001", "any")]
    assert [(fact.step, fact.reason) for fact in world.of(e.StepAdvanced)] == [(2, "nobody here for the step before")]


def test_a_step_is_waited_out_while_its_people_are_busy() -> None:
    world = one_queue(agent("good", sales=9), agent("fair", sales=2), steps=STEPS)
    world.enter("q")
    world.answers(world.leg("good"))
    world.enter("q")
    world.passes(19.0)
    assert world.rung() == []
    world.passes(1.5)
    assert world.rung() == [("test-002", "fair")]


def test_a_step_whose_time_is_over_goes_on_when_somebody_comes() -> None:
    world = one_queue(agent("good", sales=9), agent("any"), steps=STEPS)
    world.logout("any")
    world.enter("q")
    world.answers(world.leg("good"))
    world.enter("q")
    world.passes(100.0)
    world.login("any")
    assert world.rung() == [("test-002", "any")]


def test_the_last_who_could_help_leaves() -> None:
    world = one_queue(agent("good", sales=9), agent("any"), steps=STEPS)
    world.enter("q")
    world.answers(world.leg("good"))
    call = world.enter("q")
    world.logout("good")
    assert world.rung() == [("test-002", "any")]
    world.logout("any")
    world.fails(world.leg("any"))
    assert call.queue is None
    assert world.of(e.CallLeftLine)[-1].outcome is Outcome.NOBODY
    assert world.of(e.AlarmRaised)[-1].kind == "unroutable"
    assert world.visits[call.id].news is not None
    assert world.cuts == [call.id]


def test_nobody_at_all_is_known_at_once() -> None:
    world = one_queue(agent("a", sales=9), steps=steps(("support", None)))
    call = world.call()
    assert world.admitted(call, "q") is Outcome.NOBODY
    assert world.story(call) == ["CallArrived", "AlarmRaised", "CallLeftLine"]


def test_a_phone_gone_for_a_moment_sends_nobody_away() -> None:
    world = one_queue(agent("a"))
    world.enter("q")
    world.answers(world.leg("a"))
    call = world.enter("q")
    world.agent_hangs_up(world.board.calls.here["test-001"])
    world.fails(world.leg("a"), OfferEnd.UNREACHABLE)
    world.phone("pa", Device.UNREACHABLE)
    world.passes(9.0)
    assert call.queue == "q"
    world.passes(1.5)
    assert call.queue is None


def test_a_phone_that_comes_back_in_time_is_rung() -> None:
    world = one_queue(agent("a"))
    world.phone("pa", Device.IN_USE)
    world.enter("q")
    world.phone("pa", Device.UNREACHABLE)
    world.passes(5.0)
    world.phone("pa", Device.FREE)
    assert world.rung() == [("test-001", "a")]


def test_dropping_what_the_call_itself_wants() -> None:
    world = one_queue(agent("a", english=9), agent("b", spanish=2), steps=steps(("", 20.0), ("", None, True)))
    world.enter("q", wants="spanish")
    world.fails(world.leg("b"), OfferEnd.BUSY)
    world.passes(20.5)
    assert world.rung() == [("test-001", "a")]


# --- who was offered a call and did not take it -------------------------------------------------------------------------


def test_who_refused_is_asked_again_only_after_all_others() -> None:
    world = one_queue(agent("a"), agent("b"), agent("c"), rules=OfferRules(back_off_refused=1.0))
    world.enter("q")
    for one in ("a", "b", "c"):
        assert world.rung() == [("test-001", one)]
        world.passes(2.0)
        world.fails(world.leg(one), OfferEnd.REFUSED)
    assert world.rung() == [("test-001", "a")]


def test_others_who_are_busy_are_waited_for_but_not_for_ever() -> None:
    world = one_queue(agent("a"), agent("b"))
    world.enter("q")
    world.answers(world.leg("a"))
    world.enter("q")
    world.fails(world.leg("b"), OfferEnd.REFUSED)
    world.passes(59.0)
    assert world.rung() == []
    world.passes(1.5)
    assert world.rung() == [("test-002", "b")]


def test_others_who_leave_are_not_waited_for() -> None:
    world = one_queue(agent("a"), agent("b"))
    world.enter("q")
    world.answers(world.leg("a"))
    world.enter("q")
    world.fails(world.leg("b"), OfferEnd.REFUSED)
    world.passes(15.0)
    world.logout("a")
    assert world.rung() == [("test-002", "b")]


def test_a_refused_call_keeps_its_place() -> None:
    world = one_queue(agent("a"), agent("b"), rules=OfferRules(back_off_refused=1.0))
    first, _ = world.enter("q"), world.enter("q")
    late = world.enter("q")
    world.fails(world.leg("a"), OfferEnd.BUSY)
    assert world.board.line.books.position(world.board.line.books.calls[first.id]) == 1
    assert world.board.line.books.position(world.board.line.books.calls[late.id]) == 3


@pytest.mark.parametrize(
    ("reason", "rest"), [(OfferEnd.REFUSED, 10.0), (OfferEnd.BUSY, 60.0), (OfferEnd.UNREACHABLE, 5.0)]
)
def test_a_rest_after_each_kind_of_failure(reason: OfferEnd, rest: float) -> None:
    world = one_queue(agent("a"))
    world.enter("q")
    world.fails(world.leg("a"), reason)
    world.passes(rest - 0.5)
    assert world.rung() == []
    world.passes(1.0)
    assert world.rung() == [("test-001", "a")]


def test_two_misses_in_a_row_and_no_more_calls() -> None:
    world = one_queue(agent("a"))
    call = world.enter("q")
    world.fails(world.leg("a"))
    world.fails(world.leg("a"))
    assert world.board.line.books.agents["a"].state is State.NOT_ANSWERING
    assert sorted(fact.kind for fact in world.of(e.AlarmRaised)) == ["misses", "unroutable"]
    assert [fact.call for fact in world.of(e.CallLeftLine)] == [call.id]
    assert call.queue is None
    world.resume("a")
    world.enter("q")
    assert world.rung() == [("test-002", "a")]


def test_an_answer_forgives_misses() -> None:
    world = one_queue(agent("a"))
    call = world.enter("q")
    world.fails(world.leg("a"))
    world.answers(world.leg("a"))
    world.agent_hangs_up(call)
    world.enter("q")
    world.fails(world.leg("a"))
    assert world.board.line.books.agents["a"].misses == 1


def test_an_offer_of_which_nothing_is_heard_is_lost() -> None:
    world = one_queue(agent("a"), agent("b"))
    world.enter("q")
    lost = world.leg("a")
    world.passes(19.5)
    assert world.rung() == [("test-001", "a")]
    world.passes(1.0)
    assert lost.leg in world.pbx.cancelled
    assert world.rung() == [("test-001", "b")]


# --- order --------------------------------------------------------------------------------------------------------------


def test_class_priority_then_waiting_time_with_bonus_then_id() -> None:
    queues = [
        Queue("plain", "P", wrap_up=0.0),
        Queue("old", "O", wrap_up=0.0, bonus=30.0),
        Queue("vip", "V", wrap_up=0.0, priority=1),
    ]
    world = World(plan(queues, [agent("a")]))
    world.login("a")
    world.enter("plain")
    world.answers(world.leg("a"))
    for queue in ("plain", "plain", "old", "vip"):
        world.enter(queue)
        world.passes(5.0)
    order = []
    for _ in range(4):
        talking = next(call for call in world.board.calls.here.values() if call.leg)
        world.agent_hangs_up(talking)
        order.append(world.rung()[0][0])
        world.answers(world.leg("a"))
    assert order == ["test-005", "test-004", "test-002", "test-003"]


def test_the_row_s_priority_beats_everything_and_delay_hides_a_call() -> None:
    queues = [Queue("mine", "M", wrap_up=0.0), Queue("help", "H", wrap_up=0.0, priority=1)]
    world = World(plan(queues, [agent("a", Serves("mine", 1), Serves("help", 2, 30.0)), agent("h", Serves("help"))]))
    world.login("a", "h")
    world.enter("help")
    world.answers(world.leg("h"))
    world.enter("help")
    assert world.rung() == []
    world.passes(29.0)
    assert world.rung() == []
    world.passes(1.5)
    assert world.rung() == [("test-002", "a")]
    world.answers(world.leg("a"))
    world.enter("help")
    world.passes(60.0)
    world.enter("mine")
    world.agent_hangs_up(world.board.calls.here["test-002"])
    assert world.rung() == [("test-004", "a")]


def test_a_person_moves_and_prioritises() -> None:
    queues = [Queue("a", "A", wrap_up=0.0), Queue("b", "B", wrap_up=0.0)]
    world = World(plan(queues, [agent("x")]))
    world.login("x")
    world.enter("a")
    first, second = world.enter("a"), world.enter("a")
    world.board.record(e.CallPrioritised(at=world.now, call=second.id, queue="a", priority=1, bonus=0.0, by="test"))
    world.passes(5.0)
    world.board.record(e.CallMoved(at=world.now, call=first.id, queue="b", from_queue="a", by="test"))
    assert first.queue == "b"
    assert world.board.line.books.calls[first.id].entered == first.entered == world.now - 5.0
    world.fails(world.leg("x"), OfferEnd.REFUSED)
    world.passes(11.0)
    assert world.rung() == [("test-003", "x")]


def test_a_call_moved_while_a_phone_rings_stops_it() -> None:
    queues = [Queue("a", "A", wrap_up=0.0), Queue("b", "B", wrap_up=0.0)]
    world = World(plan(queues, [agent("x", Serves("a")), agent("y", Serves("b"))]))
    world.login("x", "y")
    call = world.enter("a")
    world.board.record(e.CallMoved(at=world.now, call=call.id, queue="b", from_queue="a", by="test"))
    assert world.leg("x").leg in world.pbx.cancelled
    world.fails(world.leg("x"))
    assert world.of(e.OfferEnded)[-1].reason is OfferEnd.MOVED
    assert world.board.line.books.agents["x"].rest_until == 0.0
    assert world.rung() == [(call.id, "y")]


# --- the agent who knows the caller ---------------------------------------------------------------------------------------


def known_caller(**settings: object) -> World:
    """Return a world in which caller 55 has just talked with agent b."""
    world = one_queue(agent("a"), agent("b"), **settings)
    world.pause("a")
    call = world.enter("q", number="55")
    world.answers(world.leg("b"))
    world.caller_hangs_up(call)
    world.resume("a")
    world.passes(5.0)
    return world


def waiting_for_the_last_agent() -> World:
    """The known caller is back and "a" is free, but "b", who talks, had the caller last: it waits 20 s for them."""
    world = known_caller(last_agent_wait=20.0)
    world.pause("a")
    world.enter("q")
    world.answers(world.leg("b"))
    world.resume("a")
    world.enter("q", number="55")
    return world


def test_the_last_agent_first() -> None:
    world = known_caller()
    world.board.record(e.AgentResumed(at=world.now, agent="b", by="test"))  # a is idle longer now
    world.enter("q", number="55")
    assert world.rung() == [("test-002", "b")]


def test_the_last_agent_is_waited_for_but_not_long() -> None:
    world = waiting_for_the_last_agent()
    world.passes(19.0)
    assert world.rung() == []
    world.passes(1.5)
    assert world.rung() == [("test-003", "a")]


def test_that_nobody_is_there_is_not_written_down_anew_for_each_phone_that_comes_and_goes() -> None:
    world = waiting_for_the_last_agent()
    before = len(world.of(e.RoutingDecided))
    for _ in range(20):
        world.phone("pa", Device.UNREACHABLE)
        world.phone("pa", Device.FREE)
    assert len(world.of(e.RoutingDecided)) == before
    world.pause("b")
    assert world.rung() == [("test-003", "a")]
    assert len(world.of(e.RoutingDecided)) == before + 1


def test_the_last_agent_who_goes_away_is_not_waited_for() -> None:
    world = waiting_for_the_last_agent()
    world.pause("b")
    assert world.rung() == [("test-003", "a")]


def test_after_the_window_anybody_will_do() -> None:
    world = known_caller(last_agent_window=60.0)
    world.passes(61.0)
    world.board.record(e.AgentResumed(at=world.now, agent="b", by="test"))
    world.enter("q", number="55")
    assert world.rung() == [("test-002", "a")]


# --- several phones, wrap-up, limits ----------------------------------------------------------------------------------------


def test_ring_all_of_the_best_and_the_quickest_wins() -> None:
    world = one_queue(agent("a"), agent("b"), agent("c"), strategy=Strategy.RING_ALL, ring_best=2)
    call = world.enter("q")
    assert world.rung() == [("test-001", "a"), ("test-001", "b")]
    world.fails(world.leg("a"), OfferEnd.BUSY)
    assert world.rung() == [("test-001", "b"), ("test-001", "c")]
    world.answers(world.leg("c"))
    assert call.agent == "c"
    assert world.leg("b").leg in world.pbx.cancelled
    world.fails(world.leg("b"), OfferEnd.REFUSED)
    assert world.of(e.OfferEnded)[-1].reason is OfferEnd.TAKEN
    assert world.board.line.books.agents["b"].is_ready()


def test_whoever_refused_long_ago_rings_beside_whoever_never_did() -> None:
    world = one_queue(agent("a"), agent("b"), strategy=Strategy.RING_ALL, ring_best=2)
    for phone in ("pa", "pb"):
        world.phone(phone, Device.IN_USE)
    line, call = world.board.line, world.enter("q")
    waiting = line.books.calls[call.id]
    waiting.refused["a"] = world.now - line.plan.rules.forget_refusal
    for phone in ("pa", "pb"):
        line.books.set_device(phone, Device.FREE, world.now)
    choice = line._matching.choose(waiting, world.now)
    assert choice is not None
    assert [one.id for one in choice.agents] == ["a", "b"]


def test_wrap_up_and_out_of_it() -> None:
    world = one_queue(agent("a"), wrap_up=15.0)
    call = world.enter("q")
    world.answers(world.leg("a"))
    world.passes(30.0)
    world.agent_hangs_up(call)
    world.enter("q")
    world.passes(14.0)
    assert world.rung() == []
    world.passes(1.5)
    assert world.rung() == [("test-002", "a")]
    assert world.board.line.books.agents["a"].handled == pytest.approx(45.0)


def test_resuming_ends_wrap_up() -> None:
    world = one_queue(agent("a"), wrap_up=15.0)
    call = world.enter("q")
    world.answers(world.leg("a"))
    world.agent_hangs_up(call)
    world.enter("q")
    world.resume("a")
    assert world.rung() == [("test-002", "a")]


def test_the_longest_wait_is_not_cut_while_a_phone_rings() -> None:
    world = one_queue(agent("a"), max_wait=10.0)
    call = world.enter("q")
    world.passes(12.0)
    assert call.queue == "q"
    world.fails(world.leg("a"), OfferEnd.REFUSED)
    world.passes(1.5)
    assert call.queue is None
    assert world.of(e.CallLeftLine)[-1].outcome is Outcome.TIMEOUT


def test_a_full_line() -> None:
    world = one_queue(agent("a"), max_length=1)
    world.enter("q")
    assert world.admitted(world.call(), "q") is Outcome.FULL


def test_a_phone_in_use_is_never_rung() -> None:
    world = one_queue(agent("a"))
    world.phone("pa", Device.IN_USE)
    world.enter("q")
    assert world.rung() == []
    world.phone("pa", Device.FREE)
    assert world.rung() == [("test-001", "a")]


def test_going_on_break_while_the_phone_rings_stops_it() -> None:
    world = one_queue(agent("a"), agent("b"))
    world.enter("q")
    world.pause("a")
    assert world.leg("a").leg in world.pbx.cancelled
    world.fails(world.leg("a"))
    assert world.of(e.OfferEnded)[-1].reason is OfferEnd.AGENT_LEFT
    assert world.rung() == [("test-001", "b")]


def test_two_people_at_one_phone_are_one_too_many() -> None:
    world = one_queue(agent("a"), agent("b"))
    world.board.record(e.AgentLoggedIn(at=world.now, agent="b", phone="pa", by="test"))
    assert world.board.line.books.agents["a"].phone is None
    world.enter("q")
    assert [leg.phone for leg in world.pbx.offered] == ["pa"]


# --- another site file ----------------------------------------------------------------------------------------------------


def test_reload_keeps_places_and_takes_up_the_new_rules() -> None:
    world = one_queue(agent("a", sales=9), steps=steps(("sales", None)))
    world.pause("a")
    first, second = world.enter("q"), world.enter("q")
    newer = plan([Queue("q", "Q", max_wait=30.0)], [agent("a", sales=9), agent("n")])
    world.board.replace_plan(newer)
    assert world.board.line.books.agents["n"].status is Status.AVAILABLE
    world.phone("pn", Device.FREE)
    assert world.rung() == [(first.id, "n")]
    world.passes(31.0)
    assert second.queue is None


def test_reload_without_an_agent_s_and_a_queue_s_entry() -> None:
    world = one_queue(agent("a"), agent("b"))
    talk = world.enter("q")
    world.answers(world.leg("a"))
    waits = world.enter("q")
    world.answers(world.leg("b"))
    waiting = world.enter("q")
    world.board.replace_plan(plan([Queue("other", "O")], [agent("b")]))
    assert world.board.line.books.agents["a"].status is Status.LOGGED_OUT
    assert waiting.queue == "q"
    world.agent_hangs_up(talk)
    world.agent_hangs_up(waits)
    assert world.rung() == [(waiting.id, "b")]


def test_reload_without_a_phone_logs_out_who_sits_there_and_offers_nothing_to_it() -> None:
    world = one_queue(agent("a"), agent("b"))
    talk = world.enter("q")
    world.answers(world.leg("a"))
    waits, rung = world.enter("q"), world.leg("b")
    without = plan([Queue("q", "Q")], [replace(agent("a"), phone=None), replace(agent("b"), phone=None)])
    world.board.replace_plan(replace(without, phones=frozenset({"pc"})))
    left = {fact.agent: fact.by for fact in world.of(e.AgentLoggedOut)}
    assert left == {"a": "site file, without phone pa", "b": "site file, without phone pb"}
    assert rung.leg in world.pbx.cancelled
    assert talk.leg is not None, "conversations go on"
    world.fails(rung)
    world.agent_hangs_up(talk)
    world.passes(600.0)
    assert [leg.phone for leg in world.pbx.offered] == ["pa", "pb"]
    assert waits.queue is None


def test_reload_without_a_phone_offers_nothing_to_who_sat_there_and_keeps_callers_for_the_others() -> None:
    world = one_queue(agent("a", sales=9), agent("b"), agent("c"), steps=steps(("sales", None)))
    world.pause("a")
    call = world.enter("q")
    seatless = [replace(agent("a", sales=9), phone=None), replace(agent("b"), phone=None)]
    world.board.replace_plan(plan([Queue("q", "Q")], [*seatless, agent("c")]))
    assert world.rung() == [(call.id, "c")], "b is free, and was so for longer"
    assert [fact.agent for fact in world.of(e.AgentLoggedOut)] == ["a", "b"]


def test_whose_phone_has_gone_while_no_daemon_was_there_is_logged_out_at_the_start() -> None:
    world = one_queue(agent("a"), agent("b"))
    world.board.line.restore([e.AgentLoggedIn(at=world.now, agent="b", phone="gone", by="test")])
    world.board.unseat(world.now)
    assert [(fact.agent, fact.by) for fact in world.of(e.AgentLoggedOut)] == [("b", "site file, without phone gone")]
    assert world.board.line.books.agents["a"].status is Status.AVAILABLE


@pytest.mark.parametrize("leaves", ["pause", "logout"])
def test_whoever_leaves_while_the_phone_rings_is_not_blamed_and_may_have_the_same_call_back(leaves: str) -> None:
    world = one_queue(agent("a"), agent("b"))
    world.pause("b")
    call = world.enter("q")
    {"pause": world.pause, "logout": world.logout}[leaves]("a")
    world.fails(world.leg("a"))
    assert world.of(e.OfferEnded)[-1].reason is OfferEnd.AGENT_LEFT
    world.login("a")
    assert world.rung() == [(call.id, "a")]
    assert world.board.line.books.agents["a"].misses == 0
