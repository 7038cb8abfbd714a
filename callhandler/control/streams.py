"""Facts as they happen, for readers of the live log: a bounded queue each, which can't delay or break a call."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from callhandler.core.events import Fact
from callhandler.core.plain_facts import fact_to_plain

KEPT = 2_000
"""Facts kept for a reader that is slow. One that falls further behind is told so and cut off."""
HEARTBEAT = 5.0
"""Seconds after which a quiet stream sends an empty line, so that its reader can tell quiet from dead."""

Subscribe = Callable[[Callable[[Fact], None]], Callable[[], None]]


class Streams:
    """All live readers. `end()` lets go of them, so that the server can stop."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Fact | None]] = set()
        self._ended = False

    def begin(self) -> None:
        """Let streams begin."""
        self._ended = False

    def end(self) -> None:
        """End every stream in good order, and let no new one begin."""
        self._ended = True
        for queue in self._queues:
            _finish(queue)

    async def lines(self, subscribe: Subscribe) -> AsyncIterator[bytes]:
        """Yield each fact from now on as one line of JSON; an empty line when nothing happens; an error as the last."""
        queue: asyncio.Queue[Fact | None] = asyncio.Queue(KEPT)
        behind = False

        def keep(fact: Fact) -> None:
            nonlocal behind
            if behind:
                return
            try:
                queue.put_nowait(fact)
            except asyncio.QueueFull:
                behind = True
                _finish(queue)

        self._queues.add(queue)
        if self._ended:
            _finish(queue)
        unsubscribe = subscribe(keep)
        try:
            yield b"\n"
            async for line in _lines_of(queue):
                yield line
            reason = "the reader fell too far behind" if behind else "the daemon is stopping"
            yield json.dumps({"error": reason}).encode() + b"\n"
        finally:
            unsubscribe()
            self._queues.discard(queue)


async def _lines_of(queue: asyncio.Queue[Fact | None]) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT):
                fact = await queue.get()
        except TimeoutError:
            yield b"\n"
            continue
        if fact is None:
            return
        yield json.dumps(fact_to_plain(fact), separators=(",", ":")).encode() + b"\n"


def _finish(queue: asyncio.Queue[Fact | None]) -> None:
    while True:
        try:
            queue.put_nowait(None)
        except asyncio.QueueFull:
            queue.get_nowait()
        else:
            return
