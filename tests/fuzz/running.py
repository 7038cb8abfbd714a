"""What targets that need an event loop run in: one of virtual time, so that a deadline of ours costs nothing and is seen to be kept.

Also the log while fuzzing: said to nobody, but for errors, which are failures of the input that caused them.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, MutableMapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import looptime
import structlog

T = TypeVar("T")
_FOR_EVER = 86_400.0
"""Seconds of virtual time; the longest deadline of ours is a quarter of an hour."""
_errors: list[str] = []
_ends: list[Callable[[], None]] = []


def at_end(what: Callable[[], None]) -> None:
    """Have something cleared away when the targets have been run."""
    _ends.append(what)


@cache
def loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all targets."""
    made = looptime.new_event_loop()
    at_end(made.close)
    at_end(loop.cache_clear)
    return made


def run(coroutine: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end. Raises TimeoutError, at once, for one that waits for what never comes."""
    return loop().run_until_complete(_bounded(coroutine))


async def _bounded(coroutine: Coroutine[object, object, T]) -> T:
    async with asyncio.timeout(_FOR_EVER):
        return await coroutine


@cache
def folder() -> Path:
    """Return a folder in memory for files that only exist to be read."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="callhandler-fuzz-", dir=memory if memory.is_dir() else None))
    at_end(partial(shutil.rmtree, made))
    at_end(folder.cache_clear)
    return made


def file(name: str, data: bytes) -> Path:
    """Write a file for the code under test to read."""
    path = folder() / name
    path.write_bytes(data)
    return path


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the log from being written, and note its exceptions; clear away what targets made."""
    before = structlog.get_config()
    structlog.configure(processors=[_note], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
        while _ends:
            _ends.pop()()


def exceptions() -> list[str]:
    """Return what was logged as an exception since the last time: code that caught what it should not have had to."""
    found = _errors.copy()
    _errors.clear()
    return found


def _note(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    if event.get("exc_info"):
        _errors.append(f"{event.get('event')}: {sys.exc_info()[1]!r}")
    raise structlog.DropEvent
