"""How many alarms there were in the last day, and the last one of each kind and queue. Pure; raises none.

A burst is one line with its count: who looks wants to know what happened, how often, and whether it still does.
"""

from collections.abc import Iterable

from callhandler.core.events import AlarmRaised
from callhandler.core.views import AlarmView

_DAY = 1_440
"""Minutes for which an alarm counts."""


class Alarms:
    """The alarms of the last day. They are counted by the minute, so that what is kept of a kind doesn't grow with how many there are."""

    def __init__(self, found: Iterable[AlarmRaised] = ()) -> None:
        """Take up those found, in any order."""
        self._kinds: dict[tuple[str, str | None], _Kind] = {}
        for alarm in found:
            self.take(alarm)

    def take(self, alarm: AlarmRaised) -> None:
        """Count one that was raised."""
        self._kinds.setdefault((alarm.kind, alarm.queue), _Kind(alarm)).take(alarm)

    def of_the_day(self, now: float) -> tuple[AlarmView, ...]:
        """Return those of the day before `now` (seconds since the epoch), to the minute; whatever was raised last comes last."""
        since = _minute(now) - _DAY
        found = [kind.view(since) for kind in self._kinds.values() if _minute(kind.last.at) > since]
        return tuple(sorted(found, key=lambda one: one.at))


class _Kind:
    """The alarms of one kind and queue."""

    def __init__(self, alarm: AlarmRaised) -> None:
        self.last = alarm
        self._minutes: dict[int, int] = {}

    def take(self, alarm: AlarmRaised) -> None:
        minute = _minute(alarm.at)
        self._minutes[minute] = self._minutes.get(minute, 0) + 1
        if alarm.at > self.last.at:
            self.last = alarm
        if len(self._minutes) > 2 * _DAY:
            since = _minute(self.last.at) - _DAY
            self._minutes = {one: count for one, count in self._minutes.items() if one > since}

    def view(self, since: int) -> AlarmView:
        last, count = self.last, sum(count for minute, count in self._minutes.items() if minute > since)
        return AlarmView(kind=last.kind, queue=last.queue, reason=last.reason, at=last.at, count=count)


def _minute(at: float) -> int:
    return int(at // 60)
