"""The names of the locks by which the first of a call's phones gets the caller. Pure.

Asterisk keeps each name that was ever locked, and looks through all of them at each lock, one channel at a time (funcs/func_lock.c): a
name for each call would cost more memory and more time with each call there ever was. So names are used again.
"""

import re
import secrets
from collections import Counter, deque
from collections.abc import Mapping

from callhandler.core.offer_legs import offer_of

RESTING = 200
"""Names that lie idle before the oldest is used again: a leg's lock is given back a moment after its end is told."""
_NAME = re.compile(r"call-[0-9a-f]{8}-[0-9]{1,18}")


class Locks:
    """One name for each call that phones are rung for, until its last leg is over."""

    def __init__(self) -> None:
        # Legs of a daemon before this one that end unseen may still hold theirs.
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

    def snapshot(self, there: Mapping[str, str]) -> None:
        """Take note of the channels that are there, with the lock's name of each that has one: every other leg is over.

        A call that a daemon before this one rings phones for keeps its name, or another phone of it could take the caller, too.
        """
        for leg in [leg for leg in self._legs if leg not in there]:
            self.over(leg)
        for leg, name in there.items():
            offered = offer_of(leg)
            if offered and leg not in self._legs and _NAME.fullmatch(name) and self._take_over(offered[0], name):
                self._legs[leg] = offered[0]
                self._living[offered[0]] += 1

    def _take_over(self, call: str, name: str) -> bool:
        """Have a call go on under this name; tells whether it does. It doesn't where it has another, or another call has this one."""
        if call not in self._names and name not in self._names.values():
            self._names[call] = name
            if name in self._resting:
                self._resting.remove(name)
        return self._names.get(call) == name

    def _new(self) -> str:
        self._made += 1
        return f"call-{self._ours}-{self._made}"
