"""A message, as its caller and whoever listens to it later hear it: greeting, beep, recording, listening, and the file itself."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callhandler.core.plain import Plain
from tests.edge.postbox import Postbox, serving

from .ear import Sound, load
from .hearing import find, tone_seconds
from .lab import SiteUp, free_base, listening, site_running
from .overhearing import USER, overheard
from .secrecy import secrets_in

pytestmark = pytest.mark.live
VOICE = 440.0
EXTRA = """

# --- for the message tests
[numbers.5020]
enters = "message:sales"

[mail]
port = MAIL
tls = "none"
user = "calls"
password = "Yt5-mail-Kd8wQ1"
sender = "calls@example.org"
to = "all@example.org"

[mqtt]
port = MQTT
user = "callhandler"
password = "Gn6-mqtt-Vb2rE9"
"""
MAIL, MQTT = 1_990, 1_991
"""The mail server's port and the broker's, from the site's first."""
PASSWORDS = dict(re.findall(r'user = "(\w+)"\npassword = "(.*)"', EXTRA))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    base, folder = free_base(), tmp_path_factory.mktemp("messages")
    extra = EXTRA.replace("MAIL", str(base + MAIL)).replace("MQTT", str(base + MQTT))
    with (
        overheard(folder / "broker", base + MQTT, PASSWORDS[USER]) as published,
        site_running(folder / "site", base, extra) as one,
    ):
        yield one
        told = b"\n".join(published)
        assert b"493055500002" in told, "the calls are told to who may listen"
        assert secrets_in(one.directory, told) == [], "and no secret of the site is"


def items(site: SiteUp, *words: str) -> list[dict[str, Plain]]:
    found = site.ask("inbox", *words)
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]


async def until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.time()))


def seconds_of(site: SiteUp, prompt: str) -> float:
    return len(site.prompt(prompt)) / 8000


async def test_a_message_is_heard_again_and_kept(site: SiteUp, tmp_path: Path) -> None:
    async with site.trunk_caller("493055500001", tmp_path / "caller", VOICE) as caller:
        with listening(caller) as ear:
            await caller.dial("5020")
            answered = time.time()
            await until(answered + seconds_of(site, "std-message") + 5.0)
            await caller.press("#")
            pressed = time.time()
            await until(pressed + 1.0)
            await caller.press("2")
            asked = time.time()
            await until(asked + 3.0)
            await caller.press("1")
            await caller.wait_for("CALL_CLOSED")
            over = time.time()
            whole, played = ear.heard(answered, over), ear.heard(asked, asked + 3.0)
    (greeted,) = find(whole, site.prompt("std-message"))
    assert greeted.at - answered < 1.5
    (choice,) = find(whole.between(pressed - 0.5, asked), site.prompt("std-message-choice"), seconds=0.5)
    assert choice.at - pressed < 1.5
    assert tone_seconds(played, VOICE) > 2.0, "the caller hears the own message"
    assert find(whole, site.prompt("std-message-kept")), "and that it was sent"
    (item,) = items(site)
    assert (item["kind"], item["number"], item["state"]) == ("message", "493055500001", "open")
    (file,) = item["files"]  # type: ignore[misc]  # a list, as the next lines would find out
    path = site.directory / str(file)
    assert path.stat().st_mode & 0o777 == 0o640
    recorded = Sound(load(path), 0.0)
    assert 3.0 < recorded.seconds < 5.5
    assert tone_seconds(recorded, VOICE) > recorded.seconds - 0.6, "nothing but the caller's voice is in it"
    await is_mailed(site, "493055500001", path.read_bytes())


async def is_mailed(site: SiteUp, number: str, recording: bytes) -> None:
    """The mail server was away until now; from here on it takes mail."""
    box = Postbox()
    async with serving(site.base_port + MAIL, box, ("calls", PASSWORDS["calls"])), asyncio.timeout(40):
        while not box.letters:  # noqa: ASYNC110 - the server is told of it by another process
            await asyncio.sleep(0.2)
    (letter,) = box.letters
    assert letter["To"] == "all@example.org"
    assert secrets_in(site.directory, letter.as_bytes()) == []
    assert letter["Subject"].startswith(f"Message for Sales from {number}")
    (attached,) = letter.iter_attachments()
    assert attached.get_content() == recording


async def test_hanging_up_sends_what_was_said_and_an_item_is_claimed_and_done(site: SiteUp, tmp_path: Path) -> None:
    async with site.trunk_caller("493055500002", tmp_path / "caller", VOICE) as caller:
        await caller.dial("5020")
        await until(time.time() + seconds_of(site, "std-message") + 4.5)
        await caller.hang_up()
    await asyncio.sleep(0.5)
    (item,) = [one for one in items(site) if one["number"] == "493055500002"]
    (call,) = item["calls"]  # type: ignore[misc]
    record = site.ask("calls", str(call))
    assert isinstance(record, dict)
    assert isinstance(record["record"], dict)
    assert record["record"]["outcome"] == "message"
    (file,) = item["files"]  # type: ignore[misc]
    assert Sound(load(site.directory / str(file)), 0.0).seconds > 2.0
    site.ask("inbox", "claim", str(call))
    (item,) = [one for one in items(site) if one["number"] == "493055500002"]
    assert item["state"] == "claimed"
    site.ask("inbox", "done", str(call), "--reason", "called")
    assert not [one for one in items(site) if one["number"] == "493055500002"]
    (item,) = [one for one in items(site, "--all") if one["number"] == "493055500002"]
    assert (item["state"], item["reason"]) == ("done", "called")
