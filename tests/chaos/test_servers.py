"""MQTT brokers and mail servers that are away, slow or lying: no call notices, no event that fits the queue is lost, mail arrives once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from callhandler.control.client import Client
from callhandler.core.events import MessageLeft
from callhandler.core.views import PublisherView
from callhandler.publish import mail
from tests.edge.postbox import Postbox, serving
from tests.edge.waiting import until
from tests.edge.whole import ask, caller, edit, running, waiting
from tests.ports import free_port

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


LIES: tuple[Lie | None, ...] = (
    None,
    says_nothing,
    closes,
    talks_rubbish,
    never_stops,
    drips,
    says_yes_and_forgets,
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


async def test_no_call_notices_and_nothing_is_lost(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_DEADLINE", 0.5)
    monkeypatch.setattr(mail, "_MOST_BACK_OFF", 0.1)
    monkeypatch.setattr(mail.MailPublisher.__init__, "__defaults__", (0.05,))
    mqtt_port, mail_port = free_port(), free_port()
    edit(
        site,
        "[speech]",
        f"[mqtt]\nport = {mqtt_port}\n[mail]\nport = {mail_port}\ntls = 'none'\n"
        "sender = 'calls@example.org'\nto = 'all@example.org'\n[speech]",
    )
    async with running(site) as daemon:
        for number, lie in enumerate(LIES):
            async with lying(mqtt_port, lie), lying(mail_port, lie), heartbeat() as heart:
                daemon.switchboard.record(left(number))
                async with asyncio.timeout(15), caller(site, call=f"pbx1-1.{number}"):
                    await waiting(daemon, f"pbx1-1.{number}")
                await asyncio.sleep(0.6)
                seen = {one.name: one for one in (await ask(site, Client.status)).publishers}
                assert seen["mail"].kept >= number, "kept, but for the one that is on its way"
                assert kept(seen["mqtt"]) > 0
            assert heart.worst < MOST_STALL, heart.worst
        box = Postbox()
        async with serving(mail_port, box):
            await until(lambda: len(box.letters) == len(LIES))
            await asyncio.sleep(0.1)
    ids = [str(letter["Message-ID"]) for letter in box.letters]
    assert len(set(ids)) == len(ids) == len(LIES), "each once"


def kept(view: PublisherView) -> int:
    """How many events wait for a broker that can't be had."""
    assert not view.connected
    return view.kept
