"""Overflow to a number outside, over a trunk: dialled under the house's own number, back to the old place when nobody answers, heard when
somebody does.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .hearing import find, silences, tone_seconds
from .lab import SiteUp, free_base, listening, site_running
from .softphone import Baresip, Softphone

pytestmark = pytest.mark.live
CALLER, OUTSIDE = 440.0, 880.0
NUMBER = "+12025550199"
EXTRA = f"""

# --- for the overflow test
[callbacks]
trunk = "pstn"
caller_number = "+12025550100"
ring = 6

[queues.over]
name = "Over"
fallback = "say:nobody-here"
on_timeout = "outside:{NUMBER}"
max_wait = 4

[numbers.5030]
enters = "queue:over"
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteUp]:
    with site_running(tmp_path / "site", free_base(), EXTRA) as one:
        yield one


def facts(site: SiteUp, kind: str) -> list[dict[str, object]]:
    with closing(sqlite3.connect(site.directory / "var" / "journal.db")) as journal:
        rows = journal.execute("SELECT details FROM fact WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
    return [json.loads(row[0]) for row in rows]


async def test_nobody_answers_then_somebody_does(site: SiteUp, tmp_path: Path) -> None:
    for agent in ("7001", "7002", "7003", "7004"):
        site.ask("agents", "pause", agent)
    baresip = Baresip(site.lab.program("baresip"), site.lab.baresip_modules)
    async with (
        site.desk_phone("103", tmp_path / "agent", OUTSIDE),
        Softphone(baresip, tmp_path / "outside", site.base_port + 3, site.server, NUMBER, OUTSIDE) as outside,
        site.trunk_caller("493055500001", tmp_path / "caller", CALLER) as caller,
    ):
        with listening(caller) as ear, listening(outside) as far_ear:
            await caller.dial("5030")
            answered = time.time()
            rung = await outside.wait_for("CALL_INCOMING", 40)
            await outside.wait_for("CALL_CLOSED")
            await outside.wait_for("CALL_INCOMING", 60, len(outside.events))
            await asyncio.sleep(1)
            await outside.answer()
            picked_up = time.time()
            await asyncio.sleep(3)
            now = time.time()
            whole = ear.heard(answered, picked_up)
            heard, far_heard = ear.heard(picked_up, now), far_ear.heard(picked_up, now)
        await outside.hang_up()
        await caller.wait_for("CALL_CLOSED")
    await asyncio.sleep(0.5)
    assert "12025550100" in rung.peer, "the house's own number is shown"
    assert tone_seconds(heard, OUTSIDE) > 2.0
    assert tone_seconds(far_heard, CALLER) > 2.0
    assert len(find(whole, site.prompt("std-timeout"))) == 2
    assert len(find(whole, site.prompt("std-outside"))) == 2
    assert silences(whole, 1.0) == []
    first, second = facts(site, "CallEntered")
    assert first["entered"] == second["entered"], "the place was kept"
    assert [one["number"] for one in facts(site, "OutsideDialled")] == [NUMBER, NUMBER]
    calls = site.ask("calls", "--last", "1")
    assert isinstance(calls, list)
    assert isinstance(calls[0], dict)
    assert calls[0]["outcome"] == "extension"
