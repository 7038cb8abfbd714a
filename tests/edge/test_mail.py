"""Messages by mail to a real SMTP server: what arrives, once each, and what a server that is away or refuses can't do."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from aiosmtplib.protocol import SMTPProtocol
from structlog.testing import capture_logs

from callhandler.core.events import AgentPaused, MessageLeft, MessageMailed
from callhandler.publish.mail import MailPublisher
from callhandler.site.loading import load
from callhandler.site.models import Mail, Site
from callhandler.site.new import example
from callhandler.site.waiting import Encryption
from tests.edge.postbox import Postbox, serving
from tests.edge.waiting import until
from tests.ports import free_port

WAV = b"RIFF" + bytes(range(256)) * 40


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    text = example(15_000, "Acme", "UTC")
    text = text.replace('name = "Sales"\n', 'name = "Sales"\nmail = "sales@example.org"\n')
    text += '\n[mail]\nsender = "calls@example.org"\nto = "all@example.org"\n'
    (tmp_path / "callhandler.toml").write_text(text, encoding="utf-8")
    return load(tmp_path).site


class Office:
    """A publisher at work."""

    def __init__(self, site: Site, port: int, folder: Path, encryption: Encryption = Encryption.NONE) -> None:
        settings = Mail(host="127.0.0.1", port=port, tls=encryption, sender="calls@example.org", to="all@example.org")
        self.mailed: list[MessageMailed] = []
        self.folder = folder
        self.mail = MailPublisher(settings, lambda: site, folder, self.mailed.append, time.time, 0.05)

    def left(self, call: str = "pbx1-1.2", queue: str = "sales", number: str = "+4930", name: str = "Jo") -> None:
        file = Path("var") / "messages" / f"{call}.wav"
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / file).write_bytes(WAV)
        self.mail.publish(
            MessageLeft(at=0.0, call=call, queue=queue, file=str(file), seconds=7.2, number=number, caller_name=name)
        )

    async def __aenter__(self) -> "Office":
        self._task = asyncio.get_running_loop().create_task(self.mail.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_message_with_its_recording(site: Site, port: int, tmp_path: Path) -> None:
    box = Postbox()
    async with serving(port, box), Office(site, port, tmp_path) as office:
        office.mail.publish(AgentPaused(at=0.0, agent="7001", reason="", by="test"))
        office.left()
        office.left("pbx1-3.4", "support")
        await until(lambda: len(office.mailed) == 2)
    assert box.to == ["sales@example.org", "all@example.org"]
    first = box.letters[0]
    assert (first["From"], first["Subject"]) == ("calls@example.org", "Message for Sales from Jo, +4930 (7 s)")
    body = first.get_body()
    assert body is not None
    assert "callhandler inbox done pbx1-1.2" in body.get_content()
    (recording,) = first.iter_attachments()
    assert (recording.get_content_type(), recording.get_filename()) == ("audio/wav", "pbx1-1.2.wav")
    assert recording.get_content() == WAV
    assert [(one.call, one.to) for one in office.mailed] == [
        ("pbx1-1.2", "sales@example.org"),
        ("pbx1-3.4", "all@example.org"),
    ]


async def test_what_callers_say_of_themselves_is_no_header(site: Site, port: int, tmp_path: Path) -> None:
    box = Postbox()
    async with serving(port, box), Office(site, port, tmp_path) as office:
        office.left(number="", name="Eve\r\nBcc: all@evil.example\r\n\r\n<html>\u202e")
        await until(lambda: office.mailed)
    assert box.to == ["sales@example.org"]
    assert box.letters[0]["Bcc"] is None
    assert "a withheld number" in box.letters[0]["Subject"]


async def test_a_server_that_is_away_gets_everything_once_when_it_is_back(
    site: Site, port: int, tmp_path: Path
) -> None:
    box = Postbox()
    with capture_logs() as logged:
        await away_and_back(site, port, tmp_path, box)
    assert len(box.letters) == 2
    assert [one["log_level"] for one in logged] == ["warning", "info"], (
        "said once that it is away, once that it is back"
    )


async def away_and_back(site: Site, port: int, tmp_path: Path, box: Postbox) -> None:
    async with Office(site, port, tmp_path) as office:
        office.left("pbx1-1.1")
        office.left("pbx1-1.2")
        await until(lambda: not office.mail.view().connected)
        await asyncio.sleep(0.3)
        assert office.mail.view().kept == 2
        async with serving(port, box):
            await until(lambda: len(office.mailed) == 2)
        assert office.mail.view().connected
    assert [one.call for one in office.mailed] == ["pbx1-1.1", "pbx1-1.2"]


@pytest.mark.parametrize("where", ["recipient", "mail"])
async def test_for_now_is_tried_again_and_for_good_keeps_nobody_waiting(
    site: Site, port: int, tmp_path: Path, where: str
) -> None:
    def refuse(reply: str) -> None:
        if where == "recipient":
            box.refuses = {"sales@example.org": reply}
        else:
            box.data_reply = reply

    box = Postbox()
    refuse("451 later")
    async with serving(port, box), Office(site, port, tmp_path) as office:
        office.left("pbx1-1.1")
        await until(lambda: not office.mail.view().connected)
        refuse("250 OK")
        box.refuses = {}
        await until(lambda: len(office.mailed) == 1)
        refuse("550 never")
        office.left("pbx1-1.2")
        await until(lambda: office.mail.view().kept == 0)
        await asyncio.sleep(0.2)
        refuse("250 OK")
        box.refuses = {}
        office.left("pbx1-1.3")
        await until(lambda: len(office.mailed) == 2)
    assert [one.call for one in office.mailed] == ["pbx1-1.1", "pbx1-1.3"]


async def test_nothing_is_sent_in_clear_when_encryption_is_wanted(site: Site, port: int, tmp_path: Path) -> None:
    box = Postbox()
    async with serving(port, box), Office(site, port, tmp_path, Encryption.STARTTLS) as office:
        office.left()
        await until(lambda: not office.mail.view().connected)
    assert box.letters == []


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("answers", range(1, 8))
async def test_it_can_be_stopped_as_an_answer_comes(
    site: Site, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: int, turns: int
) -> None:
    """aiosmtplib uses wait_for, which on Python 3.11 can keep a cancelling to itself that meets an answer."""
    came = asyncio.Queue[bytes]()
    received = SMTPProtocol.data_received

    def receive(self: SMTPProtocol, data: bytes) -> None:
        received(self, data)
        came.put_nowait(data)

    monkeypatch.setattr(SMTPProtocol, "data_received", receive)
    async with asyncio.timeout(30), serving(port, Postbox()), Office(site, port, tmp_path) as office:
        office.left()
        for _ in range(answers):
            await came.get()
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_a_recording_that_is_gone_and_a_full_queue(site: Site, port: int, tmp_path: Path) -> None:
    box, office = Postbox(), Office(site, port, tmp_path)
    for number in range(1_002):
        office.mail.publish(MessageLeft(at=0.0, call=f"c{number}", queue="sales", file="gone.wav", seconds=3.0))
    assert (office.mail.view().kept, office.mail.view().dropped) == (1_000, 2)
    async with serving(port, box), office:
        await until(lambda: office.mailed)
    assert office.mailed[0].call == "c2"
    body = box.letters[0].get_body()
    assert body is not None
    assert "could not be read" in body.get_content()


@pytest.mark.parametrize("trap", ["link", "pipe"])
async def test_what_is_put_in_a_recordings_place_is_not_mailed(
    site: Site, port: int, tmp_path: Path, trap: str
) -> None:
    """Asterisk's user may be another than ours. Fails if a link had our files mailed, or a pipe kept all mail waiting."""
    recording = tmp_path / "trap.wav"
    if trap == "link":
        (tmp_path / "secret").write_text("the password")
        recording.symlink_to(tmp_path / "secret")
    else:
        os.mkfifo(recording)
    box, office = Postbox(), Office(site, port, tmp_path)
    office.mail.publish(MessageLeft(at=0.0, call="c1", queue="sales", file="trap.wav", seconds=3.0))
    async with serving(port, box), office:
        await until(lambda: office.mailed)
    assert "could not be read" in box.letters[0].as_string()
    assert list(box.letters[0].iter_attachments()) == []
