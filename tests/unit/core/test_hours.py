"""Opening hours: the reason, the next change, and changes of the clock. Times are written as the wall clock shows them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.hours import Opening, Schedule, Span, SpecialDay, opening

DAY = (Span(9 * 60, 12 * 60), Span(13 * 60, 17 * 60))
WEEK = (DAY, DAY, DAY, DAY, (Span(540, 720),), (), ())


def office(
    zone: str = "Europe/Berlin",
    weekly: tuple[tuple[Span, ...], ...] = WEEK,
    special: Mapping[date, SpecialDay] | None = None,
    holidays: Mapping[date, str] | None = None,
) -> Schedule:
    return Schedule(zone, weekly, special or {}, holidays or {})


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("now", "is_open", "reason", "changes"),
    [
        ("2026-03-02T08:59:59", False, "after hours", "2026-03-02T09:00"),
        ("2026-03-02T09:00:00", True, "open hours", "2026-03-02T12:00"),
        ("2026-03-02T11:59:59", True, "open hours", "2026-03-02T12:00"),
        ("2026-03-02T12:00:00", False, "after hours", "2026-03-02T13:00"),
        ("2026-03-06T12:00:00", False, "after hours", "2026-03-09T09:00"),
        ("2026-03-07T10:00:00", False, "after hours", "2026-03-09T09:00"),
    ],
)
def test_a_week(now: str, is_open: bool, reason: str, changes: str) -> None:
    assert opening(office(), at(now)) == Opening(is_open, reason, at(changes))


def test_special_days_beat_holidays_and_holidays_beat_weekdays() -> None:
    schedule = office(
        special={
            date(2026, 12, 24): SpecialDay("Christmas Eve", (Span(540, 600),)),
            date(2026, 12, 25): SpecialDay("Fair", DAY),
        },
        holidays={
            date(2026, 12, 25): "Christmas Day",
            date(2026, 12, 28): "Some Holiday",
            date(2026, 12, 24): "Half Day",
        },
    )
    assert opening(schedule, at("2026-12-24T09:30")) == Opening(True, "Christmas Eve", at("2026-12-24T10:00"))
    assert opening(schedule, at("2026-12-24T10:00")) == Opening(False, "Christmas Eve", at("2026-12-25T09:00"))
    assert opening(schedule, at("2026-12-25T09:30")).reason == "Fair"
    assert opening(schedule, at("2026-12-28T10:00")) == Opening(False, "Some Holiday", at("2026-12-29T09:00"))


def test_hours_are_meant_in_the_sites_zone() -> None:
    nine_in_berlin = at("2026-03-02T09:00")
    assert opening(office("Europe/Berlin"), nine_in_berlin).open
    assert not opening(office("America/New_York"), nine_in_berlin).open


def test_closing_soon() -> None:
    now = at("2026-03-02T16:50")
    state = opening(office(), now)
    assert state.closing_within(600, now)
    assert not state.closing_within(599, now)
    assert not opening(office(), at("2026-03-02T12:30")).closing_within(86_400, now)


def test_over_midnight_is_one_opening() -> None:
    bar = office(weekly=((Span(1200, 1440),), (Span(0, 180), Span(1200, 1440)), *[(Span(0, 180),)], (), (), (), ()))
    assert opening(bar, at("2026-03-02T23:00")) == Opening(True, "open hours", at("2026-03-03T03:00"))
    assert opening(bar, at("2026-03-03T00:00")) == Opening(True, "open hours", at("2026-03-03T03:00"))


def test_always_and_never_have_no_next_change() -> None:
    now = at("2026-03-02T10:00")
    assert opening(office(weekly=((Span(0, 1440),),) * 7), now) == Opening(True, "open hours", None)
    assert opening(office(weekly=((),) * 7), now) == Opening(False, "after hours", None)


@pytest.mark.parametrize(
    ("first", "last", "opens", "closes"),
    [
        # Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
        (Span(150, 300), 0, "2026-03-29T01:00", "2026-03-29T03:00"),  # 02:30 never comes: it opens at the jump
        (
            Span(60, 150),
            0,
            "2026-03-29T00:00",
            "2026-03-29T01:00",
        ),  # till 02:30, which never comes: it closes at the jump
        (Span(180, 300), 0, "2026-03-29T01:00", "2026-03-29T03:00"),
        # 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
        (Span(150, 300), 210, "2026-10-25T00:30", "2026-10-25T04:00"),  # 02:30 comes twice: it opens at the first
        (Span(60, 150), 210, "2026-10-24T23:00", "2026-10-25T01:30"),  # and closes at the second
    ],
)
def test_when_the_clock_changes(first: Span, last: int, opens: str, closes: str) -> None:
    schedule = office(weekly=(*[()] * 6, (first,)))  # Sundays
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in (opens, closes))
    assert opening(schedule, begin - 1) == Opening(False, "after hours", begin)
    assert opening(schedule, begin) == Opening(True, "open hours", end)
    assert opening(schedule, end - 1).open
    assert not opening(schedule, end).open


def test_a_day_that_begins_when_the_clock_jumps_over_midnight() -> None:
    # Beirut, 29 March 2026: 00:00 becomes 01:00.
    schedule = office("Asia/Beirut", weekly=(*[()] * 6, (Span(0, 1440),)))
    jump = datetime(2026, 3, 28, 22, tzinfo=UTC).timestamp()
    assert opening(schedule, jump - 1) == Opening(False, "after hours", jump)
    assert opening(schedule, jump) == Opening(True, "open hours", jump + 23 * 3600)


spans = st.lists(
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(sorted).filter(lambda pair: pair[0] < pair[1]), max_size=3
).map(lambda pairs: tuple(Span(first, last) for first, last in pairs))


@given(
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
    ),
    st.tuples(*[spans] * 7),
    st.integers(1_760_000_000, 1_800_000_000),
)
def test_the_state_holds_until_it_changes_and_agrees_with_the_wall_clock(
    zone: str, weekly: tuple[tuple[Span, ...], ...], now: int
) -> None:
    schedule = office(zone, weekly)
    state = opening(schedule, now)
    if state.changes_at is not None:
        assert state.changes_at > now
        assert opening(schedule, state.changes_at).open is not state.open
        assert opening(schedule, state.changes_at - 1).open is state.open
        assert opening(schedule, (now + state.changes_at) // 2).open is state.open
    wall = datetime.fromtimestamp(now, ZoneInfo(zone))
    steady = {(wall + timedelta(hours=hours)).utcoffset() for hours in (-26, 26)} == {wall.utcoffset()}
    if steady:
        minute = wall.hour * 60 + wall.minute
        assert state.open is any(span.first <= minute < span.last for span in weekly[wall.weekday()])
