"""MQTT brokers and mail servers that are away, slow or lying: no call notices, no event that fits the queue is lost, mail arrives once.

They lie in bytes that are no MQTT and no SMTP, and in good MQTT and SMTP: promises broken and messages taken for others.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from callhandler.control.client import Client
from callhandler.core.events import MessageLeft
from callhandler.core.views import PublisherView
from callhandler.daemon import Daemon
from callhandler.publish import mail, mqtt
from tests.edge.postbox import Postbox, serving
from tests.edge.waiting import PATIENCE, until
from tests.edge.whole import ask, caller, edit, running, waiting
from tests.ports import free_port

from . import lying_broker
from .chance import heartbeat

MOST_STALL = 0.2
Lie = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection, and that is all."""
    await reader.read()


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lets everyone go at once."""


async def talks_rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says what no such server says."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1_000):
            writer.write(b"\xff\x00\r\n250 OK\r\nHTTP/1.0 200 OK\r\n" * 10)
            await writer.drain()


async def never_stops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One line without an end."""
    with contextlib.suppress(ConnectionError):
        for _ in range(2_000):
            writer.write(b"220-" + b"x" * 10_000)
            await writer.drain()
            await asyncio.sleep(0.001)


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A letter at a time."""
    with contextlib.suppress(ConnectionError):
        for letter in b"220 " + b"y" * 10_000:
            writer.write(bytes([letter]))
            await asyncio.sleep(0.05)


async def says_yes_and_forgets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets well, takes all commands, and goes away before the end: nothing was promised."""
    with contextlib.suppress(ConnectionError):
        writer.write(b"220 test\r\n")
        for _ in range(4):
            if not await reader.readline():
                return
            writer.write(b"250 OK\r\n")


async def _talks_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: dict[bytes, bytes]) -> None:
    """Answers commands by their first four letters, `.` among them; goes away at the first that it has no reply to."""
    writer.write(b"220 test\r\n")
    text = False
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            word = line[:4].upper().strip() if not text or line == b".\r\n" else b""
            if not word:
                continue
            text = word == b"DATA"
            if word not in replies:
                return
            writer.write(replies[word])
            await writer.drain()


GREETED = {b"EHLO": b"250 test\r\n", b"MAIL": b"250 OK\r\n", b"RCPT": b"250 OK\r\n", b"DATA": b"354 go on\r\n"}


async def takes_a_letter_and_goes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Goes away at the letter's end, without a word: nothing was promised."""
    await _talks_smtp(reader, writer, GREETED)


async def goes_at_the_letter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says yes to everything before it."""
    await _talks_smtp(reader, writer, {word: reply for word, reply in GREETED.items() if word != b"DATA"})


async def promises_and_goes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the letter on itself (RFC 5321, 6.1), then goes away without goodbye: it must not get it, nor anybody, again."""
    await _talks_smtp(reader, writer, GREETED | {b".": b"250 kept\r\n"})


LIES: tuple[Lie | None, ...] = (
    None,
    says_nothing,
    closes,
    talks_rubbish,
    never_stops,
    drips,
    says_yes_and_forgets,
    goes_at_the_letter,
    takes_a_letter_and_goes,
)


@contextlib.asynccontextmanager
async def lying(port: int, lie: Lie | None) -> AsyncIterator[None]:
    """A server on a port that lies; None: nobody listens there."""
    if lie is None:
        yield
        return
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await lie(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def left(number: int) -> MessageLeft:
    """A message that is to be mailed."""
    file = f"var/messages/pbx1-5.{number}.wav"
    return MessageLeft(at=1.0, call=f"pbx1-5.{number}", queue="sales", file=file, seconds=5.0, number="+4930")


@pytest.fixture
def told(site: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """The site tells a broker and a mail server on these ports, and tries again soon."""
    monkeypatch.setattr(mail, "_DEADLINE", 0.5)
    monkeypatch.setattr(mail, "_MOST_BACK_OFF", 0.1)
    monkeypatch.setattr(mail.MailPublisher.__init__, "__defaults__", (0.05,))
    monkeypatch.setattr(mqtt, "_DEADLINE", 0.3)
    monkeypatch.setattr(mqtt, "_FIRST_BACK_OFF", 0.05)
    monkeypatch.setattr(mqtt, "_MOST_BACK_OFF", 0.1)
    mqtt_port, mail_port = free_port(), free_port()
    edit(
        site,
        "[speech]",
        f"[mqtt]\nport = {mqtt_port}\n[mail]\nport = {mail_port}\ntls = 'none'\n"
        "sender = 'calls@example.org'\nto = 'all@example.org'\n[speech]",
    )
    return mqtt_port, mail_port


async def a_call_and_a_message(site: Path, daemon: Daemon, number: int) -> None:
    """Something to be told: somebody calls and waits, and a message was left."""
    daemon.switchboard.record(left(number))
    async with asyncio.timeout(15), caller(site, call=f"pbx1-1.{number}"):
        await waiting(daemon, f"pbx1-1.{number}")


async def all_told(port: int, count: int) -> None:
    """The broker is honest again, and is told each event, in order: once, but for those whose word of thanks came late."""
    async with lying_broker.broker(port, lying_broker.honest) as good:

        def calls(kind: str) -> list[object]:
            return list(dict.fromkeys(event["call"] for event in good.events if event["kind"] == kind))

        await until(lambda: len(calls("MessageLeft")) == len(calls("CallArrived")) == count)
        assert calls("MessageLeft") == [f"pbx1-5.{number}" for number in range(count)]
        assert calls("CallArrived") == [f"pbx1-1.{number}" for number in range(count)]


async def test_no_call_notices_and_nothing_is_lost(site: Path, told: tuple[int, int]) -> None:
    mqtt_port, mail_port = told
    async with running(site) as daemon:
        for number, lie in enumerate(LIES):
            async with lying(mqtt_port, lie), lying(mail_port, lie), heartbeat() as heart:
                await a_call_and_a_message(site, daemon, number)
                await asyncio.sleep(0.6)
                seen = {one.name: one for one in (await ask(site, Client.status)).publishers}
                assert seen["mail"].kept >= number, "kept, but for the one that is on its way"
                assert kept(seen["mqtt"]) > 0
            assert heart.worst < MOST_STALL, heart.worst
        box = Postbox()
        async with serving(mail_port, box):
            await until(lambda: len(box.letters) == len(LIES))
            await asyncio.sleep(0.1)
        await all_told(mqtt_port, len(LIES))
    ids = [str(letter["Message-ID"]) for letter in box.letters]
    assert len(set(ids)) == len(ids) == len(LIES), "each once"


async def test_a_broker_that_lies_in_good_mqtt(site: Path, told: tuple[int, int]) -> None:
    mqtt_port, _ = told
    async with running(site) as daemon:
        for number, lie in enumerate(lying_broker.LIES):
            async with lying_broker.broker(mqtt_port, lie) as liar, heartbeat() as heart:
                await a_call_and_a_message(site, daemon, number)
                await until(lambda liar=liar: liar.connections > 2 and liar.messages > 1)  # lied to, it came again
            assert heart.worst < MOST_STALL, heart.worst
        await all_told(mqtt_port, len(lying_broker.LIES))


async def test_a_letter_that_was_promised_is_not_sent_again(site: Path, told: tuple[int, int]) -> None:
    _, mail_port = told
    promised = asyncio.Event()

    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await promises_and_goes(reader, writer)
        promised.set()

    async with running(site) as daemon:
        async with lying(mail_port, lie), asyncio.timeout(PATIENCE):
            daemon.switchboard.record(left(0))
            await promised.wait()
        box = Postbox()
        async with serving(mail_port, box):
            daemon.switchboard.record(left(1))
            await until(lambda: box.letters)
            await asyncio.sleep(0.3)
    (letter,) = box.letters
    assert "pbx1-5.1" in str(letter.get_body())


def kept(view: PublisherView) -> int:
    """How many events wait for a broker that can't be had."""
    assert not view.connected
    return view.kept
