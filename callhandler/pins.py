"""PINs keyed in on handsets: compared in constant time, and locked for longer and longer after wrong ones.

OWASP ASVS 4.0, 2.2.1 asks for no more than 100 failed attempts an hour on one account; five, then a lock that doubles from a minute on,
allows fewer than twenty. The lock is per agent and per phone: neither one phone trying all agents nor all phones trying one gets far.
Only agents who exist are kept count of, so that keying in numbers at random fills no memory.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

FREE_TRIES = 5
FIRST_LOCK = 60.0
LONGEST_LOCK = 3_600.0


@dataclass(slots=True)
class _Failures:
    count: int = 0
    locked_until: float = 0.0


class Pins:
    """Checks PINs and remembers failures; `clock` gives seconds, never backwards."""

    def __init__(self, clock: Callable[[], float], locked: Callable[[str, str, float], None] = lambda *_: None) -> None:
        """Take the clock, and whom to tell of each lock: what it is on (`agent` or `phone`), its id, and for how many seconds."""
        self._clock = clock
        self._locked = locked
        self._failures: dict[tuple[str, str], _Failures] = {}

    def check(self, agent: str, keyed: str, right: str | None, phone: str) -> bool:
        """Tell whether a PIN is right; False also while agent or phone is locked. `right` None: there is no such agent."""
        now = self._clock()
        keys = [("phone", phone)] if right is None else [("agent", agent), ("phone", phone)]
        records = [self._failures.setdefault(key, _Failures()) for key in keys]
        same = hmac.compare_digest(keyed.encode(), (right or "").encode()) and right is not None
        if any(record.locked_until > now for record in records):
            return False
        if same:
            for record in records:
                record.count = 0
            return True
        for key, record in zip(keys, records, strict=True):
            record.count += 1
            if record.count >= FREE_TRIES:
                seconds = min(LONGEST_LOCK, FIRST_LOCK * 2 ** min(record.count - FREE_TRIES, 10))
                record.locked_until = now + seconds
                self._locked(*key, seconds)
        return False
