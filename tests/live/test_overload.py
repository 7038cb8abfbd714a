"""More callers than there is time for: who calls while the daemon is late hears it ring, and is answered when it is not any more."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callhandler.asterisk.door import FEW

from .lab import SiteUp, free_base, site_running
from .sipp import Crowd, Dialled

pytestmark = pytest.mark.live
EXTRA = """

# --- for more callers than there is time for
[numbers.5041]
enters = "queue:support"
"""
STOPPED = 1.5
"""Seconds for which the daemon doesn't run: its timers are late by as much, and it isn't replaced yet."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteUp]:
    with site_running(tmp_path / "site", free_base(), EXTRA) as one:
        for agent in ("7001", "7002", "7003", "7004"):
            one.ask("agents", "pause", agent)
        yield one


async def waiting(site: SiteUp, count: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        status = await asyncio.to_thread(site.ask, "status")
        assert isinstance(status, dict)
        if status["sessions"] >= count:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{count} callers did not get into line within a minute")


async def test_who_calls_a_late_daemon_rings_until_it_is_not(site: SiteUp, tmp_path: Path) -> None:
    crowd = [Dialled(f"4930555{n:05}", "5041", 0.0, 120.0) for n in range(FEW + 5)]
    with Crowd(site, tmp_path / "crowd") as many:
        many.callers(crowd)
        await waiting(site, len(crowd))
        async with site.trunk_caller("493055600001", tmp_path / "one", 440.0) as one:
            pid = site.daemon_pid()
            os.kill(pid, signal.SIGSTOP)
            try:
                await one.dial_only("5041")
                await asyncio.sleep(STOPPED)
            finally:
                os.kill(pid, signal.SIGCONT)
            ringing = await one.wait_for("CALL_RINGING")
            answered = await one.wait_for("CALL_ESTABLISHED", 40)
            assert ringing.at < answered.at
            status = site.ask("status")
            assert isinstance(status, dict)
            assert [alarm["kind"] for alarm in status["alarms"]] == ["busy"]
