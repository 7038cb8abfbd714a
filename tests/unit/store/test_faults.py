"""Whatever happens to the journal's file, and the daemon killed in the middle of it: what was said to be kept is there, in order, once.

Each round a program writes, is done harm to, and is killed with -9. By default each kind of harm once; the long form is
`CHAOS_ROUNDS=200 pytest tests/unit/store/test_faults.py`. CHAOS_SEED makes other choices.
"""

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from callhandler.store.journal import Journal

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "5"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
WRITER = Path(__file__).parent / "busy_writer.py"
URL = "sqlite:///var/journal.db"
# A user whom permissions don't bind, such as root, gives that privilege up, so that a file can be read-only at all.
BOUND = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []


class Writing:
    """A running busy_writer.py, and what it has said."""

    def __init__(self, site: Path, round_: int, seed: int) -> None:
        command = [*BOUND, sys.executable, str(WRITER), str(site), str(round_), str(seed)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.kept = 0
        self.alarms: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("alarm: ") and line.endswith("\n"):
                self.alarms.append(line.strip())
            elif line.strip().isdigit() and line.endswith("\n"):
                self.kept = int(line)

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 120
        while not condition():
            assert self.process.poll() is None, "the writer died by itself"
            assert time.monotonic() < end, (self.kept, self.alarms)
            time.sleep(0.002)

    def until_more_is_kept(self) -> None:
        had = self.kept
        self.until(lambda: self.kept > had)

    def until_troubled(self, word: str) -> None:
        self.until(lambda: bool(self.alarms) and word in self.alarms[-1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)
        self._reading.join(60)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def nothing(site: Path, writing: Writing) -> Iterator[None]:
    writing.until_more_is_kept()
    yield


@contextmanager
def full(site: Path, writing: Writing) -> Iterator[None]:
    """No file may grow beyond a page: the database can't be written, nor can the spool, for long."""
    writing.until_more_is_kept()
    none = resource.RLIM_INFINITY
    resource.prlimit(writing.process.pid, resource.RLIMIT_FSIZE, (4_096, none))
    writing.until_troubled("can't be written")
    yield
    if writing.process.poll() is None:
        resource.prlimit(writing.process.pid, resource.RLIMIT_FSIZE, (none, none))


@contextmanager
def locked(site: Path, writing: Writing) -> Iterator[None]:
    writing.until_more_is_kept()
    other = sqlite3.connect(site / "var/journal.db", timeout=20)
    other.execute("BEGIN IMMEDIATE")
    writing.until_troubled("end that program")
    writing.until_more_is_kept()  # in the spool
    yield
    other.rollback()
    other.close()


@contextmanager
def read_only(site: Path, writing: Writing) -> Iterator[None]:
    writing.until_troubled("must be writable")
    writing.until_more_is_kept()
    yield
    (site / "var/journal.db").chmod(0o600)


@contextmanager
def corrupt(site: Path, writing: Writing) -> Iterator[None]:
    writing.until_troubled("move the file")
    writing.until_more_is_kept()
    yield
    name = f"var/broken-{time.monotonic_ns()}"
    (site / "var/journal.db").rename(site / f"{name}.db")
    (site / "var/header").rename(site / f"{name}.header")


HARMS = (nothing, full, locked, read_only, corrupt)


def prepare(site: Path, harm: object) -> None:
    """Do what is done to a file that nobody has open. A corrupt one loses its first bytes, which `repaired` puts back."""
    file = site / "var/journal.db"
    if harm is read_only:
        file.chmod(0o400)
    if harm is corrupt:
        database = sqlite3.connect(file)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        with file.open("r+b") as opened:
            (site / "var/header").write_bytes(opened.read(100))
            opened.seek(0)
            opened.write(Random(SEED).randbytes(100))


def reasons(file: Path) -> list[str]:
    database = sqlite3.connect(file)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = [reason for (reason,) in database.execute("SELECT reason FROM fact ORDER BY seq")]
    database.close()
    return found


def repaired(site: Path) -> list[str]:
    """Return what is in the files that were moved away, oldest first, their first bytes put back."""
    found = []
    for file in sorted((site / "var").glob("broken-*.db")):
        with file.open("r+b") as opened:
            opened.write(file.with_suffix(".header").read_bytes())
        found += reasons(file)
    return found


def caught_up(site: Path) -> None:
    """Start a journal and stop it."""

    async def once() -> None:
        async with Journal(URL, "pbx1", site):
            pass

    asyncio.run(once())


@pytest.mark.timeout(400 + 5 * ROUNDS)
def test_nothing_that_was_kept_is_lost(site: Path) -> None:
    caught_up(site)
    random = Random(SEED)
    kept: list[int] = []
    for round_ in range(ROUNDS):
        harm = HARMS[round_ % len(HARMS)]
        prepare(site, harm)
        writing = Writing(site, round_, random.randrange(10**6))
        try:
            with harm(site, writing):
                time.sleep(random.uniform(0.02, 0.1))
                if round_ % 2:  # in the middle of the trouble; of five harms, each comes to it every other time
                    writing.kill()
            if round_ % 2 == 0:
                if writing.alarms:
                    writing.until_troubled("again")
                writing.until_more_is_kept()
                time.sleep(random.random() * 0.03)
        finally:
            writing.kill()
        kept.append(writing.kept)
    caught_up(site)  # what the last one had to leave in its spool
    found = [reason.split(":") for reason in repaired(site) + reasons(site / "var/journal.db")]
    lost = 0
    for round_, count in enumerate(kept):
        numbers = [int(number) for of_round, number in found if of_round == str(round_)]
        assert numbers == list(range(len(numbers))), f"round {round_}: doubled, lost or out of order"
        lost += max(0, count - len(numbers))
    assert lost == 0
    assert min(kept) > 0
    assert [int(of_round) for of_round, _ in found] == sorted(int(of_round) for of_round, _ in found)
