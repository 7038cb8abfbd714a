"""The FastAGI server: takes connections from Asterisk, reads the header block within limits, runs the handler beside the session.

Whoever connects and says nothing, too much or nonsense, or doesn't know the site's key, is let go and harms no one.
Must not know what calls are.
"""

import asyncio
import ipaddress
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import cast

import structlog

from callhandler.asterisk import agi_key
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import AgiEnvironment, AgiTextError, environment
from callhandler.errors import CallerGone

log = structlog.get_logger(__name__)
Handler = Callable[[AgiSession], Coroutine[object, object, None]]
_BLANK = re.compile(rb"(?:\A|\n)\r?\n")


@dataclass(frozen=True, slots=True)
class AgiLimits:
    """How much a peer may ask. `peers` are addresses or networks that may connect besides loopback."""

    header_bytes: int = 16_384
    header_lines: int = 128
    header_seconds: float = 5.0
    sessions: int = 4_000
    peers: tuple[str, ...] = ()


class AgiServer:
    """Listens for FastAGI; each session has a task of its own in which `handler` runs. When it returns, the dialplan goes on."""

    def __init__(
        self,
        host: str,
        port: int,
        key: str,
        handler: Handler,
        limits: AgiLimits | None = None,
        unproven: Callable[[], None] = lambda: None,
    ) -> None:
        """Take where to listen, the site's key (`agi_key`), the handler, and whom to tell once that sessions came without the key."""
        self._host, self._port = host, port
        self._key = key
        self._handler = handler
        self._unproven: Callable[[], None] | None = unproven
        self.limits = limits or AgiLimits()
        self._peers = [ipaddress.ip_network(peer, strict=False) for peer in self.limits.peers]
        self._server: asyncio.Server | None = None
        self.open: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The port listened on; tells which one it became when it was given as 0."""
        return self._port

    @property
    def sessions(self) -> int:
        """How many connections are open now."""
        return len(self.open)

    async def start(self) -> None:
        """Listen. Raises OSError when the port can't be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self._host, self._port, backlog=1_024)
        self._port = self._server.sockets[0].getsockname()[1]

    def stop_accepting(self) -> None:
        """Take no new sessions: the dialplan finds nobody and does what it does then. Running ones go on."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """End every session: handlers are cancelled, callers go on in the dialplan."""
        self.stop_accepting()
        await asyncio.gather(*(connection.cancelled() for connection in list(self.open)))

    # --- what a connection asks of its server -----------------------------------------------------------------------

    def welcomes(self, peer: tuple[str, int] | None) -> bool:
        """Tell whether one more connection, from there, may stay."""
        if not peer:
            return False
        address = ipaddress.ip_address(peer[0].partition("%")[0])
        if not address.is_loopback and not any(address in network for network in self._peers):
            log.warning("an AGI connection from a stranger", peer=peer[0])
            return False
        if len(self.open) >= self.limits.sessions:
            log.error("too many AGI sessions", most=self.limits.sessions)
            return False
        return True

    def is_proven(self, env: AgiEnvironment) -> bool:
        """Tell whether a session comes with the site's key."""
        if agi_key.is_right(env.key, self._key):
            return True
        if self._unproven is not None:  # once: an old dialplan asks again every few seconds, for each of its callers
            tell, self._unproven = self._unproven, None
            log.error(
                "an AGI session without this site's key was refused; more of them are not told", script=env.script
            )
            tell()
        return False

    async def serve(self, session: AgiSession) -> None:
        """Run the handler of a session to its end, whatever it does."""
        try:
            await self._handler(session)
        except CallerGone:
            pass
        except Exception:
            log.exception("a call's script failed", call=session.env.uniqueid)
        finally:
            session.end("the script is over")


class _Connection(asyncio.Protocol):
    """One connection: its header block within limits and time, then the session's lines. No streams: a call's lines are few and short,
    and waiting for each of them in a task cost more than what is done with them."""

    def __init__(self, server: AgiServer) -> None:
        self._server = server
        self._head = bytearray()
        self._peer = ""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._session: AgiSession | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the peer in, or not."""
        self._transport = cast("asyncio.Transport", transport)
        peer: tuple[str, int] | None = transport.get_extra_info("peername")
        if not self._server.welcomes(peer):
            self._transport.abort()
            return
        self._server.open.add(self)
        self._peer = peer[0] if peer else ""
        seconds = self._server.limits.header_seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._unusable, "too slow")

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._session is not None:
            self._session.feed(data)
        elif self._timer is not None:
            self._header(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no more; a session's channel is no longer ours."""
        if self._timer is not None:
            self._timer.cancel()
        if self._session is not None:
            self._session.end("Asterisk closed the session" if exc is None else "the session broke")
        if self._task is None or self._task.done():
            self._server.open.discard(self)

    async def cancelled(self) -> None:
        """Cancel the handler, and return when it has ended."""
        if self._task is None:
            self._close()
        elif self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _header(self, data: bytes) -> None:
        known = len(self._head)
        self._head += data
        limits = self._server.limits
        end = _BLANK.search(self._head, max(0, known - 2))
        head = bytes(self._head if end is None else self._head[: end.start()])
        if end is None:  # what may become the block's end doesn't count: cut anywhere, the same blocks are too long
            head = head.removesuffix(b"\r").removesuffix(b"\n")
        if len(head) > limits.header_bytes or head.count(b"\n") >= limits.header_lines:
            self._unusable("too long a header block")
        elif end is not None:
            try:
                env = environment([line.rstrip(b"\r") for line in head.split(b"\n")])
            except AgiTextError as error:
                self._unusable(str(error))
            else:
                self._begin(env, bytes(self._head[end.end() :]))

    def _begin(self, env: AgiEnvironment, rest: bytes) -> None:
        self._stop_timer()
        if self._transport is None or not self._server.is_proven(env):
            self._close()
            return
        self._session = AgiSession(self._transport, env)
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._server.serve(self._session), name=f"agi {env.uniqueid}")
        self._task.add_done_callback(lambda _: self._server.open.discard(self))
        if rest:
            self._session.feed(rest)

    def _unusable(self, reason: str) -> None:
        self._stop_timer()
        log.warning("an AGI connection without a usable header block", peer=self._peer, reason=reason)
        self._close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._stop_timer()
        self._server.open.discard(self)
        if self._transport is not None:
            self._transport.close()
