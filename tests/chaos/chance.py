"""What the tests of chaos share: how long they go on, the seed, and a look at how late the event loop is."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator

LONG = bool(os.environ.get("CHAOS_LONG"))
"""Set by `make chaos`; `make test` plays the short form."""
SEED = int(os.environ.get("CHAOS_SEED", "1"))
_BEAT = 0.005


class Heartbeat:
    """How late the event loop was. Others use the machine too: a stall is only believed if our own thread worked through it."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def beat(self) -> None:
        """Measure until cancelled."""
        while True:
            began, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(_BEAT)
            late = min(time.monotonic() - began - _BEAT, time.thread_time() - worked)
            self.worst = max(self.worst, late)


@contextlib.asynccontextmanager
async def heartbeat() -> AsyncIterator[Heartbeat]:
    """Measure the stalls of the running loop, in seconds of its own work."""
    heart = Heartbeat()
    task = asyncio.get_running_loop().create_task(heart.beat())
    try:
        yield heart
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
