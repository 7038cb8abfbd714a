"""The daemon's clock and timers: seconds since the epoch that never go back, and waking the switchboard up.

Why the clock follows the machine's the way it does: docs/adr/0010. Knows no calls.
"""

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Callable
from functools import partial

import structlog

Key = tuple[str, str]
log = structlog.get_logger("timing")

PULL = 0.1
"""The part of the time passing by which the clock may run faster or slower to get where the machine's is."""
FARTHEST = 60.0
"""Seconds between the two clocks from which on people are told."""
LONGEST_SLEEP = 30.0
"""Seconds after which a timer looks at the clock again: the loop's own doesn't count while the machine is suspended."""
STOOD_STILL = 1.0
"""Seconds by which a timer must be late for the loop to have stood still: what came meanwhile may not have been read yet."""
READING = 0.5
"""Seconds in which it is read, before what was to happen unless something came."""
TICK = 0.001
"""Seconds by which the loop looks late: it counts in milliseconds (uvloop takes less than half of one for none), and would look in vain."""
MANY = 1_000
"""Timers that wait together before any is looked at whether it is still wanted."""
_LOOK_EVERY = 10.0
_A_DAY = 86_400.0


_passed: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)
"""A time that is never set and, where the system knows such a one (Linux), goes on while the machine is suspended."""


class SteadyClock:
    """Seconds since the epoch (UTC). When the machine's clock is set, this one drifts there, so that no wait jumps."""

    def __init__(self, wall: Callable[[], float] = time.time, passed: Callable[[], float] = _passed) -> None:
        """`wall` is the machine's clock, which anybody may set; `passed` counts seconds and is never set."""
        self._wall = wall
        self._passed = passed
        self._now, self._seen = wall(), passed()

    def __call__(self) -> float:
        """Return now, in seconds since the epoch (UTC); never less than before."""
        seen = self._passed()
        since, self._seen = max(0.0, seen - self._seen), seen
        most, apart = since * PULL, self._wall() - self._now - since
        if apart > most:  # asked sixty times a call: min() and max() would cost as much as all the rest
            apart = most
        elif apart < -most:
            apart = -most
        self._now += since + apart
        return self._now

    @property
    def behind(self) -> float:
        """Return by how many seconds the machine's clock is ahead of this one; negative: this one is ahead."""
        return self._wall() - self()

    def catch_up(self) -> None:
        """Go forward to the machine's clock at once; not back."""
        self._now += max(0.0, self.behind)

    def not_before(self, at: float) -> None:
        """Begin at `at` if that is later, for it was so late already; but not for a time that is more than a day ahead."""
        if self() < at < self._now + _A_DAY:
            self._now = at


async def watch_clock(clock: SteadyClock, is_idle: Callable[[], bool], tell: Callable[[str], None]) -> None:
    """Catch up with a clock that was set forward as soon as nobody is here, and `tell` people of great differences, once each."""
    told = False
    while True:
        behind = clock.behind
        if behind > 1.0 and is_idle():
            log.warning("the machine's clock was set forward", seconds=round(behind, 1))
            clock.catch_up()
        elif abs(behind) < FARTHEST:
            told = False
        elif not told:
            told = True
            how = "ahead: callhandler follows when nobody is here" if behind > 0 else "back: callhandler follows slowly"
            tell(f"the machine's clock was set {abs(behind):.0f} s {how}, so that no wait jumps")
        await asyncio.sleep(_LOOK_EVERY)


def stood_still(due: float) -> bool:
    """Tell whether the running loop stood still before it came to a timer that was `due`, in its own time."""
    return asyncio.get_running_loop().time() - due > STOOD_STILL


def after(pause: float, what: Callable[[], None]) -> asyncio.TimerHandle:
    """Call `what` in `pause` seconds of the running loop; after a stall a little later, so that what came in time counts as having come.

    The handle that is returned cancels it until then.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + pause

    def fire() -> None:
        if stood_still(due):
            loop.call_later(READING, what)
        else:
            what()

    return loop.call_at(due, fire)


class Timers:
    """Calls `wake` with a key when its time has come.

    Most of what is due is no longer wanted by then: the call it was set for is long over. So a timer that waits is a pair in a heap, and
    the loop, whose own timers are ten times as large, has one for the earliest of all. Some are due in hours (when the house closes), so
    what is no longer wanted is thrown out whenever there are twice as many as were wanted the last time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wake: Callable[[Key], None] | None = None
        self._wanted: Callable[[Key], bool] = lambda _: True
        self._room = MANY
        self._due: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._next: asyncio.TimerHandle | None = None
        self._expected = 0.0

    def to(self, wake: Callable[[Key], None], wanted: Callable[[Key], bool]) -> None:
        """Say who is woken, and who knows what is wanted still."""
        self._wake, self._wanted = wake, wanted

    def at(self, when: float, key: Key) -> None:
        """Have `wake(key)` called at `when`, seconds since the epoch, if it is still wanted then."""
        if len(self._due) >= self._room:
            self._due = [one for one in self._due if self._wanted(one[2])]
            heapq.heapify(self._due)
            self._room = max(MANY, 2 * len(self._due))
        entry = (when, next(self._order), key)
        heapq.heappush(self._due, entry)
        if self._due[0] is entry and self._expected != math.inf:  # else what came in a stall is being read first
            self._look_again()

    def _look_again(self) -> None:
        """Have the loop call when the earliest is due."""
        if self._next is not None:
            self._next.cancel()
        loop = asyncio.get_running_loop()
        left = self._due[0][0] - self._clock()
        self._expected = loop.time() + (min(left + TICK, LONGEST_SLEEP) if left > 0 else 0.0)
        self._next = loop.call_at(self._expected, self._fire)

    def _fire(self) -> None:
        """Wake the one that is due, never early, though the loop's clock is a little coarse; the loop does other work before the next."""
        self._next = None
        if stood_still(self._expected):
            self._expected = math.inf  # once: a loop that is always late gets there, too
            self._next = asyncio.get_running_loop().call_later(READING, self._fire)
            return
        self._expected = 0.0
        key = heapq.heappop(self._due)[2] if self._due[0][0] <= self._clock() else None
        if self._due:
            self._look_again()
        if key is not None and self._wake is not None:
            self._wake(key)
