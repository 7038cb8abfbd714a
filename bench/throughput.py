"""How many calls a second go through, without one failing: callhandler, Asterisk's Queue() and a bare Dial(), on the same phones.

A call is the whole way in: answered, menu, key 1, line, an agent's phone rings, is answered, 2 s of talk, the agent hangs up, the caller is
hung up on, wrap-up; callhandler's must stand in the journal as answered. Dial() has no menu and no line: it is the floor. Rates rise until
the first call fails: one that SIPp calls failed, whose caller waited a minute, or who was not talked to. Then callhandler gets 1.5 times
what the agents can take: everybody must be served. Who was overtaken by more than 50 ms is told as SIPp saw it, from key to INVITE: the
keys of a full machine don't reach the daemon in the order in which they were pressed.

    python -m bench.throughput [--quick] [--only callhandler|queue|dial|overload] [--rates 60,140] [--seconds 12] [--base-port 26000]
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.common import (
    BASE_PORT,
    PHONES,
    Office,
    Sipp,
    System,
    busy,
    cpu,
    machine,
    ours,
    peer,
    percentile,
    report,
    table,
)
from callhandler.site.loading import LoadedSite
from callhandler.store.queries import last_calls
from callhandler.store.sources import open_source

RATES = (60, 100, 140, 160, 180, 200, 220, 240, 270, 300, 340, 380)
QUICK = (60, 140)
AGENTS = 400
TALK, WRAP_UP = 2.0, 0.1
DRAIN = 100.0
"""Seconds after the last call in which all must be over; callers give up by themselves after 60."""


@dataclass(frozen=True, slots=True)
class Run:
    """One rate of one system."""

    rate: float
    calls: int
    failed: int
    seconds: float
    asterisk_ms: float
    daemon_ms: float
    busy: float
    wait_p50: float
    wait_p99: float
    overtaken: int

    def row(self) -> dict[str, float | int]:
        """The figures as they are printed and kept."""
        return {
            "calls": self.calls,
            "failed": self.failed,
            "Asterisk ms/call": self.asterisk_ms,
            "daemon ms/call": self.daemon_ms,
            "machine busy": self.busy,
            "wait p50 ms": self.wait_p50,
            "wait p99 ms": self.wait_p99,
        }


class Ladder:
    """One system under rising rates."""

    def __init__(self, system: System, sipp: Sipp, loaded: LoadedSite, dialled: str, first: int) -> None:
        self._system, self._sipp, self._loaded = system, sipp, loaded
        self._dialled = dialled
        self._run = first

    def climb(self, rates: tuple[int, ...], seconds: float) -> list[Run]:
        """Run each rate until one fails."""
        runs: list[Run] = []
        for rate in rates:
            runs.append(self.one(rate, round(rate * seconds)))
            name = f"{rate} a second"
            table(f"{self._system.name}, {self._dialled}", {name: runs[-1].row()})
            if runs[-1].failed:
                break
            time.sleep(1.0)
        return runs

    def one(self, rate: float, calls: int) -> Run:
        """Let `calls` callers dial at a rate, and wait until all is over."""
        self._run += 1
        name = f"49{self._run}"  # strangers, whose numbers are no phones of ours
        before, start = self._spent(), time.monotonic()
        process = self._sipp.call(name, self._dialled, rate, calls)
        process.wait(calls / rate + DRAIN)
        over = time.monotonic() - start
        self._settled()
        after = self._spent()
        asterisk, daemon, used, there = (b - a for a, b in zip(before, after, strict=True))
        talked = {line.number for line in self._sipp.lines(PHONES) if line.event == "talked"}
        callers = self._sipp.lines(f"callers-{name}")
        good = {line.number for line in callers if line.event == "over"} & talked & self._answered(name)
        if len(good) < calls:
            print(self._sipp.trouble(f"callers-{name}"), self._sipp.trouble(PHONES), sep="\n")
        waits, overtaken = self._waits(name)
        return Run(
            rate,
            calls,
            calls - len(good),
            over,
            asterisk / calls * 1_000,
            daemon / calls * 1_000,
            used / there,
            percentile(waits, 0.5) * 1_000,
            percentile(waits, 0.99) * 1_000,
            overtaken,
        )

    def _spent(self) -> tuple[float, float, float, float]:
        system = self._system
        return cpu(system.asterisk), cpu(system.daemon) if system.daemon else 0.0, *busy()

    def _settled(self) -> None:
        """Wait until the last wrap-up is over and everything stands in the journal."""
        time.sleep(0.3)
        client = self._system.client
        while client is not None and client.status().journal_backlog:
            time.sleep(0.02)

    def _answered(self, name: str) -> set[str]:
        """Callers who stand in the journal as answered; for the peers, everybody."""
        if self._system.client is None:
            return {line.number for line in self._sipp.lines(f"callers-{name}")}
        with open_source(self._loaded.site.daemon.database, self._loaded.directory) as journal:
            records = last_calls(journal, 100_000)
        return {
            one.caller_number for one in records if one.outcome == "answered" and one.caller_number.startswith(name)
        }

    def _waits(self, name: str) -> tuple[list[float], int]:
        """From each caller's key to the agent's INVITE, as SIPp saw both; and how many were served before one who came earlier by 50 ms."""
        rang = {line.number: line.at for line in self._sipp.lines(PHONES) if line.event == "rang"}
        came = [line for line in self._sipp.lines(f"callers-{name}") if line.event == "pressed" and line.number in rang]
        latest, overtaken = 0.0, 0
        for line in sorted(came, key=lambda line: line.at):
            overtaken += rang[line.number] < latest - 0.05
            latest = max(latest, rang[line.number])
        return [rang[line.number] - line.at for line in came], overtaken


def highest(runs: list[Run]) -> float:
    """The highest rate up to which no call failed."""
    return max((run.rate for run in runs if not run.failed), default=0.0)


def measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, list[Run]], Run | None]:
    """Run what was asked for; returns the runs of each system, and the overload."""
    office = Office(folder, options.agents, options.base_port, WRAP_UP)
    loaded = office.build()
    sipp = Sipp(office, loaded)
    rates = options.rates or (QUICK if options.quick else RATES)
    found: dict[str, list[Run]] = {}
    overload = None
    with ours(loaded, sipp, TALK) as system:  # first, always: it speaks the menu that the peers play
        if options.only in (None, "callhandler"):
            found["callhandler"] = Ladder(system, sipp, loaded, "5000", 100).climb(rates, options.seconds)
        if options.only in (None, "overload"):
            rate = 1.5 * options.agents / (TALK + WRAP_UP)
            overload = Ladder(system, sipp, loaded, "5000", 200).one(rate, round(rate * options.seconds / 1.5))
    for number, (name, dialled) in enumerate((("queue", "5000"), ("dial", "5001"))):
        if options.only in (None, name):
            with peer(loaded, sipp, TALK) as system:
                found[name] = Ladder(system, sipp, loaded, dialled, 300 + 100 * number).climb(rates, options.seconds)
    return found, overload


def main() -> int:
    """Measure, print, write; fails where callhandler lost a call under overload."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rates, 4 s each")
    parser.add_argument("--only", choices=("callhandler", "queue", "dial", "overload"))
    parser.add_argument("--rates", type=lambda text: tuple(map(int, text.split(","))), help="such as 60,140,180")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--agents", type=int, default=AGENTS)
    parser.add_argument("--base-port", type=int, default=BASE_PORT)
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    options = parser.parse_args()
    options.seconds = options.seconds or (4.0 if options.quick else 12.0)
    print(", ".join(str(value) for value in machine().values()), flush=True)
    with tempfile.TemporaryDirectory(prefix="callhandler-bench-") as temporary:
        found, overload = measure(options, options.keep or Path(temporary))
    best = {name: highest(runs) for name, runs in found.items()}
    rows = {f"{name}, {run.rate:g} a second": run.row() for name, runs in found.items() for run in runs}
    if overload is not None:
        rows[f"callhandler, {overload.rate:.0f} a second: 1.5 times what the agents can take"] = overload.row()
        print(f"\nunder overload: {overload.failed} failed, {overload.overtaken} overtaken")
    table("throughput", rows)
    print("\nhighest rate without a failed call: " + ", ".join(f"{name} {rate:g}" for name, rate in best.items()))
    ours_alone = {name: row for name, row in rows.items() if name.startswith("callhandler")}
    peers = {name: row for name, row in rows.items() if name not in ours_alone}
    highest_rates = {name: {"highest rate without a failed call": rate} for name, rate in best.items()}
    report(
        "throughput",
        ours_alone | {name: row for name, row in highest_rates.items() if name == "callhandler"},
        peers | {name: row for name, row in highest_rates.items() if name != "callhandler"},
    )
    return 0 if overload is None or not overload.failed else 1


if __name__ == "__main__":
    sys.exit(main())
