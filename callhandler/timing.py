"""The daemon's clock and timers: seconds since the epoch that never go back, and waking the switchboard up."""

import asyncio
import time
from collections.abc import Callable

Key = tuple[str, str]


class SteadyClock:
    """Seconds since the epoch as they were at the start plus what has passed since: a stepped clock changes no wait."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Return now, in seconds since the epoch (UTC)."""
        return time.monotonic() + self._offset


class Timers:
    """Calls `wake` with a key when its time has come."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wake: Callable[[Key], None] | None = None

    def to(self, wake: Callable[[Key], None]) -> None:
        """Say who is woken."""
        self._wake = wake

    def at(self, when: float, key: Key) -> None:
        """Have `wake(key)` called at `when`, seconds since the epoch."""
        asyncio.get_running_loop().call_later(max(0.0, when - self._clock()), self._fire, when, key)

    def _fire(self, when: float, key: Key) -> None:
        if self._clock() < when:  # the loop's clock is a little coarse: never early
            self.at(when, key)
        elif self._wake is not None:
            self._wake(key)
