"""Conversations about callbacks, told as ladders: the caller who asks, who calls again, the agent, the customer."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callhandler.callback_rooms import AgentsRoom, CustomersRoom
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import Callback
from callhandler.core.hours import Opening
from callhandler.core.model import CallbackState, OfferEnd
from callhandler.errors import CallerGone
from callhandler.numbers import SiteNumbers
from callhandler.report.sentences import line_of
from callhandler.scripts.callback_agent import call_back
from callhandler.scripts.callback_customer import called_back
from callhandler.scripts.callback_house import AgentSession, CustomerSession
from callhandler.site.models import Site
from tests.unit.scripts.ladder import HANGS_UP, FakeCaller, Ladder, on_disk

CALLBACKS = """
[callbacks]
trunk = "pstn"
attempts = 1
message = "missed-you"
slot_capacity = 1

[prompts.missed-you]
text = "We missed you."

[numbers.5090]
enters = "queue:sales"
hours = "office"
closed = "say:closed"
"""
NUMBER = "2025550123"
TO_SALES = ("", "1")


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    """Everybody is on break: callers wait, and no phone rings."""
    made = Ladder(tmp_path, CALLBACKS)
    made.world.board.callbacks.guard_by(SiteNumbers(made.site))
    for agent in sorted(made.site.agents):
        made.world.pause(agent)
    return made


def asks(ladder: Ladder, *reactions: str | object, caller: str = NUMBER) -> FakeCaller:
    """Call, go into line, press 1 there, and react to what follows; then hang up, if not hung up on."""
    fake = ladder.dials("5000", *TO_SALES, "1", *reactions, caller=caller)
    ladder.world.caller_hangs_up(ladder.call)
    return fake


def open_ones(ladder: Ladder) -> list[Callback]:
    return ladder.world.board.callbacks.all()


def test_the_number_is_read_back_and_the_place_kept(ladder: Ladder) -> None:
    caller = asks(ladder, "1", "1")
    tail = caller.heard[caller.heard.index("std-cb-number") :]
    assert tail == ["std-cb-number", NUMBER, "std-cb-confirm", "std-cb-when", "std-cb-promise-now", "hung up on"]
    (one,) = open_ones(ladder)
    assert (one.number, one.confirmed, one.state, one.due) == ("+12025550123", True, CallbackState.WAITING, 0.0)
    assert [fact.outcome for fact in ladder.world.of(e.CallEnded)] == ["callback"]


@pytest.mark.parametrize("when", [("1",), ("2", "2")])
def test_who_comes_back_after_the_promise_hears_it_again_and_is_in_no_line(
    ladder: Ladder, when: tuple[str, ...]
) -> None:
    """The daemon died in the middle of it. In line as well the caller would be offered to nobody: a callback waits for its call's end."""
    before = ladder.dials("5000", *TO_SALES, "1", "1", *when, caller=NUMBER).heard
    after = ladder.comes_back().heard
    start = next(at for at, heard in enumerate(before) if heard.startswith("std-cb-promise"))
    assert after == ["answered", "speaks en", *before[start:]]
    assert ladder.call.queue is None
    ladder.world.caller_hangs_up(ladder.call)
    assert len(open_ones(ladder)) == 1


@pytest.mark.parametrize("when", [(), ("2",), ("2", "9")])
def test_who_hangs_up_once_the_number_is_confirmed_is_called_back_in_turn(
    ladder: Ladder, when: tuple[str, ...]
) -> None:
    """While hearing when they can be called; no time is promised, as none was said to its end. AGI tells of it first."""
    asks(ladder, "1", *when, HANGS_UP)
    (one,) = open_ones(ladder)
    assert (one.number, one.confirmed, one.state, one.promise) == ("+12025550123", True, CallbackState.WAITING, None)
    assert one.entered == ladder.call.entered
    assert [fact.outcome for fact in ladder.world.of(e.CallEnded)] == ["callback"]
    assert not ladder.world.of(e.CallAbandoned)
    assert not ladder.world.of(e.ItemOpened)


def test_so_is_who_hangs_up_and_ami_tells_of_it_first(ladder: Ladder) -> None:
    asks(ladder, "1", lambda: ladder.world.caller_hangs_up(ladder.call), HANGS_UP)
    assert [one.state for one in open_ones(ladder)] == [CallbackState.WAITING]
    assert [fact.outcome for fact in ladder.world.of(e.CallEnded)] == ["callback"]


def test_who_hangs_up_before_the_number_is_confirmed_has_given_up(ladder: Ladder) -> None:
    asks(ladder, HANGS_UP)
    assert not open_ones(ladder)


def test_who_reaches_an_agent_while_asking_is_not_called_back(ladder: Ladder) -> None:
    def is_answered() -> None:
        ladder.world.resume("7001")
        (leg,) = ladder.world.pbx.ringing.values()
        ladder.world.answers(leg)

    asks(ladder, "1", is_answered, HANGS_UP)
    assert ladder.world.of(e.CallConnected)
    assert not open_ones(ladder)


def test_whose_end_is_seen_in_the_middle_of_a_talk_is_not_called_back(ladder: Ladder) -> None:
    def talks_and_goes() -> None:
        ladder.world.resume("7001")
        (leg,) = ladder.world.pbx.ringing.values()
        ladder.world.answers(leg)
        ladder.world.caller_hangs_up(ladder.call)

    asks(ladder, "1", talks_and_goes, HANGS_UP)
    assert not open_ones(ladder)


def test_another_number_is_keyed_in(ladder: Ladder) -> None:
    caller = asks(ladder, "2", "3105550188", "1", "1")
    assert caller.heard.count("std-cb-number") == 2
    assert [one.number for one in open_ones(ladder)] == ["+13105550188"]


def test_a_number_that_may_not_be_called_is_refused_politely_and_the_caller_waits_on(ladder: Ladder) -> None:
    caller = asks(ladder, "911", "19005551234", "112", HANGS_UP, caller="anonymous")
    assert caller.heard.count("std-cb-key-in") == 3
    assert caller.heard.count("std-cb-not-this") == 3
    assert "std-kept" in caller.heard
    assert not open_ones(ladder)


def test_star_leads_back_to_the_line(ladder: Ladder) -> None:
    caller = asks(ladder, "*", HANGS_UP)
    assert "std-kept" in caller.heard
    assert not open_ones(ladder)


def test_a_time_is_chosen_and_promised_and_a_full_slot_is_not_offered_again(ladder: Ladder) -> None:
    caller = asks(ladder, "1", "2", "9", "2")
    (one,) = open_ones(ladder)
    assert one.due % 900 == 0
    assert one.promise == one.due + 900
    assert caller.heard[-6:] == [
        "std-cb-promise-at",
        f"time {one.due:.0f}",
        "std-cb-and",
        f"time {one.due + 900:.0f}",
        "std-cb-goodbye",
        "hung up on",
    ]
    assert one.due not in ladder.world.board.callbacks.core.slots("+13105550188", "5000", ladder.world.now)


def test_who_is_to_be_called_already_joins_that(ladder: Ladder) -> None:
    asks(ladder, "1", "1")
    caller = asks(ladder, "2", NUMBER, "1", caller="3105550188")
    assert "std-cb-joined" in caller.heard
    assert len(open_ones(ladder)) == 1
    assert [fact.outcome for fact in ladder.world.of(e.CallEnded)] == ["callback", "callback"]


def test_who_calls_again_may_take_the_place_at_once(ladder: Ladder) -> None:
    asks(ladder, "1", "1")
    entered = open_ones(ladder)[0].entered
    ladder.world.passes(400.0)
    caller = ladder.dials("5000", "1", HANGS_UP, caller=NUMBER)
    assert "std-cb-again" in caller.heard
    assert not open_ones(ladder)
    assert ladder.world.board.line.books.calls[ladder.call.id].entered == entered


def test_or_cancel(ladder: Ladder) -> None:
    asks(ladder, "1", "1")
    caller = ladder.dials("5000", "2", "", "1", HANGS_UP, caller=NUMBER)
    assert "std-cb-cancelled" in caller.heard
    assert not open_ones(ladder)
    assert ladder.world.of(e.CallbackEnded)[0].by == "caller"


def test_or_do_as_usual(ladder: Ladder) -> None:
    asks(ladder, "1", "1")
    ladder.dials("5000", "", "", "", "1", HANGS_UP, caller=NUMBER)
    assert len(open_ones(ladder)) == 1


def test_who_shares_a_number_with_somebody_who_is_called_back_just_now_is_neither_joined_nor_cancels(
    ladder: Ladder,
) -> None:
    """Several people behind one number: a promise to join a callback that is being made already would never be kept."""
    asks(ladder, "1", "1")

    def customer_says_yes() -> None:
        ladder.world.board.callbacks.customers.accepted(open_ones(ladder)[0], "PJSIP/trunk-pstn-9")

    _, one = agent_hears(ladder, "1", customer_says_yes)
    caller = ladder.dials("5000", *TO_SALES, "1", "1", "1", HANGS_UP, caller=NUMBER)
    assert "std-cb-again" not in caller.heard
    assert "std-cb-joined" not in caller.heard
    assert "std-not-now" in caller.heard
    assert open_ones(ladder) == [one]
    assert one.state is CallbackState.HERE


def offered(ladder: Ladder, closes_in: float) -> bool:
    """Whether the second in line, who has just entered a line that closes soon, is told of callbacks."""
    ladder.house.open = Opening(True, "open", ladder.world.now + closes_in)
    ladder.dials("5090", "", "", HANGS_UP)
    return "std-key-1" in ladder.dials("5090", "", "", HANGS_UP).heard


def test_near_closing_time_a_callback_is_offered_at_once(ladder: Ladder) -> None:
    assert offered(ladder, 120.0), "before the wait is over"
    assert not offered(ladder, 3_600.0)


def test_who_has_waited_long_is_told_of_callbacks_but_not_the_next_in_line(ladder: Ladder) -> None:
    def a_minute() -> None:
        ladder.world.passes(61.0)

    first = ladder.dials("5000", *TO_SALES, "", "", a_minute, "", HANGS_UP)
    assert "std-thanks-1" in first.heard
    assert "std-key-1" not in first.heard
    second = ladder.dials("5000", *TO_SALES, "", "", a_minute, "", HANGS_UP)
    assert second.heard.index("std-key-1") > second.heard.index("std-thanks-1"), "not at once"


# --- agent and customer -------------------------------------------------------------------------------------------------


def agent_hears(ladder: Ladder, *reactions: object) -> tuple[FakeCaller, Callback]:
    """An agent is rung for the one callback, picks up, and reacts."""
    (one,) = open_ones(ladder)
    if one.agent_leg is None:
        ladder.world.resume("7001")
    assert one.agent_leg is not None
    ladder.world.board.observe(o.ChannelUp(one.agent_leg))
    fake = FakeCaller(*reactions)
    visit = ladder.world.board.callbacks.begin_agent(one.agent_leg, fake.cut)
    assert visit is not None
    task = AgentsRoom(ladder.world.board.callbacks, visit, ladder.site, on_disk)
    try:
        asyncio.run(call_back(AgentSession(fake, ladder.site, ladder.world.now, task)))
    except CallerGone:
        fake.heard.append("gone")
    ladder.world.board.callbacks.end_agent(visit)
    return fake, one


def test_the_agent_hears_who_and_why_and_is_joined(ladder: Ladder) -> None:
    asks(ladder, "1", "1")

    def customer_says_yes() -> None:
        one = open_ones(ladder)[0]
        ladder.world.board.callbacks.customers.accepted(one, "PJSIP/trunk-pstn-9")

    agent, one = agent_hears(ladder, "1", customer_says_yes)
    assert agent.heard == [
        "answered",
        "std-cb-agent",
        "queue-sales",
        "std-cb-agent-minutes",
        "0",
        "std-cb-agent-number",
        "12025550123",
        "std-cb-agent-choice",
        "music default",
        "joined with PJSIP/trunk-pstn-9",
    ]
    (leg,) = ladder.world.pbx.dialled
    assert (leg.number, leg.trunk, leg.display_name) == ("+12025550123", "pstn", "Acme")
    assert one.state is CallbackState.HERE


@pytest.mark.parametrize(
    ("hours", "said"), [(1.5, ["std-cb-agent-minutes", "90"]), (13.0, ["std-cb-agent-hours", "13"])]
)
def test_who_asked_yesterday_is_told_of_in_hours(ladder: Ladder, hours: float, said: list[str]) -> None:
    asks(ladder, "1", "1")
    ladder.world.passes(hours * 3_600.0)
    agent, _ = agent_hears(ladder, HANGS_UP)
    assert agent.heard[3:5] == said


def test_the_agent_is_told_when_the_customer_is_not_reached(ladder: Ladder) -> None:
    asks(ladder, "1", "1")

    def rings_out() -> None:
        ladder.world.board.observe(o.OfferFailed(ladder.world.pbx.dialled[-1].leg, OfferEnd.NO_ANSWER))

    agent, one = agent_hears(ladder, "1", rings_out)
    assert agent.heard[-3:] == ["silence", "std-cb-agent-not-reached", "hung up on"]
    ladder.world.board.observe(o.ChannelEnded(one.agent_leg or "", 16, ""))
    (over,) = ladder.world.of(e.OfferEnded)
    told = line_of(over, ZoneInfo("UTC")) or ""
    assert told.endswith("the offer to agent 7001 is over: customer not reached"), "the agent had taken it"
    assert ladder.world.of(e.CallbackEnded)[0].result == "failed"


def test_hash_refuses(ladder: Ladder) -> None:
    asks(ladder, "1", "1")
    agent, one = agent_hears(ladder, "#")
    assert agent.heard[-1] == "hung up on"
    assert not ladder.world.pbx.dialled
    ladder.world.board.observe(o.ChannelEnded(one.agent_leg or "", 16, ""))
    assert ladder.world.of(e.OfferEnded)[-1].reason is OfferEnd.REFUSED


def test_an_agent_who_picks_up_and_presses_no_key_has_answered_not_accepted_and_misses_it_all_the_same(
    ladder: Ladder,
) -> None:
    asks(ladder, "1", "1")
    for _ in range(2):  # it rings there again at once, as nobody else can take it
        agent, one = agent_hears(ladder, "", "", "", "")
        assert agent.heard.count("std-cb-agent-choice") == 2
        ladder.world.board.observe(o.ChannelEnded(one.agent_leg or "", 16, ""))
        over = ladder.world.of(e.OfferEnded)[-1]
        assert (over.reason, one.dialled) == (OfferEnd.NOT_ACCEPTED, 0)
        assert (line_of(over, ZoneInfo("UTC")) or "").endswith("agent 7001 did not take it: answered, not accepted")
    assert [fact.misses for fact in ladder.world.of(e.AgentNotAnswering)] == [2]


def test_a_callback_cancelled_while_the_agent_listens_is_not_dialled(ladder: Ladder) -> None:
    asks(ladder, "1", "1")

    def cancelled() -> None:
        ladder.world.board.callbacks.cancel(open_ones(ladder)[0], "Ann", "not needed")

    agent, _ = agent_hears(ladder, cancelled, "1")
    assert agent.heard[-2:] == ["std-cb-agent-over", "hung up on"]
    assert not ladder.world.pbx.dialled


def test_an_agent_who_accepts_when_nobody_may_be_called_any_more_is_told_so_and_the_callback_waits(
    ladder: Ladder,
) -> None:
    """Calling hours may end while the agent listens: the callback isn't over for that."""
    asks(ladder, "1", "1")
    (one,) = open_ones(ladder)
    opens = ladder.world.now + 36_000.0

    def calling_hours_end() -> None:
        ladder.world.board.callbacks.guard_by(AtNight(ladder.site, opens))

    agent, _ = agent_hears(ladder, calling_hours_end, "1")
    assert agent.heard[-2:] == ["std-not-now", "hung up on"]
    ladder.world.board.observe(o.ChannelEnded(one.agent_leg or "", 16, ""))
    assert (one.state, one.dialled, one.due) == (CallbackState.RESTING, 0, opens)
    assert ladder.world.board.line.books.agents["7001"].is_ready()


class AtNight(SiteNumbers):
    """Nobody may be called before a time."""

    def __init__(self, site: Site, opens: float) -> None:
        super().__init__(site)
        self._opens = opens

    def opening(self, number: str, now: float) -> Opening | None:
        return Opening(now >= self._opens, "after hours", self._opens)


def customer_hears(ladder: Ladder, *reactions: object) -> tuple[FakeCaller, bool]:
    """The customer of the one callback is dialled, answers, and reacts."""
    asks(ladder, "1", "1")
    agent_hears(ladder, "1", HANGS_UP)
    (one,) = open_ones(ladder)
    customer = FakeCaller(*reactions)
    task = CustomersRoom(ladder.world.board.callbacks, one, "PJSIP/trunk-pstn-9")
    return customer, asyncio.run(called_back(CustomerSession(customer, ladder.site, task)))


def test_the_customer_says_yes(ladder: Ladder) -> None:
    customer, said_yes = customer_hears(ladder, "1")
    assert customer.heard == ["answered", "speaks en", "std-cb-hello", "std-cb-accept"]
    assert said_yes
    assert open_ones(ladder)[0].state is CallbackState.HERE


def test_a_voicemail_never_does_and_gets_the_message_of_the_last_attempt(ladder: Ladder) -> None:
    customer, said_yes = customer_hears(ladder, *[""] * 6)
    assert customer.heard.count("std-cb-hello") == 3
    assert customer.heard[-2:] == ["missed-you", "hung up on"]
    assert not said_yes


def test_a_machine_is_hung_up_on_and_on_the_last_attempt_the_dialplan_leaves_the_message(ladder: Ladder) -> None:
    asks(ladder, "1", "1")
    agent_hears(ladder, "1", HANGS_UP)
    (one,) = open_ones(ladder)
    for last, heard in ((False, "hung up on"), (True, "-> callhandler-machine,s")):
        machine = FakeCaller()
        task = Task(ladder, one, last)
        said_yes = asyncio.run(called_back(CustomerSession(machine, ladder.site, task, machine=True)))
        assert not said_yes
        assert machine.heard == ["answered", "speaks en", heard]
        assert task.machines == 1


class Task(CustomersRoom):
    """A task of which it can be said whether it is the last."""

    def __init__(self, ladder: Ladder, one: Callback, last: bool) -> None:
        super().__init__(ladder.world.board.callbacks, one, "PJSIP/trunk-pstn-9")
        self._last = last
        self.machines = 0

    @property
    def is_last(self) -> bool:
        """Whether it is."""
        return self._last

    def machine(self) -> None:
        """Count."""
        self.machines += 1


# --- the customer first -------------------------------------------------------------------------------------------------


@pytest.fixture
def first(tmp_path: Path) -> Ladder:
    """The same, and customers are called first."""
    made = Ladder(tmp_path, CALLBACKS.replace("attempts = 1", 'attempts = 1\nfirst = "customer"'))
    made.world.board.callbacks.guard_by(SiteNumbers(made.site))
    for agent in sorted(made.site.agents):
        made.world.pause(agent)
    return made


def customer_waits(ladder: Ladder, *reactions: object) -> FakeCaller:
    """The customer is called first, says yes, waits, and reacts to what is said when the time is over; agents are on break again."""
    asks(ladder, "1", "1")
    ladder.world.resume("7001")
    (one,) = open_ones(ladder)
    assert one.state is CallbackState.DIALLED
    ladder.world.pause("7001")
    fake = FakeCaller("1")
    task = CustomersRoom(ladder.world.board.callbacks, one, "PJSIP/trunk-pstn-9")
    assert asyncio.run(called_back(CustomerSession(fake, ladder.site, task)))
    assert fake.heard[-1] == "std-cb-connecting"
    ladder.call = ladder.world.board.calls.here[one.call]

    def a_minute() -> None:
        ladder.world.passes(61.0)

    fake = ladder.comes_back(a_minute, *reactions)
    ladder.world.board.observe(o.ChannelEnded(one.leg or f"{one.call}-d1", 16, "Normal Clearing"))
    return fake


def came_to(ladder: Ladder) -> list[str]:
    return [fact.reason for fact in ladder.world.of(e.CallbackAttemptEnded)]


def test_who_waited_in_vain_is_told_keeps_the_place_and_is_called_again(first: Ladder) -> None:
    customer = customer_waits(first, "", "")
    tail = customer.heard[customer.heard.index("std-cb-nobody-free") :]
    assert tail == ["std-cb-nobody-free", "std-cb-wait-on", "std-key-2", "silence", "hung up on"]
    assert came_to(first) == ["nobody free"]
    assert [fact.said for fact in first.world.of(e.CheckedIn)][-1] == "cb-nobody-free", "which is a word in time, too"
    (one,) = open_ones(first)
    assert (one.state, one.failed, one.let_down) == (CallbackState.RESTING, 0, True)


def test_hanging_up_while_it_is_said_is_the_same(first: Ladder) -> None:
    customer_waits(first, HANGS_UP)
    assert came_to(first) == ["nobody free"]
    assert len(open_ones(first)) == 1


def test_who_waits_on_does_so_at_the_same_place(first: Ladder) -> None:
    customer = customer_waits(first, "1", HANGS_UP)
    assert customer.heard.count("std-cb-nobody-free") == 1
    assert came_to(first) == ["hung up"]


def test_who_leaves_a_message_is_not_called_again(first: Ladder) -> None:
    customer_waits(first, "2", "", "4 s", "1")
    assert [fact.file for fact in first.world.of(e.MessageLeft)]
    assert not open_ones(first)
    assert first.world.of(e.CallbackEnded)[0].reason == "left a message instead"


def test_a_customer_who_was_called_is_not_offered_a_callback(first: Ladder) -> None:
    customer = customer_waits(first, "1", lambda: first.world.passes(59.0), "1", HANGS_UP)
    assert "std-key-1" not in customer.heard
    assert "std-not-now" not in customer.heard
