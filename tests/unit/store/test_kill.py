"""A daemon that is killed loses nothing that it was told is kept, and leaves a sound database. With more harm: test_faults.py."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from callhandler.core.events import GapEnded
from callhandler.store.journal import Journal
from callhandler.store.queries import facts_after

WRITER = """
import asyncio, sys
from pathlib import Path
from callhandler.core.events import GapEnded
from callhandler.store.journal import Journal

async def main():
    async with Journal("sqlite:///var/journal.db", "pbx1", Path(sys.argv[1]), settle=0.002) as journal:
        number = int(sys.argv[2])
        while True:
            for _ in range(37):
                journal.append(GapEnded(at=float(number), seconds=0.0, reason=str(number)))
                number += 1
            await journal.flush()
            print(number, flush=True)

asyncio.run(main())
"""


def kill_a_writer(site: Path, first: int, after: float) -> int:
    """Let a writer write, kill it, return the number up to which it said that all is kept."""
    command = [sys.executable, "-c", WRITER, str(site), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = -1
        while said < 0:
            said = number_in(child.stdout.readline())
        time.sleep(after)
        child.kill()
        return max([said, *(number_in(line) for line in child.stdout)])


def number_in(line: str) -> int:
    """Return the number on a whole line, -1 for what is logged and for a line cut short."""
    return int(line) if line.endswith("\n") and line.strip().isdigit() else -1


async def test_four_times_killed(site: Path, open_journal: Callable[..., Journal]) -> None:
    written = 0
    for round_ in range(4):
        said = kill_a_writer(site, written, 0.029 * round_)
        database = sqlite3.connect(site / "var/journal.db")
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        [(greatest, count)] = database.execute("SELECT max(seq), count(*) FROM fact").fetchall()
        database.close()
        assert greatest == count >= said > 0
        written = count
    async with open_journal() as journal:
        found = await journal.ask(facts_after, 0, 10_000_000)
    assert [stored.fact for stored in found] == [
        GapEnded(at=float(number), seconds=0.0, reason=str(number)) for number in range(written)
    ]


async def test_killed_while_the_database_could_not_be_written(site: Path, open_journal: Callable[..., Journal]) -> None:
    (site / "var/journal.db").mkdir()
    said = kill_a_writer(site, 0, 0.2)
    (site / "var/journal.db").rmdir()
    async with open_journal() as journal:
        found = await journal.ask(facts_after, 0, 10_000_000)
    numbers = [int(stored.row.reason or "") for stored in found]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= said > 0
