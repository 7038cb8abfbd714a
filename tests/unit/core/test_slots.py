"""The quarters of an hour in which a callback can be promised: this opening and the next, two tables of hours, holidays, changed clocks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.callback_slots import HORIZON, SLOT, Hours, free_slots
from callhandler.core.hours import Opening, Schedule, Span, opening

BERLIN = "Europe/Berlin"
DAY = (Span(9 * 60, 17 * 60),)
WEEKDAYS = (DAY, DAY, DAY, DAY, DAY, (), ())


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def office(
    weekly: Sequence[tuple[Span, ...]] = WEEKDAYS, zone: str = BERLIN, *, closed: tuple[date, ...] = ()
) -> Hours:
    schedule = Schedule(zone, weekly, {}, dict.fromkeys(closed, "a holiday"))
    return lambda when: opening(schedule, when)


def once(when: float) -> bool:
    """A clock that is never set."""
    return False


def slots(*hours: Hours, after: str, most: int = 4, taken: Sequence[float] = (), capacity: int = 2) -> list[str]:
    found = free_slots(hours, taken, once, capacity=capacity, most=most, after=at(after), until=at(after) + HORIZON)
    return [f"{datetime.fromtimestamp(one, ZoneInfo(BERLIN)):%a %H:%M}" for one in found]


@pytest.mark.parametrize(
    ("after", "first"),
    [
        ("2026-03-04T10:07", ["Wed 10:15", "Wed 10:30", "Wed 10:45", "Wed 11:00"]),
        ("2026-03-04T16:31", ["Wed 16:45", "Thu 09:00", "Thu 09:15", "Thu 09:30"]),
        ("2026-03-04T16:45", ["Thu 09:00", "Thu 09:15", "Thu 09:30", "Thu 09:45"]),
        ("2026-03-04T22:00", ["Thu 09:00", "Thu 09:15", "Thu 09:30", "Thu 09:45"]),
        ("2026-03-04T06:00", ["Wed 09:00", "Wed 09:15", "Wed 09:30", "Wed 09:45"]),
        ("2026-03-06T16:50", ["Mon 09:00", "Mon 09:15", "Mon 09:30", "Mon 09:45"]),
    ],
    ids=["within hours", "the last of today", "none whole today", "at night", "in the morning", "before a weekend"],
)
def test_the_next_opening_follows_this_one(after: str, first: list[str]) -> None:
    assert slots(office(), after=after) == first


def test_without_hours_all_quarters_are_slots() -> None:
    assert slots(lambda when: None, after="2026-03-04T23:40", most=2) == ["Wed 23:45", "Thu 00:00"]


def test_a_full_slot_makes_room_for_a_later_one() -> None:
    nine = at("2026-03-05T09:00")
    taken = [nine, nine, nine + SLOT]
    assert slots(office(), after="2026-03-04T20:00", most=2, taken=taken) == ["Thu 09:15", "Thu 09:30"]


def test_the_house_is_open_and_the_customer_is_awake() -> None:
    """Nine in New York is three in Berlin in winter."""
    here, there = office(), office(((Span(9 * 60, 20 * 60),),) * 7, "America/New_York")
    assert slots(here, there, after="2026-03-04T10:00", most=2) == ["Wed 15:00", "Wed 15:15"]
    assert slots(there, here, after="2026-03-06T16:45", most=1) == ["Mon 14:00"], (
        "New York has put its clocks on by then"
    )


def test_a_holiday_is_passed_over_and_what_is_more_than_a_week_away_is_not_promised() -> None:
    holidays = (date(2026, 12, 25), date(2026, 12, 28))
    assert slots(office(closed=holidays), after="2026-12-24T17:00", most=1) == ["Tue 09:00"]
    long = tuple(date(2026, 12, day) for day in range(24, 32))
    assert slots(office(closed=long), after="2026-12-23T17:00", most=1) == []


def test_openings_that_begin_and_end_within_a_quarter_have_only_whole_slots() -> None:
    assert slots(office((((Span(9 * 60 + 10, 9 * 60 + 50)),),) * 7), after="2026-03-04T00:00", most=3) == [
        "Wed 09:15",
        "Wed 09:30",
        "Thu 09:15",
    ]


def test_across_changes_of_the_clock() -> None:
    night = office((((Span(60, 4 * 60)),),) * 7)
    assert slots(night, after="2026-03-29T01:44", most=2) == ["Sun 01:45", "Sun 03:00"], "two o'clock is left out"
    two, three = at("2026-10-25T02:00"), at("2026-10-25T03:00")
    twice = free_slots(
        [night], [], lambda when: two <= when < three, capacity=1, most=3, after=at("2026-10-25T01:10"), until=inf
    )
    assert three - two == 7_200.0
    assert twice == [two - 3 * SLOT, two - 2 * SLOT, three], "nobody could tell which quarter past two is meant"
    assert slots(office(), after="2026-03-28T18:00", most=1) == ["Mon 09:00"]
    monday = free_slots([office()], [], once, capacity=1, most=1, after=at("2026-10-24T18:00"), until=inf)
    assert monday == [at("2026-10-26T09:00")]


def test_none_is_so_far_ahead_that_its_weekday_could_mean_today() -> None:
    mondays = office((WEEKDAYS[0], *((),) * 6))
    now = at("2026-03-02T22:50")
    assert free_slots([mondays], [], once, capacity=1, most=1, after=now + 3 * 3_600.0, until=now + HORIZON) == []


SPANS = st.builds(
    lambda first, length: Span(first, min(1440, first + length)), st.integers(0, 1439), st.integers(1, 900)
)
WEEKS = st.lists(st.lists(SPANS, max_size=2).map(tuple), min_size=7, max_size=7)
ZONES = st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])


@given(
    WEEKS,
    WEEKS,
    ZONES,
    st.floats(at("2026-01-01T00:00"), at("2026-12-31T00:00")),
    st.integers(1, 12),
    st.integers(1, 3),
    st.lists(st.integers(0, 700), max_size=30),
)
def test_every_slot_is_open_throughout_has_room_and_none_before_the_last_is_left_out(
    ours: list[tuple[Span, ...]],
    theirs: list[tuple[Span, ...]],
    zone: str,
    after: float,
    most: int,
    capacity: int,
    taken: list[int],
) -> None:
    hours = office(ours), office(theirs, zone)
    first = (after // SLOT + 1) * SLOT
    full = [first + SLOT * count for count in taken]
    found = free_slots(hours, full, once, capacity=capacity, most=most, after=after, until=after + HORIZON)

    def good(slot: float) -> bool:
        return full.count(slot) < capacity and all(_open_all_through(one(slot), slot) for one in hours)

    every = [slot for count in range(int(HORIZON // SLOT) + 1) if (slot := first + SLOT * count) < after + HORIZON]
    assert found == [slot for slot in every if good(slot)][:most]
    assert all(datetime.fromtimestamp(slot, UTC).minute % 15 == 0 for slot in found)


def _open_all_through(here: Opening | None, slot: float) -> bool:
    return here is None or (here.open and (here.changes_at is None or here.changes_at >= slot + SLOT))
