"""Runs panoramisk_alone.py in a process of its own and reads what it tells; ends only that process."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tests.edge.waiting import PATIENCE

Told = dict[str, object]


class Alone:
    """A running panoramisk. `told` is all it said so far, `text` what was no JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.told: list[Told] = []
        self.text = ""

    async def until(self, wanted: Callable[[Told], object], seconds: float = PATIENCE) -> Told:
        """Return the first thing told for which `wanted` is true, reading on as needed."""
        for one in self.told:
            if wanted(one):
                return one
        async with asyncio.timeout(seconds):
            while (one := await self._next()) is not None:
                if wanted(one):
                    return one
        raise AssertionError(f"panoramisk ended without it: {self.told} {self.text}")

    async def until_silent(self, seconds: float) -> None:
        """Return once nothing at all is told for so long; TimeoutError if it never is."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(TimeoutError):
                while True:
                    async with asyncio.timeout(seconds):
                        assert await self._next() is not None, "panoramisk ended"

    async def rest(self, seconds: float) -> None:
        """Take what is told for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self._next() is not None:
                    pass

    async def _next(self) -> Told | None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.startswith(b"{"):
                self.told.append(json.loads(line))
                return self.told[-1]
            self.text += line.decode(errors="replace")
        return None


@contextlib.asynccontextmanager
async def panoramisk_alone(name: str, port: int) -> AsyncIterator[Alone]:
    """Run one defect of panoramisk against, or listening on, a port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("panoramisk_alone.py")),
        name,
        str(port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Alone(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
