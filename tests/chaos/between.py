"""A TCP proxy before the real Asterisk's AMI: it can be cut, stuck and slow. Of AMI it knows where an action is named."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_SMALL = 4_096
"""Bytes of a slow reader's receive buffer: what Asterisk can't get rid of soon fills its own."""


class Between:
    """The proxy. Each fault is asked for, and lasts until `mend`, but for a link that is stuck or cut: that one is lost for good."""

    def __init__(self, asterisk: tuple[str, int]) -> None:
        self.connections = 0
        self.cuts: list[str] = []
        self._asterisk = asterisk
        self._cut_at: list[tuple[str, bool]] = []
        self._slow = 0.0
        self._stuck: set[int] = set()
        self._open: dict[int, tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- faults -------------------------------------------------------------------------------------------------------

    def cut_at(self, action: str, *, arrives: bool) -> None:
        """Cut the link at the next action of a name, before its answer comes back; whether Asterisk gets the action is `arrives`."""
        self._cut_at.append((action, arrives))

    def stick(self) -> None:
        """Nothing goes either way any more on the link that is there, and nobody is told: half-open."""
        self._stuck |= set(self._open)

    def slow(self, pause: float) -> None:
        """From now on read some hundred bytes of what Asterisk says, then pause for so many seconds."""
        self._slow = pause
        self.drop()

    def mend(self) -> None:
        """Be a good link again, from the next connection on."""
        self._cut_at.clear()
        self._slow = 0.0

    def drop(self) -> None:
        """Cut all connections."""
        for number in list(self._open):
            self._end(number)

    # --- the proxy ----------------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection of the daemon's."""
        self.connections += 1
        number = self.connections
        upstream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        upstream.setblocking(False)
        if self._slow:
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        try:
            await asyncio.get_running_loop().sock_connect(upstream, self._asterisk)
        except OSError:
            upstream.close()
            writer.transport.abort()
            return
        theirs, to_them = await asyncio.open_connection(sock=upstream, limit=_SMALL)
        self._open[number] = (writer, to_them)
        for name, way in (("up", self._up(number, reader, to_them)), ("down", self._down(number, theirs, writer))):
            task = asyncio.get_running_loop().create_task(way, name=f"AMI {number} {name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _up(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the daemon says, an action at a time."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                action = await reader.readuntil(b"\r\n\r\n")
                if number in self._stuck:
                    continue
                fault = self._fault(action)
                if fault is None or fault[1]:
                    writer.write(action)
                if fault is not None:
                    self.cuts.append(fault[0])
                    self._stuck.add(number)  # no answer comes back
                    await writer.drain()
                    await asyncio.sleep(0.02)
                    break
        self._end(number)

    def _fault(self, action: bytes) -> tuple[str, bool] | None:
        found = re.match(rb"Action: (\w+)", action)
        name = found[1].decode() if found else ""
        for fault in self._cut_at:
            if fault[0] == name:
                self._cut_at.remove(fault)
                return fault
        return None

    async def _down(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What Asterisk says."""
        slow = self._slow
        with suppress(OSError):
            while data := await reader.read(256 if slow else 65_536):
                if number not in self._stuck:
                    writer.write(data)
                    await writer.drain()
                await asyncio.sleep(slow)
        if number not in self._stuck:
            self._end(number)

    def _end(self, number: int) -> None:
        for writer in self._open.pop(number, ()):
            writer.transport.abort()


@asynccontextmanager
async def between(port: int, asterisk: tuple[str, int]) -> AsyncIterator[Between]:
    """A proxy on a port of loopback."""
    made = Between(asterisk)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    try:
        yield made
    finally:
        server.close()
        made.drop()
        await asyncio.sleep(0.1)
