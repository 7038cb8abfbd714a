"""pyst2's AMI client with an end to every wait. Its classes are left as they are; queues of one object of it are replaced.

Defects of pyst2 0.5.1 that are kept from harm here:
- it waits for ever for a greeting or an answer: `_Impatient` gives up;
- a header with `ChanVariable` in its name kills its reader on Python 3 (`dict.has_key`): `_Sifted` takes such lines out first;
- `close()` says goodbye and waits for ever, and `__del__` calls it: it does nothing here, and the socket is shut from outside;
- it doesn't look at ActionIDs: one question at a time, and none after one that wasn't answered;
- actions are written as they come, line ends and all: they are refused here;
- it uses deprecated names of `threading`.
"""

import os
import queue
import socket
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

_ANSWER = 1.5


class PystGone(Exception):
    """No answer came, or the connection is over; in words for a sentence."""


def _nothing() -> None:
    """Stand in for `close()`."""


class _Impatient(queue.Queue):  # type: ignore[type-arg]  # what pyst2 puts in it has no types
    """A queue of answers that nobody waits at for ever."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience

    def get(self, block: bool = True, timeout: float | None = None) -> object:
        """Return the next, or raise queue.Empty."""
        return super().get(block, self._patience if timeout is None else timeout)


class _Sifted(queue.Queue):  # type: ignore[type-arg]  # what pyst2 puts in it has no types
    """A queue of raw messages without the lines that kill pyst2's parser."""

    def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
        """Put a message, a list of lines, or None for the end."""
        if isinstance(item, list):
            item = [line for line in item if "ChanVariable" not in line.partition(":")[0]]
        super().put(item, block, timeout)


class Pyst:
    """One connection. A context manager: whatever happened, its socket and threads are gone after it."""

    def __init__(self, patience: float = _ANSWER) -> None:
        """Import pyst2, which nothing else needs, and make its client. `patience`: seconds that an answer may take."""
        self._patience = patience
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from asterisk.manager import Manager  # noqa: PLC0415 - see above

            self._manager = Manager()
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"asterisk\.manager")
        self._manager._response_queue = _Impatient(patience)
        self._manager._message_queue = _Sifted()
        self._manager.close = _nothing
        self._manager.register_event("*", self._heard)
        self._events: list[dict[str, str]] = []
        self._more = threading.Condition()
        self._fit = True

    def __enter__(self) -> Self:
        """Nothing is open yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything at once, without a goodbye that could hang."""
        manager = self._manager
        if manager._sock is not None:
            with suppress(OSError, ValueError), socket.socket(fileno=os.dup(manager._sock.fileno())) as connection:
                connection.shutdown(socket.SHUT_RDWR)
        manager._connected.clear()
        manager._message_queue.put(None)
        for thread in (manager.message_thread, manager.event_dispatch_thread):
            if thread.ident is not None:
                thread.join(_ANSWER)
        manager._running.clear()
        if manager._sock is not None:
            with suppress(OSError, ValueError):
                manager._sock.close()

    def connect(self, host: str, port: int) -> str:
        """Connect and return the greeting's first part. Raises PystGone when none comes."""
        try:
            self._manager.connect(host, port)
        except queue.Empty:
            raise PystGone("it doesn't greet") from None
        except Exception as error:  # pyst2 raises what it likes
            raise PystGone(f"it can't be spoken to ({error})") from None
        return str(self._manager.title or "")

    def ask(self, action: str, headers: Mapping[str, str]) -> dict[str, str]:
        """Send an action and return the headers of its answer. Raises PystGone when none comes."""
        if not self._fit:
            raise PystGone("an earlier question was not answered")
        words = {"Action": action, **headers}
        if any(character in text for text in words.values() for character in "\r\n\0"):
            raise PystGone(f"{action} holds a line end")
        try:
            answer = self._manager.send_action(words)
        except queue.Empty:
            self._fit = False
            raise PystGone(f"{action} was not answered within {self._patience:g} s") from None
        except Exception as error:  # pyst2 raises what it likes
            self._fit = False
            raise PystGone(f"the connection broke at {action} ({error})") from None
        return {str(name): str(value) for name, value in answer.headers.items()}

    def wait_for(self, names: set[str], seconds: float) -> bool:
        """Wait until each of these events came, at most so long. Returns whether they did."""
        until = time.monotonic() + seconds
        with self._more:
            while not names <= {event.get("Event", "") for event in self._events}:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._more.wait(left)
        return True

    def events(self) -> list[dict[str, str]]:
        """Return the events that came so far, oldest first."""
        with self._more:
            return list(self._events)

    def _heard(self, event: object, manager: object) -> None:
        headers = getattr(event, "headers", {})
        with self._more:
            self._events.append({str(name): str(value) for name, value in headers.items()})
            self._more.notify_all()
