"""Waiting in tests for what has no event to wait on: as short as can be, bounded, and never by a guess at how long."""

import asyncio
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds for what happens at once: a machine on which others are busy may put a process aside for several."""


async def until(wanted: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return once `wanted` is true; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not wanted():  # noqa: ASYNC110 - it looks at plain values of the code under test
            await asyncio.sleep(0.002)
