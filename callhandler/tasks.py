"""Named, guarded tasks: the only place that makes one. A task that dies says so and brings the daemon down in good order."""

import asyncio
from collections.abc import Callable, Coroutine

import structlog

log = structlog.get_logger(__name__)
_ASK_AGAIN = 10.0
"""Seconds after which a task that hasn't ended is cancelled again: more than any takes for its last words."""


class Tasks:
    """The long-lived tasks of the daemon."""

    def __init__(self, on_death: Callable[[str], None]) -> None:
        """Call `on_death` with a task's name when it ends without having been told to."""
        self._on_death = on_death
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def start(self, name: str, work: Coroutine[object, object, None]) -> None:
        """Start `work` under a name that is unique among those running."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._done)

    async def stop(self) -> None:
        """Cancel all tasks, the youngest first, and wait for each to end."""
        self._stopping = True
        for task in reversed(list(self._tasks.values())):
            while not task.done():  # a library may keep a cancelling to itself (see heed_cancelling)
                task.cancel()
                await asyncio.wait({task}, timeout=_ASK_AGAIN)

    def _done(self, task: asyncio.Task[None]) -> None:
        name = task.get_name()
        self._tasks.pop(name, None)
        if self._stopping:
            return
        error = None if task.cancelled() else task.exception()  # cancelled by nobody here: dead all the same
        log.error("a task died", task=name, exc_info=error)
        self._on_death(name)


def heed_cancelling() -> None:
    """Raise the CancelledError that a library's wait_for kept to itself: on Python 3.11 one whose answer came in the same moment does."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
