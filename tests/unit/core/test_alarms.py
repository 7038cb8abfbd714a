"""Alarms of the last day: one of each kind and queue, with a true count."""

from callhandler.core.alarms import Alarms
from callhandler.core.events import AlarmRaised

DAY = 86_400.0
NOW = 100 * DAY


def raised(age: float, kind: str = "unroutable", queue: str | None = "sales", reason: str = "nobody") -> AlarmRaised:
    return AlarmRaised(at=NOW - age, kind=kind, queue=queue, reason=reason)


def test_a_burst_is_one_line_with_its_count_and_its_last_reason() -> None:
    alarms = Alarms(raised(50 - number / 1_000) for number in range(340))
    alarms.take(raised(40, reason="the last"))
    (one,) = alarms.of_the_day(NOW)
    assert (one.kind, one.queue, one.count, one.at, one.reason) == ("unroutable", "sales", 341, NOW - 40, "the last")


def test_kinds_and_queues_are_told_apart_and_what_was_raised_last_comes_last() -> None:
    alarms = Alarms([raised(9, queue="support"), raised(30, "disk", None), raised(10), raised(9.5), raised(20)])
    listed = [(one.kind, one.queue, one.count) for one in alarms.of_the_day(NOW)]
    assert listed == [("disk", None, 1), ("unroutable", "sales", 3), ("unroutable", "support", 1)]


def test_what_is_older_than_a_day_counts_no_more() -> None:
    alarms = Alarms([raised(DAY + 60), raised(DAY - 60), raised(60), raised(DAY + 60, "disk")])
    assert [(one.kind, one.count) for one in alarms.of_the_day(NOW)] == [("unroutable", 2)]
    assert alarms.of_the_day(NOW + DAY) == ()


def test_what_is_kept_has_an_end() -> None:
    alarms = Alarms(raised(-60.0 * minute) for minute in range(10_000))
    (one,) = alarms.of_the_day(NOW + 60.0 * 9_999)
    assert one.count == 1_440
    (kind,) = alarms._kinds.values()
    assert len(kind._minutes) <= 2 * 1_440
