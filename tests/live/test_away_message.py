"""The daemon away for long: Asterisk takes messages by itself, and the daemon that returns has them in its inbox, once.

The daemon is killed and kept from coming back by stopping the process that would start it again.
"""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .ear import Sound, load
from .hearing import find, tone_seconds
from .lab import SiteUp, free_base, listening, site_running
from .test_callbacks import eventually

pytestmark = pytest.mark.live
EARLY, LATE = 440.0, 660.0
EXTRA = """

# --- for the daemon's absence
[waiting]
away_message_after = 12

[numbers.5020]
enters = "queue:support"

[prompts.std-away]
text = "Please stay on the line."

[prompts.std-away-message]
text = "Please leave a message after the tone."
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteUp]:
    with site_running(tmp_path / "site", free_base(), EXTRA) as one:
        yield one


def journal(site: SiteUp, sql: str, *values: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(site.directory / "var" / "journal.db")) as database:
        return database.execute(sql, values).fetchall()


def messages(site: SiteUp) -> list[dict[str, object]]:
    items = site.ask("inbox")
    assert isinstance(items, list)
    return [one for one in items if isinstance(one, dict) and one["kind"] == "message"]


async def test_messages_are_taken_without_the_daemon_and_found_by_the_next_one(site: SiteUp, tmp_path: Path) -> None:
    for agent in ("7001", "7002", "7003", "7004"):
        site.ask("agents", "pause", agent)
    async with (
        site.desk_phone("103", tmp_path / "agent", 880.0),
        site.trunk_caller("493055500001", tmp_path / "early", EARLY) as early,
        site.trunk_caller("+12025550123", tmp_path / "late", LATE) as late,
    ):
        with listening(early) as ear, listening(late) as lates_ear:
            await early.dial("5020")
            await asyncio.sleep(4)
            site.process.send_signal(signal.SIGSTOP)
            try:
                os.kill(site.daemon_pid(), signal.SIGKILL)
                killed = time.time()
                await late.dial_only("5020")
                folder = site.directory / "var" / "messages"
                await eventually("one is being recorded", lambda: list(folder.glob("*_493055500001.wav")), 45)
                await asyncio.sleep(4)
                await early.hang_up()  # in the middle of it
                heard = ear.heard(killed, time.time())
                await eventually("the other one, too", lambda: list(folder.glob("*_+12025550123.wav")), 60)
                began = time.time()
                await asyncio.sleep(4)
                await late.press("#")
                await late.wait_for("CALL_CLOSED")
                lates = lates_ear.heard(began, time.time())
            finally:
                site.process.send_signal(signal.SIGCONT)
            await eventually("they are in the inbox", lambda: len(messages(site)) == 2, 20)
            assert len(find(heard, site.prompt("std-away-message"))) == 1
            assert find(lates, site.prompt("std-message-kept"))
            os.kill(site.daemon_pid(), signal.SIGKILL)
            await asyncio.sleep(1)
            await eventually("and with the next daemon", lambda: len(messages(site)) == 2, 20)
    first, second = sorted(messages(site), key=lambda one: str(one["number"]), reverse=True)
    assert (first["number"], second["number"]) == ("493055500001", "+12025550123")
    assert (first["queue"], second["queue"]) == ("support", "support")
    for one, hertz in ((first, EARLY), (second, LATE)):
        (file,) = one["files"]  # type: ignore[misc]
        sound = Sound(load(site.directory / file), 0.0)
        assert tone_seconds(sound, hertz) > 2.5
    assert len(journal(site, "SELECT 1 FROM fact WHERE kind = 'MessageLeft'")) == 2
    ends = journal(site, "SELECT json_extract(details, '$.outcome') FROM fact WHERE kind = 'CallEnded' ORDER BY seq")
    assert ends == [("message",), ("message",)]
