"""Runs what may block or hang with a hard end: the caller goes on, and the thread dies with the program."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Running(Generic[T]):
    """A function under way in a thread of its own, which never keeps the program from ending."""

    def __init__(self, name: str, seconds: float, function: Callable[[], T], otherwise: T) -> None:
        """Start `function`. `otherwise` is its result when it isn't done `seconds` from now."""
        self._function = function
        self._result = otherwise
        self._error: BaseException | None = None
        self._until = time.monotonic() + seconds
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            result = self._function()
        except BaseException as error:  # handed to whoever waits for the result
            self._error = error
        else:
            self._result = result

    def result(self) -> T:
        """Return the function's result, or the stand-in when its time is over. Raises what the function raised."""
        self._thread.join(max(0.0, self._until - time.monotonic()))
        if not self._thread.is_alive() and self._error is not None:
            raise self._error
        return self._result
