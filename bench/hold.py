"""What it costs to have 300 callers wait for two minutes, and how punctually they are spoken to: callhandler's check-ins beside the
announcements of Asterisk's Queue(), in the same Asterisk, with the same music, codec and callers, who send back all audio that they get.

Ten agents are logged in and on break, so nobody is answered. What was said is heard: every caller's audio is looked through for the phrases
that either system has (spoken.py), and callhandler's journal is asked besides. A word is late against its own system's figure: here
`check_in_aim` (60 s) after the end of the word before, there `periodic-announce-frequency` (60 s) after the beginning of the periodic
announcement before, or of the first words of all. Silence is the time without any word, whatever it was; the last one lasts until the
callers hang up.
Needs the right to capture (root).

    python -m bench.hold [--quick] [--only callhandler|queue] [--runs 3] [--callers 300] [--base-port 20000]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.common import (
    BASE_PORT,
    Figures,
    Office,
    Sipp,
    System,
    cpu,
    machine,
    memory,
    ours,
    peer,
    percentile,
    report,
    table,
)
from bench.spoken import Ear, Heard, gaps, stored
from callhandler.asterisk.pbx.get import ensure_asterisk
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.telling import Silent
from callhandler.core.events import CheckedIn, CheckInBreached
from callhandler.site.loading import LoadedSite
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import facts_where
from callhandler.store.sources import open_source

AGENTS, RATE, RTP_PORTS = 10, 100, 1_000
DIALLED = "5002"
PERIODIC, FREQUENCY = "queue-periodic-announce", "periodic-announce-frequency = "
SITE = """
[numbers.5002]
enters = "queue:line"

[waiting]
check_in_aim = {aim}
check_in_at_most = {most}
"""
"""What the site file says besides; in the whole form the figures are those that a site has by itself."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The figures of a run, in seconds: how long the callers wait, when a word is aimed at, and what is promised."""

    waits: float
    aim: int
    most: int


WHOLE, QUICK = Promise(120.0, 60, 90), Promise(8.5, 2, 20)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one system."""

    callers: int
    silent_callers: int
    asterisk: float
    daemon: float
    asterisk_pss: float
    daemon_pss: float
    late: list[float]
    """Seconds by which each word was late, of all callers."""
    silences: list[float]
    """The longest silence of each caller, in seconds."""
    late_by_journal: float | None
    """The worst lateness by the journal, in seconds, which only callhandler has."""
    breaches: int

    def row(self) -> dict[str, float | int | str]:
        """The figures as they are printed and kept."""
        return {
            "callers": self.callers,
            "heard nothing": self.silent_callers,
            "Asterisk CPU s": self.asterisk,
            "daemon CPU s": self.daemon,
            "Asterisk MB": self.asterisk_pss,
            "daemon MB": self.daemon_pss,
            "words": len(self.late),
            "late p50 s": percentile(self.late, 0.5),
            "late p99 s": percentile(self.late, 0.99),
            "late worst s": max(self.late, default=0.0),
            "silence p50 s": percentile(self.silences, 0.5),
            "silence worst s": max(self.silences, default=0.0),
            "by journal s": "-" if self.late_by_journal is None else self.late_by_journal,
            "breaches": self.breaches,
        }


class Wait:
    """Runs of one system."""

    def __init__(self, system: System, sipp: Sipp, office: Office, loaded: LoadedSite, promise: Promise) -> None:
        self._system, self._sipp, self._office, self._loaded = system, sipp, office, loaded
        self._promise = promise
        self._phrases = phrases(loaded)

    def run(self, name: str, callers: int) -> Run:
        """Have all callers come within seconds, wait, and hang up."""
        system = self._system
        arriving = callers / RATE
        with Ear(self._office.callers + 2, self._phrases) as ear:
            before, start = self._spent(), time.time()
            process = self._sipp.wait(name, DIALLED, RATE, callers, arriving + self._promise.waits + 1)
            time.sleep(arriving + self._promise.waits)
            after, until = self._spent(), time.time()
            pss = memory(system.asterisk)[0], memory(system.daemon)[0] if system.daemon else 0.0
            if process.wait(arriving + 60) != 0:
                raise RuntimeError(f"not every caller could wait: {self._sipp.trouble(f'callers-{name}')}")
        heard = ear.heard()
        words = [line for line in heard.values() if line]
        asterisk, daemon = (b - a for a, b in zip(before, after, strict=True))
        silences = [max(gaps(line, until)) for line in words]
        evidence = (None, 0) if system.client is None else self._journal(start)
        return Run(callers, callers - len(words), asterisk, daemon, *pss, self._late(words), silences, *evidence)

    def _spent(self) -> tuple[float, float]:
        return cpu(self._system.asterisk), cpu(self._system.daemon) if self._system.daemon else 0.0

    def _late(self, words: list[list[Heard]]) -> list[float]:
        """By how much each check-in or periodic announcement began later than its system's own figure says."""
        if self._system.client is not None:
            return [
                gap - self._promise.aim
                for line in words
                for gap in gaps(line, line[-1].end)
                if gap > self._promise.aim / 2
            ]
        times = [[line[0].start, *(one.start for one in line if one.phrase == PERIODIC)] for line in words]
        return [later - earlier - self._promise.aim for line in times for earlier, later in pairwise(line)]

    def _journal(self, since: float) -> tuple[float, int]:
        """The worst of these by the facts of the journal, and how often more was promised than kept."""
        with open_source(self._loaded.site.daemon.database, self._loaded.directory) as journal:
            clause = "WHERE kind IN ('CheckedIn', 'CheckInBreached') AND at >= :since ORDER BY seq"
            facts = [stored.fact for stored in facts_where(journal, clause, since=milliseconds(since))]
        ends: dict[str, float] = {}
        worst = 0.0
        for fact in facts:
            if isinstance(fact, CheckedIn):
                if fact.call in ends:
                    worst = max(worst, fact.started - ends[fact.call] - self._promise.aim)
                ends[fact.call] = fact.at
        return worst, sum(isinstance(fact, CheckInBreached) for fact in facts)


def phrases(loaded: LoadedSite) -> dict[str, bytes]:
    """All that either system could say to somebody in line."""
    own = sorted((loaded.directory / "var" / "sounds" / "en").glob("std-*.ulaw"))
    program = ensure_asterisk(loaded.site.asterisk.program, Silent()).sounds["en"]
    asterisks = [*sorted(program.glob("queue-*.wav")), *sorted(program.glob("digits/*.wav"))]
    return {path.stem: stored(path) for path in (*own, *asterisks)}


@contextmanager
def on_break(loaded: LoadedSite, sipp: Sipp, promise: Promise) -> Iterator[System]:
    """callhandler, all its agents on break."""
    with ours(loaded, sipp, 60.0) as system:
        assert system.client is not None
        for agent in loaded.site.agents:
            system.client.pause(agent, "lunch")
        yield system


@contextmanager
def paused(loaded: LoadedSite, sipp: Sipp, promise: Promise) -> Iterator[System]:
    """Queue(), all its members paused; with the quick form's shorter figure, if that is meant."""
    program, etc = ensure_asterisk(loaded.site.asterisk.program, Silent()), layout(loaded.directory)["etc"]

    def tell(command: str) -> None:
        asking = [*program.argv, "-C", str(etc / "asterisk.conf"), "-rx", command]
        subprocess.run(asking, check=True, capture_output=True, timeout=10)

    with peer(loaded, sipp, 60.0, asked=0.0) as system:
        queues = (etc / "queues.conf").read_text()
        (etc / "queues.conf").write_text(queues.replace(f"{FREQUENCY}60", f"{FREQUENCY}{promise.aim}"))
        tell("queue reload all")
        for phone in loaded.site.phones:
            tell(f"queue add member PJSIP/{phone} to patient")
            tell(f"queue pause member PJSIP/{phone} queue patient")
        yield system


def measure(options: argparse.Namespace, folder: Path, promise: Promise, runs: int) -> dict[str, list[Run]]:
    """Run what was asked for; returns the runs of each system."""
    office = Office(folder, AGENTS, options.base_port, 0.0, RTP_PORTS)
    loaded = office.build(SITE.format(aim=promise.aim, most=promise.most))
    sipp = Sipp(office, loaded)
    found: dict[str, list[Run]] = {}
    for first, (name, start) in enumerate((("callhandler", on_break), ("queue", paused))):
        if options.only not in (None, name):
            continue
        with start(loaded, sipp, promise) as system:
            wait = Wait(system, sipp, office, loaded, promise)
            for number in range(runs):
                run = wait.run(f"49{first + 1}{number:02}", options.callers)
                table(f"waiting, {name}", {f"run {number + 1}": run.row()})
                found.setdefault(name, []).append(run)
                if number + 1 < runs:
                    time.sleep(3.0)
    return found


def medians(runs: list[Run]) -> Figures:
    """The median of each figure over the runs, but the worst of what is told as the worst; and the runs' spread of processor time."""
    rows = [run.row() for run in runs]
    row: dict[str, float | int | str] = {"runs": len(runs)}
    for key in rows[0]:
        values = [float(one[key]) for one in rows if one[key] != "-"]
        worst = key.endswith(("worst s", "journal s", "breaches", "nothing"))
        row[key] = "-" if not values else max(values) if worst else statistics.median(values)
    used = [run.asterisk for run in runs]
    return row | {"Asterisk CPU s of the runs": f"{min(used):.1f} to {max(used):.1f}"}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one run, 60 callers, 8.5 s, a word after 2 s: shows that all works, and no more",
    )
    parser.add_argument("--only", choices=("callhandler", "queue"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--callers", type=int)
    parser.add_argument("--base-port", type=int, default=BASE_PORT)
    options = parser.parse_args()
    options.callers = options.callers or (60 if options.quick else 300)
    print(", ".join(str(value) for value in machine().values()), flush=True)
    with tempfile.TemporaryDirectory(prefix="callhandler-bench-") as folder:
        promise, runs = (QUICK, 1) if options.quick else (WHOLE, options.runs)
        found = measure(options, Path(folder), promise, runs)
    rows = {name: medians(runs) for name, runs in found.items()}
    table("waiting", rows)
    report(
        "hold",
        {k: v for k, v in rows.items() if k == "callhandler"},
        {k: v for k, v in rows.items() if k == "queue"},
        quick=options.quick,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
