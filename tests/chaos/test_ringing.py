"""Callers who are kept ringing (docs/adr/0013) when the daemon is killed (-9) or stopped: each is let in by the daemon that comes, and
nobody who calls after them is in line before them.

Part of `make chaos`: it takes a hundred callers in line before anybody is kept ringing.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import combinations
from pathlib import Path

import pytest

from callhandler.asterisk.door import FEW
from tests.live import sipp
from tests.live.lab import SiteUp, free_base, site_running
from tests.live.robots import Manners

from .chance import LONG, SEED
from .phones import Dialled
from .stage import EXTRA, STOPPED, Lost, Stage, agent_of, number_of, staged
from .test_replaced import taken

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]
MANY = FEW + 5
RINGING = 5
"""Callers who ring; a daemon that is late for a moment lets some in before it is struck."""
LATE = 1.5
"""Seconds for which the daemon is stopped, so that it is late for those who call meanwhile."""
LET_IN_WITHIN = 45.0
A_MOMENT = 0.5
"""Seconds within which those who are let in at once, several at a tick, come into line in any order."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteUp]:
    with site_running(tmp_path / "site", free_base(), EXTRA) as one:
        yield one


@asynccontextmanager
async def crowded(stage: Stage, folder: Path) -> AsyncIterator[None]:
    """So many wait that a daemon that is late lets nobody in."""
    people = [sipp.Dialled(f"4930555{n:05}", number_of("hold"), 0.0, 300.0) for n in range(MANY)]
    await asyncio.to_thread(stage.client.pause, agent_of("hold"), "chaos")
    with sipp.Crowd(stage.site, folder) as crowd:
        crowd.callers(people)
        yield


async def all_in_line(stage: Stage) -> bool:
    """Whether the crowd is there, and has come back after a blow."""
    status = await stage.status()
    return status is not None and status.sessions >= MANY


def when(stage: Stage, kind: str, callers: list[Dialled]) -> list[float]:
    """When something happened to each of some callers, to whom it did, in the callers' order."""
    sql = """
        SELECT fact.at / 1000.0 FROM fact JOIN fact AS arrived ON arrived.call = fact.call AND arrived.kind = 'CallArrived'
        WHERE fact.kind = ? AND json_extract(arrived.details, '$.caller_number') = ? ORDER BY fact.seq LIMIT 1
    """
    return [float(str(at)) for one in callers for (at,) in stage.query(sql, kind, one.caller)]


async def ring_at_a_late_daemon(stage: Stage) -> list[Dialled]:
    """Some call while the daemon stands still; returns as soon as all are kept ringing."""
    pid, callers = await stage.there(), []
    os.kill(pid, signal.SIGSTOP)
    for _ in range(RINGING):
        callers.append(await stage.dial(number_of("line")))
        await asyncio.sleep(LATE / RINGING)
    os.kill(pid, signal.SIGCONT)
    await stage.until(lambda: len(when(stage, "CallKeptRinging", callers)) == RINGING, 15, "all are kept ringing")
    return callers


async def let_in(stage: Stage, blow: Callable[[], Awaitable[None]]) -> int:
    """Strike while some ring; returns how many did."""
    await stage.until(lambda: all_in_line(stage), 60, "the crowd is in line")
    await asyncio.to_thread(stage.client.pause, agent_of("line"), "chaos")
    first = await stage.dial(
        number_of("line")
    )  # a daemon that was started while a crowd waits watches the time from the next call on
    await stage.waits(first, "waiting")
    stage.trunk.hang_up(first)
    callers = await ring_at_a_late_daemon(stage)
    still = RINGING - len(when(stage, "CallRang", callers))
    await blow()
    newcomer = await stage.dial(number_of("line"))
    everybody = [*callers, newcomer]
    for call in everybody:
        await stage.until(lambda call=call: call.answered or call.ended, LET_IN_WITHIN, f"{call.caller} is let in")
        if call.ended:
            raise Lost("waiting caller", f"{call.caller} was let go: {call.refused}")
        await stage.waits(call, "waiting")
    entered = when(stage, "CallEntered", everybody)
    if any(before > after + A_MOMENT for before, after in combinations(entered, 2)):
        raise Lost("order", f"in line at {entered}, in the order in which they called")
    await asyncio.to_thread(stage.client.resume, agent_of("line"))
    for _ in everybody:
        await taken(stage, everybody)
    return still


if LONG:

    async def test_struck_while_callers_ring(site: SiteUp, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        async with staged(site, SEED, lambda _: Manners()) as stage:
            await stage.there()
            async with crowded(stage, tmp_path / "crowd"):
                for blow in (stage.killed, lambda: stage.stopped(STOPPED)):
                    began = time.monotonic()
                    still = await let_in(stage, blow)
                    with capsys.disabled():
                        took = time.monotonic() - began
                        sys.stdout.write(
                            f"\n{still} of {RINGING} rang at the blow: all let in, in order, {took:.1f} s\n"
                        )
                    assert still > 0, "nobody rang any more: the daemon was not late for long enough"
