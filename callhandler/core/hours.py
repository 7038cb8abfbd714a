"""Open, closed, closing soon: opening hours in a time zone, right across changes of the clock. Knows no site file.

A span begins at the first instant whose wall clock shows its start and ends at the last that shows its end, so an hour that
comes twice doesn't close and open again, and an hour that is left out begins when the clock jumps over it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_HORIZON = 400
"""Days looked ahead for the next change: more than a year, so that a yearly opening is found."""
AFTER_HOURS = "after hours"
OPEN_HOURS = "open hours"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time of a day in minutes since midnight by the wall clock; `last` is not in it and may be 1440, the day's end."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date unlike its weekday; without spans it is closed."""

    name: str
    open: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Opening hours. Special days beat holidays, which are closed, and holidays beat weekdays (`weekly`, Monday first)."""

    zone: str
    weekly: Sequence[tuple[Span, ...]]
    special: Mapping[date, SpecialDay] = field(default_factory=dict)
    holidays: Mapping[date, str] = field(default_factory=dict)

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return when a day is open."""
        if day in self.special:
            return self.special[day].open
        return () if day in self.holidays else self.weekly[day.weekday()]

    def rule(self, day: date) -> str | None:
        """Return the name of what makes a day unlike its weekday, if anything does."""
        return self.special[day].name if day in self.special else self.holidays.get(day)


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether it is open, why, and when that changes (seconds since the epoch; None when not within a year)."""

    open: bool
    reason: str
    changes_at: float | None

    def closing_within(self, seconds: float, now: float) -> bool:
        """Tell whether it is open and will be closed in at most `seconds`."""
        return self.open and self.changes_at is not None and self.changes_at - now <= seconds


def opening(schedule: Schedule, now: float) -> Opening:
    """Return whether it is open at `now` (seconds since the epoch, UTC).

    The reason is the name of the special day or holiday, else `open hours` or `after hours`.
    """
    zone = ZoneInfo(schedule.zone)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    rule = schedule.rule(today)
    for first, last in _periods(schedule, today, zone):
        if first <= now < last:
            ends = last if last - now < (_HORIZON - 2) * 86_400 else None
            return Opening(True, rule or OPEN_HOURS, ends)
        if now < first:
            return Opening(False, rule or AFTER_HOURS, first)
    return Opening(False, rule or AFTER_HOURS, None)


def _periods(schedule: Schedule, today: date, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    """Yield when it is open, from yesterday on, in order, periods that touch or overlap made one."""
    current: tuple[float, float] | None = None
    for offset in range(-1, _HORIZON):
        day = today + timedelta(days=offset)
        for span in sorted(schedule.spans(day)):
            first, last = _instant(day, span.first, zone, latest=False), _instant(day, span.last, zone, latest=True)
            if current is not None and first <= current[1]:
                current = (current[0], max(current[1], last))
                continue
            if current is not None:
                yield current
            current = (first, last)
    if current is not None:
        yield current


@lru_cache(maxsize=4_096)
def _instant(day: date, minutes: int, zone: ZoneInfo, *, latest: bool) -> float:
    """Return when the wall clock shows a time: the latest or earliest such instant; when it never does, that of the jump."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minutes)
    before, after = wall.replace(fold=0).timestamp(), wall.replace(fold=1).timestamp()
    if before <= after:
        return after if latest else before
    return _jump(after, before, zone)


def _jump(low: float, high: float, zone: ZoneInfo) -> float:
    """Return the instant between `low` and `high` at which the zone's offset changes, to the second."""
    start = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == start:
            low = middle
        else:
            high = middle
    return high
