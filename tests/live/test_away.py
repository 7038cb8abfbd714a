"""The daemon away while a caller waits: what is heard then, which phones ring, and what the daemon finds when it is back.

The daemon is killed and kept from coming back by stopping the process that would start it again.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .hearing import find, silences, tone_seconds
from .lab import SiteUp, free_base, listening, site_running

pytestmark = pytest.mark.live
CALLER, DESK = 440.0, 880.0
EXTRA = """

# --- for the daemon's absence
[waiting]
away_ring_after = 40
away_phones = ["104"]

[numbers.5020]
enters = "queue:support"
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteUp]:
    with site_running(tmp_path / "site", free_base(), EXTRA) as one:
        yield one


async def until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.time()))


async def test_music_and_words_go_on_a_phone_rings_and_the_daemon_leaves_who_talks_alone(
    site: SiteUp, tmp_path: Path
) -> None:
    for agent in ("7001", "7002", "7003", "7004"):
        site.ask("agents", "pause", agent)
    async with (
        site.desk_phone("103", tmp_path / "agent", DESK),
        site.desk_phone("104", tmp_path / "desk", DESK) as desk,
        site.trunk_caller("493055500001", tmp_path / "caller", CALLER) as caller,
    ):
        with listening(caller) as ear:
            await caller.dial("5020")
            answered = time.time()
            await until(answered + 6)
            site.process.send_signal(signal.SIGSTOP)
            try:
                os.kill(site.daemon_pid(), signal.SIGKILL)
                killed = time.time()
                await desk.wait_for("CALL_INCOMING", 60)
                rung = time.time()
                await desk.wait_for("CALL_CLOSED")
                quiet = time.time()
                await desk.wait_for("CALL_INCOMING", 60, len(desk.events))
                await asyncio.sleep(1)
                await desk.answer()
                picked_up = time.time()
                await until(picked_up + 3)
                talked = ear.heard(picked_up, picked_up + 3)
            finally:
                site.process.send_signal(signal.SIGCONT)
            await until(picked_up + 12)
            whole = ear.heard(killed, picked_up)
            later = ear.heard(picked_up + 8, picked_up + 11)
            (call,) = [one for one in _calls(site) if one["caller_number"] == "493055500001"]
        assert call["state"] == "elsewhere", "answered at a phone, and no longer in line"
        await desk.hang_up()
        await caller.wait_for("CALL_CLOSED")
    assert 39 < rung - killed < 40 + 20, "after the time the site says, and at most a word and a turn later"
    assert quiet - rung < 22, "not answered: back to waiting"
    assert silences(whole, 1.0) == [], "nobody hears silence"
    words = [found.at for found in find(whole, site.prompt("std-away"))]
    spoken = len(site.prompt("std-away")) / 8000
    starts = [*words, picked_up]
    ends = [killed, *(at + spoken for at in words)]
    assert len(words) >= 3
    assert all(start - end < 60 for start, end in zip(starts, ends, strict=True)), (
        f"a word at least every minute: {words}"
    )
    assert tone_seconds(talked, DESK) > 2.0
    assert tone_seconds(later, DESK) > 2.0, "the daemon's return disturbs nobody"


def _calls(site: SiteUp) -> list[dict[str, object]]:
    found = site.ask("calls")
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]
