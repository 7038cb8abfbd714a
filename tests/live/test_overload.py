"""More callers than there is time for: who calls while the daemon is late hears it ring, and is answered when it is not any more.

How long each rang is written down, and who hangs up meanwhile has abandoned the call.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callhandler.asterisk.door import FEW
from callhandler.core.plain import Plain

from .lab import SiteUp, callhandler, free_base, site_running
from .sipp import Crowd, Dialled

pytestmark = pytest.mark.live
EXTRA = """

# --- for more callers than there is time for
[numbers.5041]
enters = "queue:support"
"""
STOPPED = 1.5
"""Seconds for which the daemon doesn't run: its timers are late by as much, and it isn't replaced yet."""
PATIENT, HASTY, LAST = "493055600001", "493055600002", "493055600003"


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


@contextlib.contextmanager
def stopped(site: SiteUp) -> Iterator[int]:
    """The daemon, whose process this yields, doesn't run, and nobody replaces it yet."""
    pid = site.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


async def over(site: SiteUp, caller: str) -> dict[str, Plain]:
    """The record of a caller's call, once it is over."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        records = await asyncio.to_thread(site.ask, "calls", "--last", "4")
        assert isinstance(records, list)
        for one in records:
            if isinstance(one, dict) and one["caller_number"] == caller and one["outcome"] is not None:
                return one
        await asyncio.sleep(0.2)
    raise AssertionError(f"no call of {caller} was over within a minute")


async def test_who_calls_a_late_daemon_rings_until_it_is_not_or_hangs_up_or_all_ends(
    site: SiteUp, tmp_path: Path
) -> None:
    crowd = [Dialled(f"4930555{n:05}", "5041", 0.0, 120.0) for n in range(FEW + 5)]
    with Crowd(site, tmp_path / "crowd") as many:
        many.callers(crowd)
        await waiting(site, len(crowd))
        async with (
            site.trunk_caller(PATIENT, tmp_path / "patient", 440.0) as patient,
            site.trunk_caller(HASTY, tmp_path / "hasty", 550.0) as hasty,
        ):
            with stopped(site):
                await patient.dial_only("5041")
                await hasty.dial_only("5041")
                await asyncio.sleep(STOPPED)
            await hasty.wait_for("CALL_RINGING")
            with stopped(site):  # else it is answered a second later
                await hasty.hang_up()
            ringing = await patient.wait_for("CALL_RINGING")
            answered = await patient.wait_for("CALL_ESTABLISHED", 40)
            assert ringing.at < answered.at
            status = site.ask("status")
            assert isinstance(status, dict)
            assert [(alarm["kind"], alarm["count"]) for alarm in status["alarms"]] == [("busy", 1)]
            await patient.hang_up()
        gave_up, waited = await over(site, HASTY), await over(site, PATIENT)
        assert (gave_up["outcome"], gave_up["queue"], gave_up["visits"]) == ("abandoned short", None, [])
        assert waited["outcome"] in ("left in menu", "abandoned short"), "as far as it came before it hung up"
        assert isinstance(waited["rang"], float)
        assert waited["rang"] == pytest.approx(answered.at - ringing.at, abs=2.0)
        said = {
            caller: callhandler("--site", str(site.directory), "explain", str(call["id"])).stdout
            for caller, call in ((HASTY, gave_up), (PATIENT, waited))
        }
        assert "the caller hung up before it was let in" in " ".join(said[HASTY].split())
        assert "then it was let in, and answered" in " ".join(said[PATIENT].split())
        (hour,) = site.ask("queues", "ringing", "--hours", "1")
        assert (hour["rang"], hour["answered"], hour["hung_up"]) == (2, 1, 1)
        async with site.trunk_caller(LAST, tmp_path / "last", 660.0) as last:
            with stopped(site):
                await last.dial_only("5041")
                await asyncio.sleep(STOPPED)
            await last.wait_for("CALL_RINGING")
            with stopped(site) as pid:
                os.kill(pid, signal.SIGUSR1)
            closed = await last.wait_for("CALL_CLOSED", 40)
            assert "CALL_ESTABLISHED" not in {event.kind for event in last.events}
            assert "503" in closed.param
        given_back = await over(site, LAST)
        assert (given_back["outcome"], given_back["reason"]) == ("withdrawn", "hung up by the planned end")
        missed = [item for item in site.ask("inbox") if item["number"] == LAST]
        assert [(item["kind"], item["reason"]) for item in missed] == [("missed", "hung up by the planned end")]
