"""The edges of a wait as callers hear them: calling again, closing time and an emergency while they wait."""

import asyncio
import json
import sqlite3
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from .hearing import find, silences
from .lab import SiteUp, free_base, listening, site_running

pytestmark = pytest.mark.live
VOICE, DESK = 440.0, 880.0
OPEN_AT_LEAST = 35.0
"""Seconds for which the number is still open when the first call comes."""
ALWAYS = 'mon = ["00:00-24:00"]\n'


def hours(zone: str) -> tuple[str, float]:
    """Opening hours in TOML that end soon, at a full minute, and when that is."""
    now = datetime.now(ZoneInfo(zone))
    end = (now + timedelta(seconds=OPEN_AT_LEAST + 60)).replace(second=0, microsecond=0)
    today, tomorrow = f"{now:%a}".lower(), f"{end:%a}".lower()
    if today == tomorrow:
        return f'{today} = ["00:00-{end:%H:%M}"]\n', end.timestamp()
    rest = f'{tomorrow} = ["00:00-{end:%H:%M}"]\n' if end.minute else ""
    return f'{today} = ["00:00-24:00"]\n{rest}', end.timestamp()


EXTRA = f"""

# --- for the edges of a wait
[hours.short.weekly]
{ALWAYS}
[numbers.5040]
enters = "queue:support"
hours = "short"
closed = "say:closed"

[numbers.5041]
enters = "queue:support"
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteUp]:
    with site_running(tmp_path / "site", free_base(), EXTRA) as one:
        for agent in ("7001", "7002", "7003", "7004"):
            one.ask("agents", "pause", agent)
        yield one


def closes_soon(site: SiteUp) -> float:
    """Give the number its opening hours; returns when they end."""
    path = site.directory / "callhandler.toml"
    text = path.read_text(encoding="utf-8")
    weekly, ends = hours(tomllib.loads(text)["company"]["time_zone"])
    assert ALWAYS in text
    path.write_text(text.replace(ALWAYS, weekly), encoding="utf-8")
    site.ask("reload")
    return ends


def entered(site: SiteUp) -> list[float]:
    """Since when those have their place who entered the line, in turn."""
    with closing(sqlite3.connect(site.directory / "var" / "journal.db")) as journal:
        rows = journal.execute("SELECT details FROM fact WHERE kind = 'CallEntered' ORDER BY seq").fetchall()
    return [json.loads(row[0])["entered"] for row in rows]


async def until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.time()))


async def test_calling_again_closing_time_and_an_emergency(site: SiteUp, tmp_path: Path) -> None:
    up = site
    async with (
        up.desk_phone("103", tmp_path / "agent", DESK),
        up.trunk_caller("493055500001", tmp_path / "one", VOICE) as one,
        up.trunk_caller("493055500002", tmp_path / "two", VOICE) as two,
    ):
        with listening(one) as ear, listening(two) as other_ear:
            ends = closes_soon(up)
            await one.dial("5040")
            await asyncio.sleep(3)
            await one.hang_up()
            await asyncio.sleep(1)
            await one.dial("5040")
            again = time.time()
            await two.dial("5041")
            second = time.time()
            await until(again + 5 + len(up.prompt("std-place-kept")) / 8000)
            (kept,) = find(ear.heard(again, time.time()), up.prompt("std-place-kept"))
            assert kept.at - again < 5, "told within 5 s that the place was kept"
            first, *others = entered(up)
            assert sorted(others)[0] == first < sorted(others)[1], "the old place, before whoever came later"

            assert time.time() < ends - 2, "still open"
            told = one.wait_for("CALL_CLOSED", 120, len(one.events))
            await until(ends)
            await told
            over = time.time()
            whole = ear.heard(again, over)
            (closes,) = find(whole, up.prompt("std-closing"))
            # What is sent in a frame of 20 ms began before it was sent.
            assert -0.1 < closes.at - ends < 5, "told at closing time"
            (offer,) = find(whole.between(closes.at, over), up.prompt("std-key-2"))
            (last,) = find(whole.between(closes.at, over), up.prompt("nobody-here"))
            assert closes.at < offer.at < last.at, "why, then what can be done, then the fallback"
            assert silences(whole, 1.0) == []

            since = len(two.events)
            closed = time.time()
            up.ask("emergency", "close", "--reason", "drill")
            await asyncio.sleep(len(up.prompt("std-emergency")) / 8000 + 1)
            await two.press("2")
            await asyncio.sleep(len(up.prompt("std-message")) / 8000 + 5)
            await two.hang_up()
            assert len(two.events) > since
            (why,) = find(other_ear.heard(closed, time.time()), up.prompt("std-emergency"))
            assert why.at - closed < 3
            # By more than its "We are sorry", with which other things begin, too.
            assert find(other_ear.heard(second, closed), up.prompt("std-emergency"), seconds=4.0) == []
    await asyncio.sleep(0.5)
    inbox = up.ask("inbox")
    assert isinstance(inbox, list)
    kinds = {(item["kind"], item["number"]) for item in inbox if isinstance(item, dict)}
    assert kinds == {("missed", "493055500001"), ("message", "493055500002")}
