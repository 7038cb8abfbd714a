"""The names of the locks by which the first of a call's phones gets the caller. Pure.

Asterisk keeps each name that was ever locked, and looks through all of them at each lock, one channel at a time (funcs/func_lock.c): a
name for each call would cost more memory and more time with each call there ever was. So names are used again.
"""

import secrets
from collections import Counter, deque
from collections.abc import Container

RESTING = 200
"""Names that lie idle before the oldest is used again: a leg's lock is given back a moment after its end is told."""


class Locks:
    """One name for each call that phones are rung for, until its last leg is over."""

    def __init__(self) -> None:
        # Conversations of a daemon before this one still hold theirs.
        self._ours = secrets.token_hex(4)
        self._made = 0
        self._names: dict[str, str] = {}
        self._legs: dict[str, str] = {}
        self._living: Counter[str] = Counter()
        self._resting: deque[str] = deque()

    def name(self, call: str, leg: str) -> str:
        """Return the name for a call that `leg` is rung for from now on."""
        if call not in self._names:
            self._names[call] = self._resting.popleft() if len(self._resting) >= RESTING else self._new()
        if leg not in self._legs:
            self._legs[leg] = call
            self._living[call] += 1
        return self._names[call]

    def over(self, leg: str) -> None:
        """A leg is over. May be told again, and of channels that are none."""
        call = self._legs.pop(leg, None)
        if call is None:
            return
        self._living[call] -= 1
        if not self._living[call]:
            del self._living[call]
            self._resting.append(self._names.pop(call))

    def snapshot(self, channels: Container[str]) -> None:
        """Every leg that isn't among these channels is over."""
        for leg in [leg for leg in self._legs if leg not in channels]:
            self.over(leg)

    def _new(self) -> str:
        self._made += 1
        return f"call-{self._ours}-{self._made}"
