"""A broker of a few lines that speaks MQTT 3.1.1 well enough to lie in it, about what it was sent. Knows no callhandler.

What it says to a message is its lie's to choose; an honest one keeps the messages, in their order.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ = 1, 3, 8, 10, 12
CONNACK, PUBACK, SUBACK, UNSUBACK, PINGRESP = b"\x20\x02\x00\x00", b"\x40\x02", b"\x90", b"\xb0\x02", b"\xd0\x00"
RETAIN = 1

Says = Callable[[int, bool], bytes | None]
"""What is said to a message, from its id and whether it is an event (else a state, which is retained); None: it closes."""


def acknowledged(id_: int) -> bytes:
    """A PUBACK."""
    return PUBACK + id_.to_bytes(2, "big")


def honest(id_: int, event: bool) -> bytes:
    """Says what is so."""
    return acknowledged(id_)


def never_acknowledges(id_: int, event: bool) -> bytes:
    """Takes all, and says nothing of it."""
    return b""


def forgets_events(id_: int, event: bool) -> bytes:
    """Does well with states."""
    return b"" if event else acknowledged(id_)


def takes_one_for_another(id_: int, event: bool) -> bytes:
    """Acknowledges another event than the one that came."""
    return acknowledged(id_ % 65_535 + 1 if event else id_)


def closes_at_a_message(id_: int, event: bool) -> None:
    """Lets everyone in, and goes away at the first word."""


def closes_at_an_event(id_: int, event: bool) -> bytes | None:
    """Does well with states, and goes away at the first event."""
    return None if event else acknowledged(id_)


LIES: tuple[Says, ...] = (
    never_acknowledges,
    forgets_events,
    takes_one_for_another,
    closes_at_a_message,
    closes_at_an_event,
)


@dataclass
class LyingBroker:
    """Answers each message as `says` has it. `events` are those that came, as the facts they are."""

    says: Says
    events: list[dict[str, object]] = field(default_factory=list)
    connections: int = 0
    messages: int = 0
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection, until somebody closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                first = (await reader.readexactly(1))[0]
                answer = self._answer(first >> 4, first & RETAIN == 0, await reader.readexactly(await _length(reader)))
                if answer is None:
                    break
                writer.write(answer)
        writer.transport.abort()

    def _answer(self, kind: int, event: bool, body: bytes) -> bytes | None:
        if kind == PUBLISH:
            self.messages += 1
            start = 2 + int.from_bytes(body[:2], "big")
            if event:
                self.events.append(json.loads(body[start + 2 :]))
            return self.says(int.from_bytes(body[start : start + 2], "big"), event)
        simple = {CONNECT: CONNACK, PINGREQ: PINGRESP, UNSUBSCRIBE: UNSUBACK + body[:2]}
        if kind == SUBSCRIBE:
            granted = _subscriptions(body[2:])
            return SUBACK + bytes([2 + granted]) + body[:2] + b"\x01" * granted
        return simple.get(kind)

    async def end(self) -> None:
        """Let everyone go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)


async def _length(reader: asyncio.StreamReader) -> int:
    """Read the remaining length (MQTT 3.1.1, 2.2.3)."""
    length = shift = 0
    while (byte := (await reader.readexactly(1))[0]) & 0x80:
        length |= (byte & 0x7F) << shift
        shift += 7
    return length | byte << shift


def _subscriptions(body: bytes) -> int:
    """Count the topic filters of a SUBSCRIBE, each with its wanted QoS behind it."""
    count = 0
    while body:
        body, count = body[2 + int.from_bytes(body[:2], "big") + 1 :], count + 1
    return count


@asynccontextmanager
async def broker(port: int, says: Says) -> AsyncIterator[LyingBroker]:
    """A broker on a port of loopback."""
    made = LyingBroker(says)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    try:
        yield made
    finally:
        server.close()
        await made.end()
