"""Callbacks as stories: asked for, kept in line, offered, dialled, reached or not; and what survives a restart."""

from dataclasses import replace

import pytest

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import Callback
from callhandler.core.hours import Opening
from callhandler.core.model import CallbackRules, CallbackState, OfferEnd, Outcome, Queue, State, WordEnd
from callhandler.errors import Refused
from tests.unit.callbacks.backs import LEG, Backs, site
from tests.unit.core.world import START, agent, steps


def talking(world: Backs, number: str = "555") -> Callback:
    """Somebody who was called back and talks with agent a."""
    one = world.waits_back(number)
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.says_yes(leg)
    world.joined(visit, leg)
    return one


def busy_world(*agents: str) -> Backs:
    """A world in which agent z is there but on break, so that callers may wait."""
    world = Backs(site(agents=(agent("a"), agent("b"), agent("z"))))
    world.login("z", *agents)
    world.pause("z")
    return world


def test_a_whole_callback() -> None:
    world = busy_world()
    call = world.enter("q", number="555")
    world.passes(60.0)
    one = world.asks(call)
    assert world.of(e.CallEnded)[0].outcome is Outcome.CALLBACK
    assert one.state is CallbackState.WAITING
    world.passes(40.0)
    world.login("a")
    assert (world.leg("a").display_name, world.leg("a").callback) == ("Callback Sales: +555", True)
    visit, leg = world.accepts("a")
    assert leg is not None
    assert (leg.leg, leg.number, leg.trunk) == (f"{call.id}-d1", "+555", "pstn")
    world.says_yes(leg)
    world.joined(visit, leg)
    assert world.of(e.CallConnected)[0].waited == pytest.approx(101.0, abs=2)
    world.passes(30.0)
    world.leg_ends(visit.leg)
    world.leg_ends(leg.leg)
    assert world.story_of(call.id) == [
        "CallbackRequested",
        "AgentOffered",
        "CallbackAnnounced",
        "CallbackDialled",
        "CallbackAccepted",
        "CallConnected",
        "TalkEnded",
        "CallbackEnded",
    ]
    ended = world.ended(call.id)
    assert ended is not None
    assert (ended.result, ended.talked) == ("done", 30.0)
    assert not world.callbacks.all()
    assert not world.board.calls.here
    assert not world.board.line.books.calls


def test_an_agents_refusal_is_no_attempt_and_the_next_agent_is_offered_it() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a", "b")
    visit = world.picks_up("a")
    world.releases(visit, OfferEnd.REFUSED)
    assert (one.failed, one.dialled, one.state) == (0, 0, CallbackState.OFFERED)
    assert world.leg("b").call == one.call


def test_an_agent_who_hangs_up_instead_of_pressing_a_key_has_refused() -> None:
    world = busy_world()
    world.waits_back("555")
    world.login("a")
    visit = world.picks_up("a")
    world.leg_ends(visit.leg)
    assert world.of(e.OfferEnded)[-1].reason is OfferEnd.REFUSED


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (OfferEnd.NO_ANSWER, "no answer"),
        (OfferEnd.BUSY, "busy"),
        (OfferEnd.UNREACHABLE, "failed"),
    ],
)
def test_who_is_not_reached_is_tried_again_later_and_the_agent_is_free_at_once(how: OfferEnd, why: str) -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg, how)
    assert (one.state, one.failed, one.last_failure) == (CallbackState.RESTING, 1, why)
    world.releases(visit)
    assert world.board.line.books.agents["a"].is_ready()
    assert not world.rung()
    world.passes(599.0)
    assert not world.rung()
    world.passes(2.0)
    assert world.rung() == [(one.call, "a")]


def test_an_answer_without_a_key_is_not_accepted() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    _, leg = world.accepts("a")
    assert leg is not None
    world.board.observe(o.ChannelUp(leg.leg))
    world.leg_ends(leg.leg)
    assert one.last_failure == "not accepted"


def test_after_the_last_attempt_a_person_has_to_see_to_it() -> None:
    world = busy_world("a")
    one = world.waits_back("555")
    for _ in range(3):
        visit, leg = world.accepts("a")
        assert leg is not None
        world.customer_fails(leg)
        world.releases(visit)
        world.passes(601.0)
    ended = world.ended(one.call)
    assert ended is not None
    assert (ended.result, ended.reason) == ("failed", "3 attempts, the last: no answer")
    (item,) = world.of(e.ItemOpened)
    assert (item.item, item.number) == ("callback failed", "+555")


def test_a_number_that_nobody_confirmed_is_dialled_once() -> None:
    world = Backs(site(agents=(agent("a"), agent("z")), rules=CallbackRules(automatic_after=20.0)))
    world.login("z")
    world.pause("z")
    call = world.enter("q", number="555")
    world.passes(30.0)
    world.caller_hangs_up(call)
    assert world.of(e.CallEnded)[0].outcome is Outcome.ABANDONED
    world.login("a")
    _, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg)
    ended = world.ended(call.id)
    assert ended is not None
    assert ended.result == "failed"


def test_nor_twice_a_day_when_the_first_was_asked_for_long_before_it_was_dialled() -> None:
    """Asked for in the night before, say: a day counted from the asking alone would be over sooner than one counted from the call."""
    world = Backs(site(agents=(agent("a"), agent("z")), rules=CallbackRules(automatic_after=20.0, expires=200_000.0)))
    world.login("z")
    world.pause("z")
    first = world.enter("q", number="555")
    world.passes(30.0)
    world.caller_hangs_up(first)
    world.passes(86_000.0)
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg)
    world.releases(visit)
    world.pause("a")
    world.passes(600.0)

    def gives_up() -> str:
        call = world.enter("q", number="555")
        world.passes(30.0)
        world.caller_hangs_up(call)
        return call.id

    gives_up()
    assert len(world.of(e.CallbackRequested)) == 1, "dialled ten minutes ago"
    world.passes(86_400.0)
    assert gives_up() == world.of(e.CallbackRequested)[-1].call, "and the next day it may be again"


def test_who_gave_up_early_or_shows_no_number_is_not_called_unasked() -> None:
    world = Backs(site(agents=(agent("a"), agent("z")), rules=CallbackRules(automatic_after=20.0)))
    world.login("z")
    world.pause("z")
    early, hidden = world.enter("q", number="555"), world.enter("q", number="anonymous")
    world.passes(10.0)
    world.caller_hangs_up(early)
    world.passes(60.0)
    world.caller_hangs_up(hidden)
    assert not world.of(e.CallbackRequested)


def test_an_agent_who_leaves_while_the_customer_rings_stops_that() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.leg_ends(visit.leg)
    assert leg.leg in world.pbx.cancelled
    assert (one.state, one.last_failure) == (CallbackState.RESTING, "agent left")


def test_a_customer_whose_agent_is_gone_goes_to_the_head_of_the_line() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    other = world.enter("q", number="777")
    world.says_yes(leg)
    world.leg_ends(visit.leg)
    world.login("b")
    offered = world.leg("b")
    assert (offered.call, offered.caller_channel, offered.callback) == (one.call, f"PJSIP/{leg.leg}", False)
    del world.pbx.ringing[offered.leg]
    world.board.observe(o.Bridged("b", frozenset((offered.leg, leg.leg))))
    world.leg_ends(leg.leg)
    assert (world.ended(one.call) or pytest.fail()).result == "done"
    assert other.id in world.board.line.books.calls


def test_a_customer_who_said_yes_and_leaves_before_an_agent_is_there_is_called_again() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.says_yes(leg)
    world.leg_ends(visit.leg)
    world.leg_ends(leg.leg)
    assert (one.state, one.last_failure) == (CallbackState.RESTING, "hung up")
    assert not world.board.calls.here


def test_nothing_is_dialled_that_is_not_on_disk() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    world.on_disk = False
    visit, leg = world.accepts("a")
    assert leg is None
    assert not world.pbx.dialled
    assert (one.failed, one.state) == (0, CallbackState.RESTING)
    world.releases(visit)
    world.on_disk = True
    world.passes(31.0)
    _, leg = world.accepts("a")
    assert leg is not None
    assert leg.leg == f"{one.call}-d2"


def test_an_agent_who_leaves_while_the_disk_is_waited_for_is_not_dialled_for() -> None:
    world = busy_world()
    world.waits_back("555")
    world.login("a")
    visit = world.picks_up("a")
    fact = world.callbacks.customers.dialling(visit.callback)
    world.leg_ends(visit.leg)
    world.callbacks.customers.dial(fact, LEG)
    assert not world.pbx.dialled


def test_no_more_at_once_than_allowed_and_those_who_wait_go_on_in_order() -> None:
    agents = (agent("a"), agent("b"), agent("z"))
    world = Backs(site(agents=agents, rules=CallbackRules(at_once=1)))
    world.login("z", "a", "b")
    world.pause("z")
    for one in ("a", "b"):
        world.pause(one)
    first, second = world.waits_back("555"), world.waits_back("777")
    world.resume("a")
    world.resume("b")
    assert world.rung() == [(first.call, "a")]
    visit, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg)
    world.releases(visit)
    assert [call for call, _ in world.rung()] == [second.call]


def test_a_slot_is_kept_until_its_time_and_its_end_is_a_promise() -> None:
    world = busy_world("a")
    due = START + 1_800.0
    one = world.waits_back("555", due=due)
    assert one.state is CallbackState.RESTING
    assert one.promise == due + 900.0
    world.until(due - 1)
    assert not world.rung()
    world.until(due + 1)
    assert world.rung() == [(one.call, "a")]
    _, leg = world.accepts("a")
    assert leg is not None
    (settled,) = world.of(e.PromiseSettled)
    assert (settled.kept, settled.late) == (True, 0.0)


def test_a_broken_promise_is_a_task_at_once_and_settled_when_the_call_is_made() -> None:
    world = busy_world()
    due = START + 1_800.0
    one = world.waits_back("555", due=due)
    world.until(due + 1_000.0)
    (item,) = world.of(e.ItemOpened)
    assert item.item == "promise broken"
    world.login("a")
    world.accepts("a")
    (settled,) = world.of(e.PromiseSettled)
    assert not settled.kept
    assert settled.late == pytest.approx(100.0, abs=3)
    assert one.settled


def test_the_promise_of_a_callback_that_is_given_another_time_is_that_time() -> None:
    world = busy_world("a")
    due, later = START + 1_800.0, START + 5_400.0
    one = world.waits_back("555", due=due)
    world.callbacks.reschedule(one, later, "another time, said Ann")
    assert one.promise == later + 900.0
    world.until(due + 1_000.0)
    assert not world.of(e.ItemOpened), "nothing is promised for then any more"
    world.until(later + 1.0)
    world.accepts("a")
    (settled,) = world.of(e.PromiseSettled)
    assert (settled.kept, settled.promise) == (True, later + 900.0)


def test_another_time_for_a_broken_promise_leaves_it_broken_and_is_watched_like_the_first() -> None:
    world = busy_world()
    one = world.waits_back("555", due=START + 1_800.0)
    world.until(START + 3_000.0)
    world.callbacks.reschedule(one, START + 5_400.0, "another time, said Ann")
    (broken,) = world.of(e.PromiseSettled)
    assert (broken.kept, broken.late) == (False, pytest.approx(300.0))
    again = world.reborn()
    again.attach()
    again.until(START + 5_400.0 + 901.0)
    assert [item.at for item in again.of(e.ItemOpened)] == [START + 2_700.0, START + 6_300.0]


def test_a_callback_that_is_to_be_made_now_was_promised_for_no_other_time() -> None:
    world = busy_world("a")
    one = world.waits_back("555", due=START + 1_800.0)
    world.callbacks.reschedule(one, world.now, "now, said Ann")
    world.passes(1.0)
    assert (one.state, one.promise) == (CallbackState.OFFERED, START + 2_700.0)


def test_a_callback_that_was_never_made_expires() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.passes(86_401.0)
    ended = world.ended(one.call)
    assert ended is not None
    assert ended.result == "expired"
    assert world.of(e.ItemOpened)[0].reason == "not made in time"
    assert not world.board.line.books.calls


def test_nobody_is_called_at_night() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.numbers.opened = Opening(False, "after hours", world.now + 3_600.0)
    world.login("a")
    assert not world.rung()
    assert (one.state, one.failed) == (CallbackState.RESTING, 0)
    assert world.board.line.books.agents["a"].state is State.IDLE
    world.numbers.opened = None
    world.passes(3_601.0)
    assert world.rung() == [(one.call, "a")]


def test_a_callback_that_can_t_be_made_now_is_offered_to_nobody_and_the_next_in_line_is() -> None:
    world = busy_world()
    one = world.waits_back("555")
    later = world.enter("q", number="777")
    opens = world.now + 3_600.0
    world.numbers.opened = Opening(False, "after hours", opens)
    world.login("a")
    assert world.rung() == [(later.id, "a")]
    assert world.story_of(one.call) == ["CallbackRequested", "CallbackRescheduled"], (
        "no phone rang, and none is said to have"
    )
    assert world.of(e.CallbackRescheduled)[-1].reason == "not in calling hours: after hours"
    assert one.due == opens


@pytest.mark.parametrize("due", [None, 9_000.0], ids=["in line", "resting"])
def test_who_is_to_be_called_now_and_can_t_be_is_left_as_is_and_that_is_said(due: float | None) -> None:
    world = busy_world()
    one = world.waits_back("555", due=None if due is None else START + due)
    opens = world.now + 3_600.0
    world.numbers.opened = Opening(False, "after hours", opens)
    before = (one.state, one.due, one.promise)
    sentence = rf"^\+555 can't be called before <{opens:.0f}>: not in calling hours: after hours; .* as it was"
    with pytest.raises(Refused, match=sentence):
        world.callbacks.run(one, "Ann")
    assert (one.state, one.due, one.promise) == before
    world.numbers.opened = None
    world.callbacks.run(one, "Ann")
    world.login("a")
    assert world.rung() == [(one.call, "a")]
    world.callbacks.run(one, "Ann")
    assert one.state is CallbackState.OFFERED, "what is under way goes on"


def test_whose_caller_still_hears_the_promise_can_t_be_called_now() -> None:
    world = busy_world()
    call = world.enter("q", number="555")
    one = world.callbacks.ask(call, "q", "555", confirmed=True, due=None, by="caller", reason="asked")
    with pytest.raises(Refused, match=r"^the callback is asked for: its caller is still on the line"):
        world.callbacks.run(one, "Ann")
    assert one.state is CallbackState.ASKED


def test_caps_hold_calls_back_but_lose_none() -> None:
    world = Backs(site(agents=(agent("a"), agent("z")), rules=CallbackRules(per_hour=1)))
    world.login("z", "a")
    world.pause("z")
    world.pause("a")
    first, second = world.waits_back("555"), world.waits_back("777")
    world.resume("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.says_yes(leg)
    world.joined(visit, leg)
    world.leg_ends(leg.leg)
    world.leg_ends(visit.leg)
    assert (world.ended(first.call) or pytest.fail()).result == "done"
    assert second.state is CallbackState.RESTING
    world.passes(3_601.0)
    assert world.rung() == [(second.call, "a")]


def test_one_open_callback_to_a_number_and_so_many_a_day() -> None:
    world = busy_world()
    world.waits_back("555")
    with pytest.raises(Refused, match="already"):
        world.waits_back("+555")
    one = world.callbacks.all()[0]
    world.callbacks.cancel(one, "Ann", "not needed")
    again = world.waits_back("555")
    world.callbacks.cancel(again, "Ann", "not needed")
    with pytest.raises(Refused, match="called back 2 times within a day"):
        world.waits_back("555")
    with pytest.raises(Refused, match="may not be called"):
        world.waits_back("911")


def test_cancelling_stops_what_rings() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    ringing = world.leg("a").leg
    world.callbacks.cancel(one, "Ann", "not needed")
    assert ringing in world.pbx.cancelled
    other = world.waits_back("777")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.callbacks.cancel(other, "Ann", "not needed")
    assert leg.leg in world.pbx.cancelled
    world.releases(visit)
    assert world.board.line.books.agents["a"].is_ready()


def test_who_calls_again_takes_the_place_at_once() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.passes(100.0)
    before = world.enter("q", number="777")
    again = world.call("555")
    world.callbacks.joined_by(one, again)
    assert world.board.line.books.position(world.board.line.books.calls[again.id]) == 1
    assert (world.ended(one.call) or pytest.fail()).result == "done"
    world.login("a")
    assert world.rung() == [(again.id, "a")]
    assert before.queue == "q"


def test_who_has_talked_with_an_agent_meanwhile_is_not_called() -> None:
    world = busy_world()
    one = world.waits_back("555", due=START + 3_600.0)
    call = world.enter("q", number="555")
    world.login("a")
    world.answers(world.leg("a"))
    assert call.leg is not None
    assert (world.ended(one.call) or pytest.fail()).reason.startswith("the customer talked with an agent")


def test_a_phone_picked_up_at_the_moment_of_asking_is_let_go_and_the_promise_holds() -> None:
    world = busy_world("a")
    call = world.enter("q", number="555")
    leg = world.leg("a")
    one = world.callbacks.ask(call, "q", "555", confirmed=True, due=None, by="caller", reason="asked")
    world.pause("a")
    world.answers(leg)
    world.leg_ends(leg.leg)
    world.caller_hangs_up(call)
    assert not world.of(e.CallConnected)
    assert one.state is CallbackState.WAITING
    world.resume("a")
    assert world.leg("a").callback


def test_callbacks_are_not_sent_away_like_callers_who_wait() -> None:
    queue = Queue("q", "Sales", wrap_up=0.0, max_wait=30.0, max_length=1)
    world = Backs(site(queue, agents=(agent("a"),)))
    world.login("a")
    world.pause("a")
    one = world.waits_back("555")
    assert world.admitted(world.call("777"), "q") is None, "who is called back takes no place on the line"
    world.passes(60.0)
    world.logout("a")
    world.passes(60.0)
    assert one.call in world.board.line.books.calls
    world.login("a")
    assert (one.call, "a") in world.rung()


# --- the daemon dies, or Asterisk is out of sight -----------------------------------------------------------------------


def reborn(world: Backs, *live: str) -> Backs:
    """A new daemon that reads the journal, and then sees these channels."""
    fresh = world.reborn()
    fresh.attach(tuple(o.LiveChannel(one, f"PJSIP/{one}", None, "callhandler-callback", one) for one in live))
    return fresh


def test_a_callback_that_waits_keeps_its_place_through_a_crash() -> None:
    world = busy_world()
    first = world.waits_back("555")
    world.passes(10.0)
    call = world.enter("q", number="777")
    world.passes(10.0)
    again = reborn(world, call.id)
    again.login("a")
    assert again.rung() == [(first.call, "a")]


@pytest.mark.parametrize("there", [True, False], ids=["an agent is there", "nobody is"])
def test_a_time_of_days_ahead_is_kept_through_a_crash(there: bool) -> None:
    """A new daemon sets the timers of the time itself, and of the promise."""
    world = busy_world()
    due = START // 900 * 900 + 3 * 86_400.0
    one = world.waits_back("555", due=due)
    world.passes(3_600.0)
    again = reborn(world)
    found = again.callbacks.find(one.call)
    assert found is not None
    assert (found.state, found.due, found.promise) == (CallbackState.RESTING, due, due + 900.0)
    if there:
        again.login("a")
    again.until(due - 1.0)
    assert not again.rung()
    again.until(due + 1.0)
    assert again.rung() == ([(one.call, "a")] if there else [])
    again.until(due + 901.0)
    assert [item.item for item in again.of(e.ItemOpened)] == ["promise broken"], "nobody has picked up"


def test_an_attempt_whose_customer_is_gone_is_lost_and_not_dialled_again_at_once() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    again = reborn(world, visit.leg)
    found = again.callbacks.find(one.call)
    assert found is not None
    assert (found.state, found.last_failure, found.failed) == (CallbackState.RESTING, "lost", 1)
    assert leg.leg in again.pbx.cancelled, "should it ring yet, it is let go"
    assert not again.pbx.dialled


def test_an_attempt_whose_customer_is_there_is_taken_up() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    again = reborn(world, visit.leg, leg.leg)
    found = again.callbacks.find(one.call)
    assert found is not None
    assert found.state is CallbackState.DIALLED
    back = again.callbacks.begin_agent(visit.leg, lambda: None)
    assert back is not None
    again.says_yes(leg)
    again.joined(back, leg)
    again.leg_ends(leg.leg)
    assert (again.ended(one.call) or pytest.fail()).result == "done"
    assert not again.pbx.dialled


def test_a_conversation_that_ended_unseen_is_done() -> None:
    world = busy_world()
    one = talking(world)
    again = reborn(world)
    assert (again.ended(one.call) or pytest.fail()).result == "done"


def test_what_was_tried_before_is_known_after_a_crash() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg)
    world.releases(visit)
    world.passes(601.0)
    visit, leg = world.accepts("a")
    assert leg is not None
    world.says_yes(leg)
    world.joined(visit, leg)
    again = world.reborn()
    found = again.callbacks.find(one.call)
    assert found is not None
    assert (found.state, found.failed, found.dialled) == (CallbackState.TALKING, 1, 2)
    again.attach()
    assert (again.ended(one.call) or pytest.fail()).result == "done"


def test_a_crash_between_the_end_of_an_attempt_and_what_follows_loses_nothing() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg)
    assert isinstance(world.facts[-1], e.CallbackRescheduled)
    world.facts.pop()
    again = world.reborn()
    again.attach((o.LiveChannel(visit.leg, "PJSIP/a", None, "callhandler-callback", visit.leg),))
    found = again.callbacks.find(one.call)
    assert found is not None
    assert (found.state, found.due) == (CallbackState.RESTING, again.now + 600.0)


def test_a_lost_link_loses_no_attempt_that_is_alive() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.board.observe(o.LinkDown("gone"))
    world.passes(3.0)
    world.attach(tuple(o.LiveChannel(x, f"PJSIP/{x}", None, "c", x) for x in (visit.leg, leg.leg)))
    assert one.state is CallbackState.DIALLED
    world.board.observe(o.LinkDown("gone"))
    world.attach((o.LiveChannel(visit.leg, "PJSIP/x", None, "c", visit.leg),))
    assert (one.state, one.last_failure) == (CallbackState.RESTING, "lost")


def test_a_callback_whose_time_came_while_nobody_looked_is_not_overtaken() -> None:
    world = busy_world("a")
    first = world.waits_back("555")
    visit, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg)
    world.pause("a")
    world.releases(visit)
    second = world.waits_back("556")
    world.board.observe(o.LinkDown("gone"))
    world.resume("a")
    world.now = first.due + 1.0  # no timer has fired yet
    world.attach()
    assert (first.state, second.state) == (CallbackState.OFFERED, CallbackState.WAITING)


def test_a_queue_that_is_gone_from_the_site_file_fails_its_callbacks() -> None:
    world = busy_world()
    one = world.waits_back("555")
    again = world.reborn(site(Queue("other", "Other")))
    again.attach()
    assert (again.ended(one.call) or pytest.fail()).reason == "queue q is gone from the site file"


def test_no_time_is_given_at_which_a_callback_would_have_expired() -> None:
    world = busy_world()
    one = world.waits_back("555")
    with pytest.raises(Refused, match="expires before that time"):
        world.callbacks.reschedule(one, one.expires, "another time")
    assert one.state is CallbackState.WAITING
    world.callbacks.reschedule(one, one.expires - 1.0, "another time")
    assert one.state is CallbackState.RESTING


def test_no_time_is_given_where_nobody_is_called_back_any_more() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.board.replace_plan(replace(site(), callbacks=None))
    for due in (world.now, world.now + 3_600.0):
        with pytest.raises(Refused, match=r"no table \[callbacks\]"):
            world.callbacks.reschedule(one, due, "another time")
    assert (one.state, one.promise) == (CallbackState.WAITING, None)


def test_no_time_is_promised_out_of_calling_hours_or_beyond_six_days() -> None:
    world = busy_world()
    closes, opens = START + 3_600.0, START + 36_000.0
    world.numbers.opening = lambda _number, now: Opening(now < closes, "after hours", closes if now < closes else opens)  # type: ignore[method-assign]
    for due, why in (
        (closes, f"not in the calling hours where .555 is: after hours; they begin at <{opens:.0f}>"),
        (closes - 899.0, f"end at <{closes:.0f}>, within the quarter of an hour that is promised"),
        (START + 6 * 86_400.0, "six days"),
    ):
        with pytest.raises(Refused, match=why):
            world.callbacks.add("new", "q", "555", "Ann", due, "somebody")
    one = world.callbacks.add("new", "q", "555", "Ann", closes - 900.0, "somebody")
    with pytest.raises(Refused, match="calling hours"):
        world.callbacks.reschedule(one, closes, "another time")
    assert one.due == closes - 900.0


def test_a_slot_is_full_whoever_filled_it_and_at_whatever_minute_of_it() -> None:
    world = busy_world()
    slot = (START // 900.0 + 2) * 900.0
    world.callbacks.add("one", "q", "555", "Ann", slot + 420.0, "somebody")
    two = world.callbacks.add("two", "q", "556", "Bob", slot + 60.0, "somebody")
    with pytest.raises(Refused, match=f"slot_capacity .*; the next with room begins at <{slot + 900.0:.0f}>"):
        world.callbacks.add("three", "q", "557", "Cy", slot + 899.0, "somebody")
    world.callbacks.reschedule(two, slot + 120.0, "another minute of its own slot")
    assert slot not in world.callbacks.core.slots("+558", "", world.now)
    three = world.callbacks.add("three", "q", "557", "Cy", slot + 900.0, "somebody")
    assert three.promise == slot + 1_800.0


def test_no_time_is_offered_that_the_clock_shows_twice() -> None:
    world = busy_world()
    first = (START // 900.0 + 1) * 900.0
    assert world.callbacks.core.slots("555", "", world.now)[0] == first
    world.numbers.comes_twice = lambda at: at < first + 1_800.0  # type: ignore[method-assign]
    assert world.callbacks.core.slots("555", "", world.now)[0] == first + 1_800.0


def test_who_was_not_reached_and_was_promised_nothing_takes_nobody_s_slot() -> None:
    world = busy_world()
    for number in ("555", "556"):
        one = world.waits_back(number)
        world.login("a")
        visit, leg = world.accepts("a")
        assert leg is not None
        world.customer_fails(leg)
        world.releases(visit)
        assert (one.state, one.promise) == (CallbackState.RESTING, None)
        world.logout("a")
    slot = one.due // 900.0 * 900.0
    assert slot in world.callbacks.core.slots("+557", "", slot - 60.0)
    assert world.callbacks.add("new", "q", "557", "Cy", one.due, "somebody").due == one.due


def test_a_slot_that_was_promised_stays_taken_while_the_customer_is_called() -> None:
    world = busy_world()
    slot = (START // 900.0 + 2) * 900.0
    for number in ("555", "556"):
        one = world.callbacks.add(number, "q", number, "", slot, "somebody")
    world.until(slot)
    world.login("a")
    _, leg = world.accepts("a")
    assert leg is not None
    world.customer_fails(leg)
    assert {each.promise for each in world.callbacks.all()} == {one.promise}
    with pytest.raises(Refused, match="slot_capacity"):
        world.callbacks.add("new", "q", "557", "Cy", slot + 300.0, "somebody")


def test_a_time_that_is_over_is_now_and_no_promise_that_is_broken_already() -> None:
    world = busy_world()
    one = world.callbacks.add("new", "q", "555", "Ann", world.now - 7_200.0, "somebody")
    assert (one.state, one.promise) == (CallbackState.WAITING, None)
    world.passes(60.0)
    assert not world.of(e.ItemOpened)


def test_nothing_is_remembered_of_an_offer_that_is_over() -> None:
    world = busy_world()
    world.waits_back("555")
    world.login("a")
    visit = world.picks_up("a")
    world.leg_ends(visit.leg)
    world.releases(visit)
    assert world.callbacks.why_over(visit.leg, OfferEnd.LOST) is OfferEnd.LOST


def test_a_phone_that_was_rung_for_a_callback_and_not_written_down_any_more_is_found_after_a_crash() -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    leg = world.leg("a").leg
    while not isinstance(world.facts.pop(), e.AgentOffered):
        pass
    again = world.reborn()
    again.attach((o.LiveChannel(leg, "PJSIP/pa-1", None, "callhandler-callback", leg, phone="pa"),))
    assert not again.pbx.offered, "no second phone, and not the same one again"
    assert again.callbacks.begin_agent(leg, lambda: None) is not None
    found = again.callbacks.find(one.call)
    assert found is not None
    assert (found.state, found.agent) == (CallbackState.ANNOUNCED, "a")


def test_who_was_called_back_is_spoken_to_on_hold_but_named_no_place_to_go_back_to() -> None:
    world = busy_world()
    one = talking(world)
    world.board.observe(o.HoldSeen(one.agent_leg or "", True))
    world.passes(61.0)
    word = world.pbx.words[-1]
    assert word.prompts == ("std-held",)
    world.board.observe(o.ChannelUp(word.leg))
    world.board.observe(o.KeySeen(word.channel, "1"))
    world.passes(3.0)
    world.board.observe(o.WordOver(word.leg, WordEnd.WHOLE))
    assert world.of(e.CheckedIn)[-1].said == "held", "the journal says what was said"
    assert one.state is CallbackState.TALKING


def test_a_callback_asked_for_by_hand_passes_over_a_step_with_nobody_there_like_a_caller() -> None:
    queue = Queue("q", "Sales", steps=steps(("sales >= 5", 30.0), ("", None)))
    world = Backs(site(queue, agents=(agent("a"),)))
    world.login("a")
    world.callbacks.add("new", "q", "555", "Ann", None, "somebody")
    assert world.rung() == [("new", "a")]
    assert [(fact.step, fact.reason) for fact in world.of(e.StepAdvanced)] == [(1, "nobody here for the step before")]


@pytest.mark.parametrize("picked_up", [False, True])
def test_an_agent_whom_the_site_file_lost_while_the_daemon_was_away_keeps_no_callback(*, picked_up: bool) -> None:
    world = busy_world()
    one = world.waits_back("555")
    world.login("a")
    leg = world.leg("a").leg
    if picked_up:
        world.picks_up("a")
    again = world.reborn(site(agents=(agent("b"), agent("z"))))
    again.attach((o.LiveChannel(leg, "PJSIP/pa-1", None, "callhandler-callback", leg, phone="pa"),))
    found = again.callbacks.find(one.call)
    assert found is not None
    assert (found.state, found.failed) == (CallbackState.WAITING, 0)
    assert leg in again.pbx.cancelled
    again.login("b")
    assert again.leg("b").call == one.call


def test_a_leg_of_an_offer_that_is_over_is_none_that_was_forgotten() -> None:
    world = busy_world()
    call = world.enter("q", number="555")
    world.login("a")
    leg = world.leg("a")
    one = world.asks(call)
    world.fails(leg, OfferEnd.REFUSED)
    world.pause("a")
    again = world.reborn()
    again.attach((o.LiveChannel(leg.leg, "PJSIP/pa-1", None, "callhandler-offer", leg.leg, phone="pa"),))
    assert leg.leg not in again.board.line.books.legs
    found = again.callbacks.find(one.call)
    assert found is not None
    assert found.agent is None
