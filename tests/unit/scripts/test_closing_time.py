"""Callbacks near closing time and while it is closed, as ladders: a time of the next opening is offered, promised, kept and shown."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from callhandler.core import events as e
from callhandler.core.callback import Callback
from callhandler.core.hours import Opening
from callhandler.core.model import CallbackState
from callhandler.numbers import SiteNumbers
from tests.unit.scripts.ladder import HANGS_UP, FakeCaller, Ladder

SITE = """
[callbacks]
trunk = "pstn"
slot_capacity = 1

[numbers.5090]
enters = "queue:sales"
hours = "office"
closed = "callback:sales"

[numbers.5091]
enters = "callback:sales"
"""
NUMBER = "2025550123"


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    """Everybody is on break, and the office is open from Monday to Friday, nine to five (UTC)."""
    made = Ladder(tmp_path, SITE)
    made.world.board.callbacks.guard_by(SiteNumbers(made.site))
    for agent in sorted(made.site.agents):
        made.world.pause(agent)
    return made


class Holidays(SiteNumbers):
    """Our numbers are closed for longer than callers can be named a day."""

    def house(self, dialled: str, now: float) -> Opening | None:
        return Opening(False, "holidays", now + 9 * 86_400.0)


def time_of(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def it_is(ladder: Ladder, text: str) -> None:
    """Put the clocks of the world on."""
    ladder.world.now = time_of(text)
    opening = SiteNumbers(ladder.site).house("5090", ladder.world.now)
    assert opening is not None
    ladder.house.open = opening


def calls(ladder: Ladder, *reactions: object, number: str = "5090", caller: str = NUMBER) -> FakeCaller:
    fake = ladder.dials(number, *reactions, caller=caller)
    ladder.world.caller_hangs_up(ladder.call)
    return fake


def only(ladder: Ladder) -> Callback:
    (one,) = ladder.world.board.callbacks.all()
    return one


def said_from(caller: FakeCaller, first: str) -> list[str]:
    return caller.told[caller.told.index(first) :]


def times(*texts: str) -> list[str]:
    return [f"time {time_of(text):.0f}" for text in texts]


def test_while_it_is_closed_a_time_of_the_next_opening_is_promised(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    caller = calls(ladder, "1", "1", "2")
    nine, quarter, half, three = times("2026-03-04T09:00", "2026-03-04T09:15", "2026-03-04T09:30", "2026-03-04T09:45")
    assert caller.told[1:4] == ["std-closed", "std-offer-callback", "std-key-2"]
    offered = said_from(caller, "std-cb-choose")
    assert offered == [
        "std-cb-choose",
        *("std-cb-tomorrow", "std-cb-from", nine, "std-cb-press", "1"),
        *("std-cb-from", quarter, "std-cb-press", "2"),
        *("std-cb-from", half, "std-cb-press", "3"),
        *("std-cb-from", three, "std-cb-press", "4"),
        "std-cb-later",
        *("std-cb-promise-on", "std-cb-tomorrow", "std-cb-between", quarter, "std-cb-and", half, "std-cb-goodbye"),
        "hung up on",
    ]
    one = only(ladder)
    assert (one.due, one.promise) == (time_of("2026-03-04T09:15"), time_of("2026-03-04T09:30"))
    assert one.state is CallbackState.RESTING
    assert [fact.outcome for fact in ladder.world.of(e.CallEnded)] == ["callback"]


def test_before_a_weekend_the_day_is_named(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-06T18:00")
    caller = calls(ladder, "1", "1", "1")
    assert said_from(caller, "std-cb-promise-on")[1] == "std-cb-day-1"
    assert only(ladder).due == time_of("2026-03-09T09:00")


def test_a_full_slot_is_not_offered_to_the_next_caller(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    calls(ladder, "1", "1", "1")
    calls(ladder, "1", "1", "1", caller="3105550188")
    due = [one.due for one in ladder.world.board.callbacks.all()]
    assert due == [time_of("2026-03-04T09:00"), time_of("2026-03-04T09:15")]


def test_who_chooses_a_time_that_somebody_else_has_taken_meanwhile_chooses_again(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    nine = time_of("2026-03-04T09:00")

    def somebody_else_is_quicker() -> None:
        ladder.world.board.callbacks.add("other", "sales", "+13105550188", "", nine, "Ann")

    caller = calls(ladder, "1", "1", somebody_else_is_quicker, "1", "1")
    after = said_from(caller, "std-cb-taken")
    assert after[1:5] == ["std-cb-choose", "std-cb-tomorrow", "std-cb-from", f"time {nine + 900.0:.0f}"]
    due = sorted(one.due for one in ladder.world.board.callbacks.all())
    assert due == [nine, nine + 900.0]


def test_near_closing_time_those_in_line_are_told_that_it_is_too_late_for_today(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T16:58")
    ladder.dials("5090", "", HANGS_UP)
    caller = calls(ladder, "", "1", "1", "1")
    assert "std-key-1" in caller.told, "named to the second in line at once"
    assert said_from(caller, "std-cb-late")[:3] == ["std-cb-late", "std-cb-choose", "std-cb-tomorrow"]
    one = only(ladder)
    assert one.due == time_of("2026-03-04T09:00")
    assert one.entered == ladder.call.entered, "at the place of today"


def test_in_the_last_hour_today_s_slots_come_first_and_then_those_of_tomorrow(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T16:20")
    caller = calls(ladder, "1", "1", "2", "3")
    offered = said_from(caller, "std-cb-when")
    today, tomorrow = times("2026-03-03T16:30", "2026-03-04T09:00")
    assert offered[:3] == ["std-cb-when", "std-cb-from", today]
    assert offered[offered.index("std-cb-tomorrow") + 2] == tomorrow
    assert only(ladder).due == time_of("2026-03-04T09:00")


def test_who_chooses_no_time_is_asked_again_and_then_promised_the_first(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-06T20:00")
    caller = calls(ladder, "1", "1", "", "", "", "")
    offered = said_from(caller, "std-cb-choose")
    assert offered.count("std-cb-later") == 2
    assert offered.count("std-cb-choose") == 1
    nine, quarter = times("2026-03-09T09:00", "2026-03-09T09:15")
    promise = ["std-cb-promise-on", "std-cb-day-1", "std-cb-between", nine, "std-cb-and", quarter, "std-cb-goodbye"]
    assert said_from(caller, "std-cb-promise-on")[:-1] == promise
    assert only(ladder).due == time_of("2026-03-09T09:00")


def test_who_hangs_up_while_the_times_are_said_is_called_in_turn_and_promised_nothing(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-06T20:00")
    calls(ladder, "1", "1", HANGS_UP)
    one = only(ladder)
    assert (one.state, one.promise, one.confirmed) == (CallbackState.WAITING, None, True)
    assert one.expires > time_of("2026-03-09T09:00"), "it has the next opening"


def test_who_asks_for_later_times_and_then_says_nothing_is_promised_a_later_one(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    calls(ladder, "1", "1", "9", "", "", "", "")
    assert only(ladder).due == time_of("2026-03-04T10:00")


def test_who_wants_nothing_goes_where_the_queue_leads_at_closing_time(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    caller = calls(ladder, "", "")
    assert caller.told[-2:] == ["nobody-here", "hung up on"]
    assert not ladder.world.board.callbacks.all()


def test_a_message_can_be_left_instead(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    caller = calls(ladder, "2", "", "6 s", "1")
    assert caller.told[-2:] == ["std-message-kept", "hung up on"]


def test_in_an_emergency_no_time_is_promised(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T10:00")
    ladder.house.emergency = "fire"
    caller = calls(ladder, "1", "1")
    assert "std-closed" not in caller.told, "told why already"
    assert caller.told[-2:] == ["std-cb-promise-open", "hung up on"]


def test_before_holidays_of_a_week_no_time_is_named_and_what_is_said_is_about_the_next_opening(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    ladder.world.board.callbacks.guard_by(Holidays(ladder.site))
    caller = calls(ladder, "1", "1")
    assert "std-cb-choose" not in caller.told
    assert caller.told[-2:] == ["std-cb-promise-open", "hung up on"]
    assert (only(ladder).state, only(ladder).promise) == (CallbackState.WAITING, None)


def test_a_number_or_a_key_may_lead_to_a_callback_while_it_is_open(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T10:00")
    caller = calls(ladder, "1", "1", number="5091")
    assert caller.told[:2] == ["answered", "std-cb-number"]
    assert only(ladder).queue == "sales"
    back = calls(ladder, "*", "", HANGS_UP, number="5091", caller="3105550188")
    assert "std-cb-promise-now" not in back.told
    assert [fact.queue for fact in ladder.world.of(e.CallEntered)] == ["operator"], "who goes back reaches a person"


def test_the_promise_of_tomorrow_outlives_the_daemon_and_is_settled(ladder: Ladder) -> None:
    """Read from the journal it rests until its time, and keeps the place of yesterday."""
    it_is(ladder, "2026-03-03T20:00")
    calls(ladder, "1", "1", "1")
    before = only(ladder)
    ladder.world.board.restore(ladder.world.facts, {}, ladder.world.now)
    one = only(ladder)
    assert (one.state, one.due, one.promise) == (CallbackState.RESTING, before.due, before.promise)
    ladder.world.passes(before.due - ladder.world.now - 1.0)
    ladder.world.resume("7001")
    ladder.world.passes(0.5)
    assert only(ladder).agent_leg is None, "not before its time"
    ladder.world.passes(1.0)
    leg = only(ladder).agent_leg
    assert leg is not None, "offered as soon as the slot begins"
    ladder.world.passes(1_000.0)
    (broken,) = [fact for fact in ladder.world.of(e.ItemOpened) if fact.item == "promise broken"]
    assert broken.at == before.promise, "nobody picked up: a task for a person when the promise is over"


def test_who_is_to_be_called_and_calls_while_it_is_closed_may_cancel(ladder: Ladder) -> None:
    it_is(ladder, "2026-03-03T20:00")
    calls(ladder, "1", "1", "1")
    again = calls(ladder, "", "", "", "")
    assert again.told[1:3] == ["std-cb-again-closed", "std-closed"]
    assert only(ladder).due == time_of("2026-03-04T09:00"), "nothing has changed"
    joins = calls(ladder, "", "", "1", "1")
    assert joins.told[-2:] == ["std-cb-joined", "hung up on"]
    assert [fact.outcome for fact in ladder.world.of(e.CallEnded)][-1] == "callback"
    assert only(ladder).due == time_of("2026-03-04T09:00"), "nor now"
    cancels = calls(ladder, "2", "", "")
    assert cancels.told[1:4] == ["std-cb-again-closed", "std-cb-cancelled", "std-closed"]
    assert not ladder.world.board.callbacks.all()
