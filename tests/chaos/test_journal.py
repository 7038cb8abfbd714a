"""The journal is full, locked, read-only or corrupt while people call: a clear error, calls go on, and in the end nothing is missing.

The same is done to the journal alone, many times, in tests/unit/store/test_faults.py; here a daemon with real calls lives through it.
"""

import os
import resource
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest

from tests.live.lab import SiteUp, free_base, site_running
from tests.live.robots import Manners
from tests.unit.store.test_faults import BOUND

from .chance import LONG, SEED
from .phones import Dialled
from .stage import EXTRA, Stage, number_of, staged

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
PAGE = 4_096
HEADER = 100
"""Bytes at the start of a database without which it is none."""
NOTICED_WITHIN = 30.0
WHOLE = ("CallArrived", "CallConnected", "TalkEnded", "CallEnded")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    with site_running(tmp_path_factory.mktemp("journal") / "site", free_base(), EXTRA, under=BOUND) as one:
        yield one


def journal_of(stage: Stage) -> Path:
    return stage.site.directory / "var" / "journal.db"


@asynccontextmanager
async def full(stage: Stage) -> AsyncIterator[str]:
    """No file of the daemon may grow beyond a page: neither database nor spool nor log."""
    pid, without = await stage.there(), resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (PAGE, without))
    yield "can't be written"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (without, without))


@asynccontextmanager
async def locked(stage: Stage) -> AsyncIterator[str]:
    """Another program writes, and doesn't come to an end."""
    with closing(sqlite3.connect(journal_of(stage), timeout=20)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield "end that program"
        other.rollback()


@asynccontextmanager
async def read_only(stage: Stage) -> AsyncIterator[str]:
    """The daemon that comes next may not write the file."""
    journal_of(stage).chmod(0o400)
    await stage.killed()
    yield "must be writable"
    journal_of(stage).chmod(0o600)


@asynccontextmanager
async def corrupt(stage: Stage) -> AsyncIterator[str]:
    """The daemon that comes next finds a file that is no database; it is moved away, as the alarm says."""
    file, pid = journal_of(stage), await stage.there()
    os.kill(pid, signal.SIGKILL)
    with closing(sqlite3.connect(file, timeout=5)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as opened:
        header = opened.read(HEADER)
        opened.seek(0)
        opened.write(Random(SEED).randbytes(HEADER))
    await stage.there(other_than=pid)
    yield "move the file"
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    broken = file.with_name(f"broken-{time.monotonic_ns()}.db")
    file.rename(broken)
    with broken.open("r+b") as opened:  # for who looks into it afterwards
        opened.write(header)


Harm = Callable[[Stage], AbstractAsyncContextManager[str]]
HARMS: tuple[Harm, ...] = (full, locked, read_only, corrupt)


@pytest.mark.parametrize("harm", HARMS if LONG else (locked, corrupt))
async def test_calls_go_on_and_nothing_is_missing(site: SiteUp, harm: Harm) -> None:
    async with staged(site, SEED, lambda number: Manners()) as stage:
        await stage.there()
        began = time.time()
        first = await stage.dial(number_of("line"))
        visit = await stage.rung("line", began)
        await stage.together(first, "line", visit)
        second = await stage.dial(number_of("line"))
        await stage.waits(second, "waiting")
        async with harm(stage) as word:
            await stage.until(lambda: alarmed(stage, began, word), NOTICED_WITHIN, f"an alarm says: {word}", "fact")
            since = time.time()
            newcomer = await stage.dial(number_of("talk"))
            other = await stage.rung("talk", since)
            await stage.together(newcomer, "talk", other)
            stage.desks["talk"].hang_up(other)
            await stage.together(first, "line", visit)
            await stage.waits(second, "waiting")
            since = time.time()
            stage.desks["line"].hang_up(visit)
            visit = await stage.rung("line", since)
            await stage.together(second, "line", visit)
        await stage.until(
            lambda: alarmed(stage, began, "is written again"), NOTICED_WITHIN, "it is written again", "fact"
        )
        stage.desks["line"].hang_up(visit)
        callers = [second, newcomer]
        if harm is corrupt:  # a conversation that only the moved file knows of goes on, and ends unwritten
            (moved,) = journal_of(stage).parent.glob("broken-*.db")
            assert "CallConnected" in kinds_of(moved, first)
        else:
            callers.append(first)
        await stage.until(lambda: not missing(stage, callers), 10, "each call is in the journal, once", "fact")


async def alarmed(stage: Stage, since: float, word: str) -> bool:
    """Whether the newest alarm of the journal's says something."""
    status = await stage.status()
    reasons = [one.reason for one in status.alarms if one.kind == "disk" and one.at >= since - 1] if status else []
    return bool(reasons) and word in reasons[-1]


def missing(stage: Stage, calls: list[Dialled]) -> list[str]:
    """The calls that are not in the journal once each, talked with, from the arrival to the end."""
    stories = [kinds_of(journal_of(stage), call) for call in calls]
    return [" ".join(story) for story in stories if tuple(one for one in story if one in WHOLE) != WHOLE]


def kinds_of(file: Path, call: Dialled) -> list[str]:
    """What a journal says of a caller's call, in order."""
    sql = (
        "SELECT kind FROM fact WHERE call IN (SELECT call FROM fact WHERE kind = 'CallArrived' "
        "AND json_extract(details, '$.caller_number') = ?) ORDER BY seq"
    )
    with closing(sqlite3.connect(file, timeout=5)) as database:
        return [str(kind) for (kind,) in database.execute(sql, (call.caller,))]
