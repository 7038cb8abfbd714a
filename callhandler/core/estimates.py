"""How long a caller may still have to wait: the formulas, and the ranges that are said. Pure arithmetic; estimating.py feeds it.

Two estimates, after Ibrahim and Whitt: by the length of the line where it is known how long calls take, else by how long the head of
the line has waited. Even the best of them is off by 20 to 45 % in a small centre, so that a range is said, rounded up, never a time.
"""

from dataclasses import dataclass

QUEUE_LENGTH = "queue length"
HEAD_OF_LINE = "head of line"

BANDS = (60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0)
"""Upper ends of the ranges that are said, in seconds: below 1 minute, 1 to 2, 3 to 5, 6 to 10, 11 to 15, 16 to 30."""

USUAL_HANDLING = 180.0
"""How long a call takes where nothing is known, in seconds; it counts like `WEIGHT` calls."""
WEIGHT = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long is still to be waited, in seconds, by which method, and how many calls and callbacks go first."""

    seconds: float
    method: str
    ahead: int

    @property
    def most(self) -> float | None:
        """Return the upper end of the range to be said, in seconds; None when it is longer than any."""
        return rounded_up(self.seconds)


@dataclass(frozen=True, slots=True)
class Staff:
    """The agents who may take a call. `share` counts each by the part that falls to this call's queue.

    `left` is the sum of what the `busy` ones are expected to need still, in seconds.
    """

    share: float
    free: int
    busy: int
    left: float


def rounded_up(seconds: float) -> float | None:
    """Return the upper end of the range that holds this many seconds; None beyond the last."""
    return next((most for most in BANDS if seconds <= most), None)


def handling(count: int, total: float) -> float:
    """Return how long a call takes, in seconds: the mean of `count` calls that took `total`, drawn towards the usual."""
    return (total + WEIGHT * USUAL_HANDLING) / (count + WEIGHT)


def giving_up(abandoned: int, ended: int) -> float:
    """Return which part of those who wait give up: `abandoned` of `ended`, drawn towards none."""
    return abandoned / (ended + WEIGHT)


def still_busy(handling_time: float, elapsed: float) -> float:
    """Return for how many seconds an agent is expected to be busy still, after `elapsed` of them."""
    return max(handling_time - elapsed, 0.25 * handling_time)


def by_queue_length(ahead: int, staff: Staff, handling_time: float, part_giving_up: float) -> float | None:
    """Return the expected wait in seconds; None when nobody is there to end it."""
    if staff.share <= 0:
        return None
    if staff.free > ahead:
        return 0.0
    wait = (ahead + 1 - staff.free) * handling_time * (1.0 - part_giving_up) / staff.share
    soonest = staff.left / staff.busy / (staff.busy + 1) if staff.busy else 0.0
    return max(wait, soonest)


def by_head_of_line(heads_wait: float, waited: float) -> float:
    """Return the expected wait in seconds of someone who has `waited`: as long in all as the head of the line has by now."""
    return max(0.0, heads_wait - waited)
