"""Who is answered when more call than the machine can serve: nobody new, until it keeps up with those who are here.

A caller who is answered costs time for as long as the wait lasts: prompts, music, a packet every 20 ms. A machine that has none left is
late for everybody, so that those who wait become more, and it serves fewer than before. A phone that rings costs nothing: the dialplan
has it ring, without a session, until it is told to ask again.
Must not know queues or agents.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from callhandler.core.model import LONGEST_RINGING

FEW = 100
"""Callers who are let in however late the machine is: ringing would not help it, whatever else it does."""
LATE = 0.003
"""Seconds by which the event loop's timers are late, smoothed, from which on a machine has no time left: under 0.002 up to 190 calls
a second on two cores, 0.010 to 0.150 with more than they can do (docs/performance.md)."""
ROOM = 300.0
"""Callers who may be here before the machine has shown that it keeps up with more: what they cost shows only seconds later, when they
have pressed their key, and a thousand too many take half a minute to be served."""
ALARM_AGAIN = 60.0
_TICK = 0.02
_MEMORY = 16
"""How many of the last ticks count, about."""
_IN_A_TICK = 4
"""Callers who are let in at each tick at most."""
_MORE, _LESS = 1.003, 0.99
"""What the room for callers becomes at each tick that isn't late while it is all taken (1.16 in a second), and at each that is (0.6)."""


class Door:
    """Lets callers in, in the order in which they came.

    `sessions` tells how many callers have a session (who rings or talks with an agent has none), `rings` whether a call still rings.
    `let_in` has one ask again, and tells whether Asterisk could be told so; `tell` is told in a sentence when the machine is late for one,
    at most once a minute.
    """

    def __init__(
        self,
        sessions: Callable[[], int],
        rings: Callable[[str], bool],
        let_in: Callable[[str], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._sessions = sessions
        self._rings = rings
        self._let_in = let_in
        self._tell = tell
        self._before: deque[str] = deque()
        self._being_told = 0
        self._coming: dict[str, float] = {}  # were let in, and have no session yet; until when they are waited for
        self._late = 0.0
        self._room = ROOM
        self._watching = False
        self._told = -ALARM_AGAIN

    @property
    def is_late(self) -> bool:
        """Whether the machine has no time left, for whoever is here already; else it may have no room for more than those."""
        return self._late >= LATE

    def is_open(self) -> bool:
        """Tell whether a caller who has come now may be answered at once: as long as the machine keeps up, and nobody came before."""
        self._watch()
        return not self._before and self._has_room()

    @contextmanager
    def keeping(self, call: str) -> Iterator[None]:
        """Keep a call ringing, to be let in when its turn comes. As long as its session is told so it takes none of the room."""
        if self.is_late:
            self._alarm(asyncio.get_running_loop().time())
        self._before.append(call)
        self._being_told += 1
        try:
            yield
        finally:
            self._being_told -= 1

    def keep_on(self, calls: Iterable[str]) -> None:
        """Let in those whom an earlier daemon kept ringing, too, in this order."""
        self._before.extend(calls)
        self._watch()

    def shut(self) -> None:
        """Let in nobody any more of those who ring, however much room there will be: they are the next daemon's."""
        self._before.clear()

    def _watch(self) -> None:
        if not self._watching and self._is_watched():
            self._watching = True
            self._look_again(asyncio.get_running_loop())

    def _inside(self) -> int:
        return self._sessions() - self._being_told + len(self._coming)

    def _has_room(self) -> bool:
        return self._inside() < FEW or (not self.is_late and self._inside() < self._room)

    def _is_watched(self) -> bool:
        return bool(self._before or self._coming) or self._sessions() >= FEW

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + _TICK
        loop.call_at(due, self._look, loop, due)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """See how late the loop is, how many may be here therefore, and let them in; no more once few callers are here."""
        now = loop.time()
        self._coming = {call: until for call, until in self._coming.items() if until > now and self._rings(call)}
        self._late += (now - due - self._late) / _MEMORY
        if self.is_late:
            self._room = max(FEW, _LESS * min(self._room, self._inside()))
        elif self._before and self._inside() + _IN_A_TICK >= self._room:
            self._room *= _MORE
        try:
            for _ in range(_IN_A_TICK):
                self._let_next_in(now)
        finally:  # a door whose clock has stopped would let in nobody any more
            if self._is_watched():
                self._look_again(loop)
            else:
                self._watching, self._late, self._room = False, 0.0, ROOM

    def _let_next_in(self, now: float) -> None:
        while self._before and not self._rings(self._before[0]):
            self._before.popleft()  # hung up, or has rung for as long as it may
        if self._before and self._has_room() and self._let_in(self._before[0]):
            # by then it has asked again by itself, or is gone
            self._coming[self._before.popleft()] = now + LONGEST_RINGING

    def _alarm(self, now: float) -> None:
        if now - self._told >= ALARM_AGAIN:
            self._told = now
            self._tell("more callers than this machine has time for: it rings until they can be answered")
