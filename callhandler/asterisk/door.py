"""Who is answered when more call than the machine can serve: nobody new, until it keeps up with those who are here.

A caller who is answered costs time for as long as the wait lasts: prompts, music, a packet every 20 ms. A machine that has none left is
late for everybody, so that those who wait become more, and it serves fewer than before. A phone that rings costs nothing.
Must not know queues or agents.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from callhandler.core.model import RingEnd

FEW = 100
"""Callers who are let in however late the machine is: ringing would not help it, whatever else it does."""
LATE = 0.003
"""Seconds by which the event loop's timers are late, smoothed, from which on a machine has no time left: under 0.002 up to 190 calls
a second on two cores, 0.010 to 0.150 with more than they can do (docs/performance.md)."""
LONGEST = 45.0
"""Seconds after which a caller is answered in any case, before they or the network give up."""
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

    `sessions` tells how many callers have a session, those before the door too (who talks with an agent has none); `tell` is told in a
    sentence when the machine is late for one, at most once a minute.
    """

    def __init__(self, sessions: Callable[[], int], tell: Callable[[str], None]) -> None:
        self._sessions = sessions
        self._tell = tell
        self._before: deque[asyncio.Future[str]] = deque()
        self._late = 0.0
        self._room = ROOM
        self._watching = False
        self._told = -ALARM_AGAIN

    @property
    def before(self) -> int:
        """How many callers are kept ringing now."""
        return len(self._before)

    @property
    def is_late(self) -> bool:
        """Whether the machine has no time left, for whoever is here already; else it may have no room for more than those."""
        return self._late >= LATE

    async def pass_through(self, ring: Callable[[], Awaitable[object]], gone: asyncio.Future[str]) -> RingEnd | None:
        """Return when a caller is to be answered: at once, and None, as long as the machine keeps up. Who must wait for that hears it ring.

        `ring` has the caller hear that; `gone` is done when the caller has hung up, which ends the wait, too. What ended it is returned.
        """
        loop = asyncio.get_running_loop()
        if not self._watching and self._is_watched():
            self._watching = True
            self._look_again(loop)
        if not self._before and self._has_room():
            return None
        if self.is_late:
            self._alarm(loop.time())
        turn: asyncio.Future[str] = loop.create_future()
        self._before.append(turn)
        try:
            await ring()
            await asyncio.wait({turn, gone}, timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not turn.done():
                self._before.remove(turn)
        if turn.done():
            return RingEnd.LET_IN
        return RingEnd.CALLER_LEFT if gone.done() else RingEnd.LONGEST

    def _inside(self) -> int:
        return self._sessions() - len(self._before)

    def _has_room(self) -> bool:
        return self._inside() < FEW or (not self.is_late and self._inside() < self._room)

    def _is_watched(self) -> bool:
        return bool(self._before) or self._sessions() >= FEW

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + _TICK
        loop.call_at(due, self._look, loop, due)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """See how late the loop is, how many may be here therefore, and let them in; no more once few callers are here."""
        self._late += (loop.time() - due - self._late) / _MEMORY
        if self.is_late:
            self._room = max(FEW, _LESS * min(self._room, self._inside()))
        elif self._before and self._inside() + _IN_A_TICK >= self._room:
            self._room *= _MORE
        for _ in range(_IN_A_TICK):
            if self._before and self._has_room():
                self._before.popleft().set_result("let in")
        if self._is_watched():
            self._look_again(loop)
        else:
            self._watching, self._late, self._room = False, 0.0, ROOM

    def _alarm(self, now: float) -> None:
        if now - self._told >= ALARM_AGAIN:
            self._told = now
            self._tell("more callers than this machine has time for: it rings until they can be answered")
