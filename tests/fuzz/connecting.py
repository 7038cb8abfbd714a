"""The control API's Unix socket: any bytes at all, to the real server in a thread of its own."""

import asyncio
import logging
import shutil
import socket
import tempfile
import threading
from functools import cache
from pathlib import Path

from callhandler.control.desk import Desk
from callhandler.control.server import Server
from tests.fuzz.engine import Target
from tests.fuzz.running import at_end
from tests.unit.control.fake_desk import FakeDesk

_PATIENCE = 15.0
"""Seconds: the server lets go of a connection without a request after 10."""
_GOOD = b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class _Failures(logging.Handler):
    """Notes what uvicorn logs with a traceback: an application that failed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.seen.append(record.getMessage())


class Served:
    """A server that listens, and asks `desk`, until it is stopped."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.folder = Path(tempfile.mkdtemp(prefix="callhandler-fuzz-"))
        self.path = self.folder / "s"
        self.failures = _Failures()
        logging.getLogger("uvicorn.error").addHandler(self.failures)
        self._up, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._up.wait(_PATIENCE)

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: self.failures.seen.append(str(told)))
        server = Server(self._desk, self.path)
        await server.start()
        self._up.set()
        await asyncio.to_thread(self._over.wait)
        await server.stop()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(_PATIENCE)
        logging.getLogger("uvicorn.error").removeHandler(self.failures)
        shutil.rmtree(self.folder)


@cache
def _served() -> Served:
    served = Served(FakeDesk())
    at_end(served.stop)
    at_end(_served.cache_clear)
    return served


def http(data: bytes) -> None:
    """Any bytes are answered in HTTP or not at all, the connection ends in time, and the next one is served."""
    served = _served()
    answer = _told(served.path, data)
    assert answer[:9] in (b"HTTP/1.1 ", b""), answer
    assert b" 500 " not in answer[:20]
    assert served.failures.seen == []
    if data[:1] == b"x":
        assert _told(served.path, _GOOD).startswith(b"HTTP/1.1 200 ")


def _told(path: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect(str(path))
        answer = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server had heard enough
        return answer


_HTTP = (
    b"GET ", b"POST ", b"HEAD ", b"PUT ", b"/v1/status", b"/v1/facts", b"/v1/calls", b"/v1/agents/7001/pause", b"/v1/emergency/close",
    b" HTTP/1.1\r\n",
    b" HTTP/1.0\r\n", b" HTTP/9.9\r\n", b"Host: x\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"\r\n\r\n", b"Content-Length: 15\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"Expect: 100-continue\r\n", b"Content-Type: application/json\r\n", b'{"reason":"tea"}', b"%00", b"?a=b", b"#",
    b"X: " + b"y" * 500 + b"\r\n",
    _GOOD,
)  # fmt: skip

TARGETS = (
    Target("http", "answered in HTTP or not at all, within seconds, never 500, and the next connection is served", http, _HTTP, cost=60),
)  # fmt: skip
