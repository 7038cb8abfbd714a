"""A private Asterisk without a daemon, and those who use it in tests: a caller, a phone, a few lines of AGI, an AMI user."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from callhandler.asterisk.pbx.get import AsteriskProgram
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.site.loading import LoadedSite
from tests.live.sip_text import Ear, Plan, TextPhone, ear, first_line, header

Environment = dict[str, str]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Environment], Awaitable[None]]
Act = Callable[..., Awaitable[str]]


@contextlib.asynccontextmanager
async def running(loaded: LoadedSite, program: AsteriskProgram) -> AsyncIterator[AsteriskProcess]:
    asterisk = AsteriskProcess(loaded, program)
    await asterisk.start()
    try:
        yield asterisk
    finally:
        await asterisk.stop()


def troubles(asterisk: AsteriskProcess) -> list[str]:
    return [line for line in asterisk.log.read_text().splitlines() if re.search(r"\] (WARNING|ERROR)\[", line)]


async def until(true: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - Asterisk is watched from outside
            await asyncio.sleep(0.02)


class Away:
    """A stand-in for the daemon that can be there or not; it counts the calls that ask for it."""

    def __init__(self, port: int, script: Script) -> None:
        self.seen: list[Environment] = []
        self.times: list[float] = []
        self._port = port
        self._script = script

    async def __aenter__(self) -> "Away":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        environment = {}
        while line := (await reader.readline()).strip().decode():
            key, _, value = line.partition(": ")
            environment[key] = value
        self.seen.append(environment)
        self.times.append(time.monotonic())
        with contextlib.suppress(ConnectionError):
            await self._script(reader, writer, environment)
        writer.close()


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> str:
    writer.write(command.encode() + b"\n")
    return (await reader.readline()).decode().strip()


class Caller:
    """Somebody who calls over the trunk and sees the answers."""

    def __init__(self, loaded: LoadedSite) -> None:
        self.address = ("127.0.0.1", loaded.site.asterisk.sip_port)
        self.phone = TextPhone()
        self._ear: Ear | None = None
        self._call = b""

    async def __aenter__(self) -> "Caller":
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self.phone, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()
        if self._ear is not None and self._ear.transport is not None:
            self._ear.transport.close()

    def call(self, number: str, user: str = "4930123456") -> None:
        self._call = self.phone.invite(number.encode(), b"Jo", user.encode(), self.address)

    def hang_up(self) -> None:
        self.phone.hang_up(self._call, self.address)

    async def with_audio(self) -> None:
        """Take audio, too, on any port."""
        self._ear = await ear(0)
        assert self._ear.transport is not None
        self.phone.rtp = self._ear.transport.get_extra_info("sockname")[1]

    def hears(self) -> bool:
        return self._ear is not None and len(self._ear.heard) > 0

    def press(self, key: str, way: str) -> None:
        """Press a key: as RTP events (RFC 4733) or by SIP INFO."""
        if way == "rfc4733":
            assert self._ear is not None
            self._ear.press(key)
            return
        head = self.phone.dialogs[self._call]
        body = b"Signal=%s\r\nDuration=160\r\n" % key.encode()
        lines = [
            b"INFO sip:x@127.0.0.1:%d SIP/2.0" % self.address[1],
            b"Via: " + header(head, b"Via") + b"info",
            b"From: " + header(head, b"From"),
            b"To: " + header(head, b"To"),
            b"Call-ID: " + self._call,
            b"CSeq: 2 INFO",
            b"Max-Forwards: 70",
            b"Content-Type: application/dtmf-relay",
            b"Content-Length: %d" % len(body),
            b"",
            body,
        ]
        self.phone.send(b"\r\n".join(lines), self.address)

    def statuses(self) -> list[str]:
        return [first_line(data).decode()[8:11] for data in self.phone.seen if data.startswith(b"SIP/2.0 ")]

    async def until(self, status: str, seconds: float) -> None:
        await until(lambda: status in self.statuses(), seconds)

    def hung_up_on(self) -> bool:
        return any(data.startswith(b"BYE ") for data in self.phone.seen)


class Phone:
    """A desk phone at a port of its own that needn't register: it rings and is answered, each after `pause` seconds."""

    def __init__(self, port: int, pause: float = 0.1) -> None:
        self.text = TextPhone(Plan((b"180 Ringing", b"200 OK"), pause))
        self._port = port

    async def __aenter__(self) -> "Phone":
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self.text, local_addr=("127.0.0.1", self._port)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def call(self, number: str, user: str, port: int) -> None:
        self.text.invite(number.encode(), b"Desk", user.encode(), ("127.0.0.1", port))

    def rung(self) -> bool:
        return any(data.startswith(b"INVITE ") for data in self.text.seen)

    def hung_up_on(self) -> bool:
        return any(data.startswith(b"BYE ") for data in self.text.seen)


@contextlib.asynccontextmanager
async def ami(loaded: LoadedSite) -> AsyncIterator[Act]:
    place = loaded.site.asterisk
    reader, writer = await asyncio.open_connection(place.ami_host, place.ami_port)
    await reader.readline()

    async def act(action: str, *headers: str) -> str:
        writer.write("\r\n".join([f"Action: {action}", "ActionID: 1", *headers, "", ""]).encode())
        while True:
            message = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
            if message.startswith("Response:") and "ActionID: 1" in message:
                return message

    secret = place.ami_secret.get_secret_value()
    assert "Success" in await act("Login", f"Username: {place.ami_user}", f"Secret: {secret}", "Events: off")
    try:
        yield act
    finally:
        writer.close()
        await writer.wait_closed()
