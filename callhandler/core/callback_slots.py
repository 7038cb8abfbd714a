"""The quarters of an hour in which a callback can be promised: the house is open and the callee may be called, from beginning to end.

Near closing time, and while it is closed, these are the first ones of the next opening. Knows no numbers and no callbacks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import inf

from callhandler.core.hours import Opening

SLOT = 900.0
"""Seconds of a slot. Slots begin at full quarters of an hour, which is so in every time zone of today."""
HORIZON = 6 * 86_400.0 - 3_600.0
"""Seconds ahead in which slots are looked for: within it the name of a weekday says which day is meant, also when clocks are put on."""
Hours = Callable[[float], Opening | None]
"""A time to whether it is open then; None where there are no hours, and it is open always."""


def free_slots(
    hours: Sequence[Hours],
    taken: Iterable[float],
    comes_twice: Callable[[float], bool],
    *,
    capacity: int,
    most: int,
    after: float,
    until: float,
) -> list[float]:
    """Return when the next `most` slots begin that lie after `after`, before `until` and within all of `hours`.

    A slot that `taken` names `capacity` times is full. None begins or ends at a time that `comes_twice` by the clock, as when summer time
    ends: said to a caller, it would be one of two.
    """
    known = [_Known(one) for one in hours]
    full = {slot for slot, count in Counter(taken).items() if count >= capacity}
    found: list[float] = []
    slot = (after // SLOT + 1) * SLOT
    while len(found) < most and slot < until:
        again = max((one.closed_until(slot) for one in known), default=slot)
        if again == inf:
            break
        if again > slot:
            slot = -(-again // SLOT) * SLOT
            continue
        if slot not in full and not comes_twice(slot) and not comes_twice(slot + SLOT):
            found.append(slot)
        slot += SLOT
    return found


class _Known:
    """One table of hours, asked once for each time that it is open or closed."""

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._opening: Opening | None = None
        self._until = -inf

    def closed_until(self, slot: float) -> float:
        """Return the slot's beginning when it is open all through it, else when to look again."""
        if slot >= self._until:
            self._opening = self._hours(slot)
            changes = None if self._opening is None else self._opening.changes_at
            self._until = inf if changes is None else changes
        if self._opening is None or (self._opening.open and self._until >= slot + SLOT):
            return slot
        return self._until
