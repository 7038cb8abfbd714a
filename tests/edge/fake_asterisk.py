"""A fake Asterisk that speaks the real text on loopback: AMI as a server, FastAGI as a client. It keeps every byte it was sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from callhandler.asterisk.agi_key import key_of
from tests.edge.waiting import PATIENCE, until
from tests.ports import free_port

SECRET = "a-secret-of-16-chars"
KEY = key_of(SECRET)
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
Fields = dict[str, str]
Answer = Callable[[Fields], bytes | None]


def message(**headers: object) -> bytes:
    """One AMI message; underscores in names become hyphens."""
    return b"".join(f"{k.replace('_', '-')}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"


def event(name: str, **headers: object) -> bytes:
    """One AMI event."""
    return message(Event=name, Privilege="call,all", SystemName="pbx1", **headers)


@dataclass
class FakeAmi:
    """An AMI server. `answers` overrides what an action is answered; None stays silent. `booted`: whether FullyBooted comes."""

    channels: list[Fields] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    booted: bool = True
    banner: bytes = BANNER
    actions: list[Fields] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
        self.drop()
        await asyncio.sleep(0.01)

    def drop(self) -> None:
        """Cut every connection at once."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    def send(self, data: bytes) -> None:
        """Send bytes to everyone connected."""
        for writer in self.writers:
            writer.write(data)

    def sent(self, action: str) -> list[Fields]:
        """Every action of a name that came."""
        return [one for one in self.actions if one.get("Action") == action]

    async def until(self, wanted: Callable[[], object]) -> None:
        """Wait until something is true of what came."""
        await until(wanted)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        writer.write(self.banner)
        try:
            while True:
                text = await reader.readuntil(b"\r\n\r\n")
                self.raw += text
                fields = parse(text)
                self.actions.append(fields)
                name = fields.get("Action", "")
                answer = self.answers[name](fields) if name in self.answers else self._answer(name, fields)
                if answer is not None:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    def _answer(self, name: str, fields: Fields) -> bytes:
        same = {"ActionID": fields.get("ActionID", "")}
        good = {"Response": "Success", **same}
        match name:
            case "Login":
                if fields.get("Secret") != SECRET:
                    return message(Response="Error", **same, Message="Authentication failed")
                said = message(**good, Message="Authentication accepted")
                return said + (event("FullyBooted", Status="Fully Booted") if self.booted else b"")
            case "Ping":
                return message(**good, Ping="Pong")
            case "Getvar":
                return message(
                    **good, Variable=fields["Variable"], Value="pbx1" if fields["Variable"] == "SYSTEMNAME" else ""
                )
            case "CoreSettings":
                return message(Response="Error", **same, Message="Permission denied")
            case "Status":
                rows = b"".join(message(Event="Status", **row, **same) for row in self.channels)
                start = message(**good, EventList="start", Message="Channel status will follow")
                return (
                    start
                    + rows
                    + message(Event="StatusComplete", **same, EventList="Complete", ListItems=len(self.channels))
                )
            case "DeviceStateList":
                states = self.devices.items()
                rows = b"".join(message(Event="DeviceStateChange", **same, Device=k, State=v) for k, v in states)
                start = message(**good, EventList="start", Message="Device State Changes will follow")
                return (
                    start
                    + rows
                    + message(Event="DeviceStateListComplete", **same, EventList="Complete", ListItems=len(states))
                )
            case "Originate":
                return message(**good, Message="Originate successfully queued")
            case _:
                return message(**good)


def parse(text: bytes) -> Fields:
    """Headers as Asterisk takes them: a bare LF ends a line as well (get_input), and the last of a name counts here."""
    lines = text.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    return dict(line.split(": ", 1) for line in lines if ": " in line)


@contextlib.asynccontextmanager
async def fake_ami(**settings: object) -> AsyncIterator[FakeAmi]:
    """A fake AMI that is stopped again."""
    fake = FakeAmi(**settings)  # type: ignore[arg-type]  # the fields' own types are checked where they are used
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()


@dataclass
class FakeAgi:
    """Asterisk's side of one FastAGI session."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, text: bytes) -> None:
        """Send bytes."""
        self.writer.write(text)

    async def command(self, seconds: float = PATIENCE) -> bytes:
        """The next command that comes, without its line end; nothing at the end."""
        async with asyncio.timeout(seconds):
            try:
                return (await self.reader.readline()).rstrip(b"\n")
            except ConnectionError:
                return b""

    async def answer(self, text: bytes = b"200 result=0\n") -> bytes:
        """Answer the next command, and return it."""
        got = await self.command()
        self.send(text)
        return got

    async def close(self) -> None:
        """Hang up the connection."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


def header_block(
    *lines: bytes, uniqueid: bytes = b"pbx1-1.1", channel: bytes = b"PJSIP/pstn-00000001", key: str = KEY
) -> bytes:
    """A FastAGI header block; `lines` come before the rest and so count first."""
    rest = [b"agi_network: yes", b"agi_network_script: call", b"agi_channel: " + channel, b"agi_uniqueid: " + uniqueid]
    return b"\n".join(
        [*lines, *rest, b"agi_arg_1: 5000", b"agi_arg_2: pstn", b"agi_arg_3: ", f"agi_arg_4: {key}".encode(), b"", b""]
    )


async def agi_call(port: int, block: bytes | None = None) -> FakeAgi:
    """Connect as Asterisk does for AGI(agi://…)."""
    fake = FakeAgi(*await asyncio.open_connection("127.0.0.1", port))
    fake.send(header_block() if block is None else block)
    return fake
