"""What the daemon needs as calls get more: memory and processor time with 10, 100 and 1,000 calls here (half of them talk, half wait in
line with music and check-ins), and memory after many calls have come and gone. To reach: under 150 MB, and nothing that grows with the
number of calls that are over.

With live calls, and for the first 10,000 that pass through, Asterisk, phones and callers are real. 100,000 pass through a real daemon
whose Asterisk is pretended (pretended.py), at the highest rate that either side of it can do; memory is looked at when nobody is there.
As many live calls at once are pretended, too: that costs a machine next to nothing and shows the daemon alone (7 of 10 talk, 2 wait).

    python -m bench.growth [--quick] [--only live|standing|real|pretended] [--calls 100000] [--base-port 20000]
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.common import BASE_PORT, Figures, Office, Sipp, System, cpu, machine, memory, ours, report, table
from bench.pretended import Pretended
from callhandler.control.client import Client
from callhandler.daemon_process import DaemonProcess
from callhandler.site.loading import LoadedSite

RTP_PORTS = 3_200
PATIENT = """
[queues.patient]
name = "Patient"
fallback = "say:sorry"
steps = [{ wants = "rare" }]

[numbers.5002]
enters = "queue:patient"

[numbers.5003]
enters = "queue:line"

[phones.1999]
password = "of-nobodys-phone"

[agents.7999]
name = "Nobody"
pin = "481516"
phone = "1999"
skills = { rare = 5 }
"""
"""Who dials 5002 waits, for their only agent is on break; who dials 5003 talks at once."""
PASSING, PASSING_STAYS = 20, 2.0
"""Callers a second, who hang up in line after so many seconds, beside those who are here."""
TALKING, WAITING, OTHERS = 0, 5, 8
"""Crowds of callers, so far apart that there is room for their audio between them."""
ARRIVING = 50
AT_ONCE = 60
Rows = dict[str, Figures]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: levels of live calls, seconds at each, real calls that pass, pretended ones, and at how many points."""

    levels: tuple[int, ...]
    seconds: float
    real: int
    rate: int
    pretended: int
    points: int


WHOLE = Size((10, 100, 1_000), 20.0, 10_000, 100, 100_000, 10)
QUICK = Size((20,), 2.0, 0, 0, 1_000, 2)


class Levels:
    """The daemon with more and more live calls."""

    def __init__(self, system: System, sipp: Sipp, size: Size) -> None:
        assert system.daemon is not None
        assert system.client is not None
        self._daemon, self._client, self._sipp, self._size = system.daemon, system.client, sipp, size
        self._run = 0

    def at(self, calls: int) -> Figures:
        """Have so many calls here; look at the daemon while nothing comes, and while others come and go."""
        self._run += 1
        half, seconds, name = calls // 2, self._size.seconds, f"49{self._run}"
        arriving = half / ARRIVING
        stay = arriving + 3 + 2 * seconds + PASSING_STAYS + 2
        crowds = {
            crowd: self._sipp.wait(f"{name}{crowd}", dialled, ARRIVING, half, stay, crowd)
            for crowd, dialled in ((TALKING, "5003"), (WAITING, "5002"))
        }
        time.sleep(arriving + 3)
        idle, (pss, rss) = self._share(seconds), memory(self._daemon)
        counts = self._client.status().counts
        passing = round(PASSING * seconds)
        crowds[OTHERS] = self._sipp.wait(f"{name}{OTHERS}", "5002", PASSING, passing, PASSING_STAYS, OTHERS)
        with_events = self._share(seconds)
        for crowd, process in crowds.items():
            if process.wait(stay + 60) != 0:
                print(f"not every call went as it should: {self._sipp.trouble(f'callers-{name}{crowd}')}")
        return {
            "talking": counts.talking,
            "in line": counts.waiting,
            "PSS MB": pss,
            "RSS MB": rss,
            "idle %": idle,
            f"with {PASSING} a second %": with_events,
            "ms each": (with_events - idle) / PASSING * 10,
        }

    def _share(self, seconds: float) -> float:
        """Per cent of a core that the daemon uses."""
        before = cpu(self._daemon)
        time.sleep(seconds)
        return (cpu(self._daemon) - before) / seconds * 100


def live(folder: Path, base: int, size: Size) -> Rows:
    """The daemon with each number of live calls, beginning with none."""
    office = Office(folder, max(size.levels) // 2, base, 0.0, RTP_PORTS)
    loaded = office.build(PATIENT)
    sipp = Sipp(office, loaded)
    rows: Rows = {}
    with ours(loaded, sipp, 600.0) as system:
        assert system.client is not None
        system.client.pause("7999", "lunch")
        levels = Levels(system, sipp, size)
        for calls in (0, *size.levels):
            rows[f"{calls} live"] = levels.at(calls) if calls else _nobody(system)
            table("live calls", {f"{calls} live": rows[f"{calls} live"]})
            time.sleep(2.0)
    return rows


def _nobody(system: System) -> Figures:
    assert system.daemon is not None
    pss, rss = memory(system.daemon)
    return {"PSS MB": pss, "RSS MB": rss}


def real(folder: Path, base: int, size: Size) -> Rows:
    """The daemon before and after calls that all take the whole way in and talk with an agent."""
    office = Office(folder, 400, base, 0.1, RTP_PORTS)
    loaded = office.build()
    sipp = Sipp(office, loaded)
    rows: Rows = {}
    with ours(loaded, sipp, 2.0) as system:
        rows["0 calls"] = _nobody(system)
        for part in range(1, 5):
            count = size.real // 4
            if sipp.call(f"49{part}", "5000", size.rate, count).wait(count / size.rate + 90) != 0:
                print(f"not every call went well: {sipp.trouble(f'callers-49{part}')}")
            time.sleep(3.0)
            rows[f"{part * count} calls"] = _nobody(system)
    return rows


async def standing(folder: Path, base: int, size: Size) -> Rows:
    """The daemon with each number of pretended live calls."""
    rows: Rows = {}
    loaded = Office(folder, max(size.levels) * 4 // 5, base, 0.0, RTP_PORTS).build(PATIENT)
    asterisk = Pretended(loaded, 25.0 + size.seconds)
    await asterisk.ami.start()
    try:
        async with _daemon(loaded) as (pid, client):
            await asyncio.to_thread(client.pause, "7999", "lunch")
            for calls in (0, *size.levels):
                async with asyncio.TaskGroup() as group:
                    group.create_task(asterisk.run(calls, calls))
                    await asyncio.sleep(20.0 if calls else 0.0)
                    before = cpu(pid)
                    await asyncio.sleep(size.seconds)
                    idle, (pss, rss) = (cpu(pid) - before) / size.seconds * 100, memory(pid)
                    counts = (await asyncio.to_thread(client.status)).counts
                    here: Figures = {"talking": counts.talking, "in line": counts.waiting}
                    rows[f"{calls} pretended live"] = {**here, "PSS MB": pss, "RSS MB": rss, "idle %": idle}
    finally:
        await asterisk.ami.stop()
    table("pretended live calls", rows)
    return rows


async def pretended(folder: Path, base: int, size: Size) -> Rows:
    """The daemon after each tenth of very many calls."""
    loaded = Office(folder, AT_ONCE, base, 0.0, RTP_PORTS).build(PATIENT)
    asterisk = Pretended(loaded)
    await asterisk.ami.start()
    rows: Rows = {}
    try:
        async with _daemon(loaded) as (pid, client):
            await asyncio.to_thread(client.pause, "7999", "lunch")
            for point in range(size.points + 1):
                count, before, start = size.pretended // size.points, cpu(pid), time.monotonic()
                if point:
                    await asterisk.run(count, AT_ONCE)
                took, used = time.monotonic() - start, cpu(pid) - before
                await asyncio.to_thread(_until, lambda: not client.status().journal_backlog)
                await asyncio.sleep(1.0)
                pss, rss = memory(pid)
                name = f"{point * count} calls"
                rows[name] = {
                    "PSS MB": pss,
                    "RSS MB": rss,
                    "calls a second": count / took if point else 0.0,
                    "daemon ms/call": used / count * 1_000 if point else 0.0,
                }
                table("calls that have passed through", {name: rows[name]})
    finally:
        await asterisk.ami.stop()
    return rows


def _until(wanted: Callable[[], object]) -> None:
    for _ in range(300):
        if wanted():
            return
        time.sleep(0.1)
    raise TimeoutError


@asynccontextmanager
async def _daemon(loaded: LoadedSite) -> AsyncIterator[tuple[int, Client]]:
    """The daemon alone, as `up` runs it, connected to AMI; its process and its control client."""
    argv = [sys.executable, "-m", "callhandler", "daemon", "--no-attach", "--site", str(loaded.directory)]
    process = DaemonProcess(argv, loaded.directory / "var" / "daemon.out", loaded.site.daemon.watchdog)
    try:
        await process.start()
        client = Client(loaded.inside(loaded.site.daemon.socket))
        await asyncio.to_thread(_until, lambda: client.status().asterisk_connected)
        assert process.pid is not None
        yield process.pid, client
    finally:
        await process.stop(10.0)
        process.close()


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 live calls, and 1,000 that pass, pretended")
    parser.add_argument("--only", choices=("live", "standing", "real", "pretended"))
    parser.add_argument("--calls", type=int, help="that pass through the pretended Asterisk")
    parser.add_argument("--base-port", type=int, default=BASE_PORT)
    options = parser.parse_args()
    size = QUICK if options.quick else WHOLE
    print(", ".join(str(value) for value in machine().values()), flush=True)
    figures: Rows = {}
    with tempfile.TemporaryDirectory(prefix="callhandler-bench-") as temporary:
        folder, base = Path(temporary), options.base_port
        if options.only in (None, "live"):
            figures |= live(folder / "live", base, size)
        if options.only == "standing" or (options.only is None and not options.quick):
            figures |= uvloop.run(standing(folder / "standing", base, size))
        if options.only in (None, "real") and size.real:
            rows = real(folder / "real", base, size)
            table("real calls that have passed through", rows)
            figures |= {f"{name}, real": row for name, row in rows.items()}
        if options.only in (None, "pretended"):
            figures |= uvloop.run(pretended(folder / "pretended", base, size))
    report("growth", figures, {}, quick=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
