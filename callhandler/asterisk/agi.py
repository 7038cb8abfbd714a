"""The FastAGI server: takes connections from Asterisk, reads the header block within limits, runs the handler beside the session.

Whoever connects and says nothing, too much or nonsense, or doesn't know the site's key, is let go and harms no one.
Must not know what calls are.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from callhandler.asterisk import agi_key
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import AgiEnvironment, AgiTextError, environment
from callhandler.errors import CallerGone

log = structlog.get_logger(__name__)
Handler = Callable[[AgiSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class AgiLimits:
    """How much a peer may ask. `peers` are addresses or networks that may connect besides loopback."""

    header_bytes: int = 16_384
    header_lines: int = 128
    header_seconds: float = 5.0
    sessions: int = 2_000
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
        self._limits = limits or AgiLimits()
        self._peers = [ipaddress.ip_network(peer, strict=False) for peer in self._limits.peers]
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def port(self) -> int:
        """The port listened on; tells which one it became when it was given as 0."""
        return self._port

    @property
    def sessions(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    async def start(self) -> None:
        """Listen. Raises OSError when the port can't be had."""
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, limit=self._limits.header_bytes, backlog=1_024
        )
        self._port = self._server.sockets[0].getsockname()[1]

    def stop_accepting(self) -> None:
        """Take no new sessions: the dialplan finds nobody and does what it does then. Running ones go on."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """End every session: handlers are cancelled, callers go on in the dialplan."""
        self.stop_accepting()
        tasks = [task for task in self._open if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer = writer.get_extra_info("peername")
        if task is None or not self._welcome(peer):
            writer.close()
            return
        task.set_name(f"agi {peer[1]}")
        self._open[task] = writer
        try:
            if (session := await self._read_header(reader, writer, peer)) is not None:
                task.set_name(f"agi {session.env.uniqueid}")
                await self._serve(session)
        except asyncio.CancelledError:
            # The script has seen it and ended. Swallowed here alone, at the very top of the task: asyncio's streams of
            # Python 3.11 report a connection whose task was cancelled as an error of theirs.
            log.debug("an AGI session was cancelled")
        finally:
            del self._open[task]
            writer.close()

    def _welcome(self, peer: tuple[str, int] | None) -> bool:
        if not peer:
            return False
        address = ipaddress.ip_address(peer[0].partition("%")[0])
        if not address.is_loopback and not any(address in network for network in self._peers):
            log.warning("an AGI connection from a stranger", peer=peer[0])
            return False
        if len(self._open) >= self._limits.sessions:
            log.error("too many AGI sessions", most=self._limits.sessions)
            return False
        return True

    async def _read_header(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: tuple[str, int]
    ) -> AgiSession | None:
        lines: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.header_seconds):
                while (line := await reader.readline()).strip():
                    size += len(line)
                    lines.append(line.rstrip(b"\r\n"))
                    if len(lines) > self._limits.header_lines or size > self._limits.header_bytes:
                        raise AgiTextError("too long a header block")
            if not line:
                return None  # it went away: a port scan, a health check
            env = environment(lines)
            return AgiSession(reader, writer, env) if self._proven(env) else None
        except (OSError, ValueError, TimeoutError, AgiTextError) as error:
            log.warning(
                "an AGI connection without a usable header block", peer=peer[0], reason=str(error) or "too slow"
            )
            return None

    def _proven(self, env: AgiEnvironment) -> bool:
        if agi_key.is_right(env.key, self._key):
            return True
        if self._unproven is not None:  # once: an old dialplan asks again every few seconds, for each of its callers
            tell, self._unproven = self._unproven, None
            log.error(
                "an AGI session without this site's key was refused; more of them are not told", script=env.script
            )
            tell()
        return False

    async def _serve(self, session: AgiSession) -> None:
        async with asyncio.TaskGroup() as group:
            listener = group.create_task(session.listen(), name=f"agi listen {session.env.uniqueid}")
            try:
                await self._handler(session)
            except CallerGone:
                pass
            except Exception:
                log.exception("a call's script failed", call=session.env.uniqueid)
            finally:
                session.end("the script is over")
                listener.cancel()
