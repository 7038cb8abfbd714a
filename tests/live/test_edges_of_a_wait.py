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
OPEN_AT_LEAST = 25.0
"""Seconds that the number is open for from the site's beginning on."""


def hours(zone: str) -> tuple[str, float]:
    """Opening hours in TOML that end soon, at a full minute, and when that is."""
    now = datetime.now(ZoneInfo(zone))
    end = (now + timedelta(seconds=OPEN_AT_LEAST + 60)).replace(second=0, microsecond=0)
    text = "24:00" if end.date() != now.date() else f"{end:%H:%M}"
    return f'{now:%a} = ["00:00-{text}"]'.lower(), end.timestamp()


def extra(weekly: str) -> str:
    return f"""

# --- for the edges of a wait
[hours.short.weekly]
{weekly}

[numbers.5040]
enters = "queue:support"
hours = "short"
closed = "say:closed"

[numbers.5041]
enters = "queue:support"
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[SiteUp, float]]:
    weekly, ends = hours(site_zone(tmp_path))
    with site_running(tmp_path / "site", free_base(), extra(weekly)) as one:
        for agent in ("7001", "7002", "7003", "7004"):
            one.ask("agents", "pause", agent)
        yield one, ends


def site_zone(tmp_path: Path) -> str:
    """The time zone that a new site gets."""
    from callhandler.site.new import init

    made = init(tmp_path / "zone", 20_000)
    with (made.loaded.directory / "callhandler.toml").open("rb") as file:
        zone = tomllib.load(file)["company"]["time_zone"]
    assert isinstance(zone, str)
    return zone


def entered(site: SiteUp) -> list[float]:
    """Since when those have their place who entered the line, in turn."""
    with closing(sqlite3.connect(site.directory / "var" / "journal.db")) as journal:
        rows = journal.execute("SELECT details FROM fact WHERE kind = 'CallEntered' ORDER BY seq").fetchall()
    return [json.loads(row[0])["entered"] for row in rows]


async def until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.time()))


async def test_calling_again_closing_time_and_an_emergency(site: tuple[SiteUp, float], tmp_path: Path) -> None:
    up, ends = site
    async with (
        up.desk_phone("103", tmp_path / "agent", DESK),
        up.trunk_caller("493055500001", tmp_path / "one", VOICE) as one,
        up.trunk_caller("493055500002", tmp_path / "two", VOICE) as two,
    ):
        with listening(one) as ear, listening(two) as other_ear:
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
            told = one.wait_for("CALL_CLOSED", 60, len(one.events))
            await until(ends)
            await told
            over = time.time()
            whole = ear.heard(again, over)
            (closes,) = find(whole, up.prompt("std-closing"))
            assert 0 <= closes.at - ends < 3, "told at closing time"
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
            assert find(other_ear.heard(second, closed), up.prompt("std-emergency")) == []
    await asyncio.sleep(0.5)
    inbox = up.ask("inbox")
    assert isinstance(inbox, list)
    kinds = {(item["kind"], item["number"]) for item in inbox if isinstance(item, dict)}
    assert kinds == {("missed", "493055500001"), ("message", "493055500002")}
