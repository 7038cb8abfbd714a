"""The control API on its Unix socket, inside the daemon's event loop: started and stopped by plain calls.

One daemon a socket: a lock file beside it says whose it is, so a socket left behind by a crash is replaced and a second
daemon is refused. Knows nothing of what is asked over it.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from callhandler.control.api import build
from callhandler.control.desk import Desk
from callhandler.control.paths import reachable
from callhandler.control.peer import peer_of
from callhandler.control.streams import Streams
from callhandler.errors import Refused

_MOST_CONNECTIONS = 100
_FIRST_REQUEST = 10.0
"""Seconds a new connection has for its first request."""
_MODE = 0o660


class Server:
    """The control API of one daemon. `start()` raises Refused when another daemon already has the socket."""

    def __init__(self, desk: Desk, path: Path) -> None:
        """Take whom to ask and where to listen."""
        self._path = path
        self._streams = Streams()
        self._app = build(desk, self._streams)
        self._server: uvicorn.Server | None = None
        self._socket: socket.socket | None = None
        self._lock: int | None = None

    async def start(self) -> None:
        """Listen. Refused when another daemon is here, or what lies at the path is no socket."""
        self._lock = _take(self._path)
        try:
            self._socket = _listen(self._path)
        except BaseException:
            self._let_go()
            raise
        config = uvicorn.Config(
            self._app,
            http=_protocol(self._socket_group),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=2,
        )
        config.load()
        self._streams.begin()
        self._server = uvicorn.Server(config)
        # Not serve(): it takes over the signals, which are the daemon's, and polls ten times a second for nothing.
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self._socket])

    async def stop(self) -> None:
        """Stop listening, end live streams, let requests under way finish (2 s at most), leave nothing behind."""
        if self._server is not None and self._socket is not None:
            self._streams.end()
            await self._server.shutdown(sockets=[self._socket])
            self._server = self._socket = None
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
        self._let_go()

    def _socket_group(self) -> int:
        return self._path.stat().st_gid

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def refuse_second(path: Path) -> None:
    """Raise Refused when a daemon has this socket, and touch nothing: for what a daemon writes before it listens there."""
    with contextlib.suppress(FileNotFoundError):
        os.close(_locked(path, os.O_RDWR))


def _take(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _locked(path, os.O_RDWR | os.O_CREAT)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _locked(path: Path, how: int) -> int:
    lock = os.open(path.with_name(f"{path.name}.lock"), how | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise Refused(f"another daemon (process {holder}) already runs for this site: it holds {path}") from None
    return lock


def _listen(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Refused(f"{path} exists and is no socket: name another [daemon] socket, or move that file away")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reachable(path) as short:
            before = os.umask(0o777 & ~_MODE)
            try:
                listener.bind(short)
            finally:
                os.umask(before)
        path.chmod(_MODE)
        listener.listen(_MOST_CONNECTIONS)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _protocol(group: Callable[[], int]) -> type[H11Protocol]:
    class Protocol(H11Protocol):
        """uvicorn's, which also looks at who connects, and lets nobody hold a connection without a request."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own narrowing
            super().connection_made(transport)
            peer = peer_of(transport.get_extra_info("socket"))
            self.app_state: dict[str, Any] = {"peer": peer if peer.may_enter(group()) else None}
            self.timeout_keep_alive_task = self.loop.call_later(_FIRST_REQUEST, self.timeout_keep_alive_handler)

    return Protocol
