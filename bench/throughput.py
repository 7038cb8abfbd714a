"""How many calls a second go through, without one failing: callhandler, Asterisk's Queue() and a bare Dial(), on equal phones.

A call is the whole way in: answered, menu, key 1, line, an agent's phone rings, is answered, 2 s of talk, the agent hangs up, the caller is
hung up on, wrap-up; callhandler's must stand in the journal as answered. Dial() has no menu and no line: it is the floor. In each run the
three are called in turn at rising rates, so that what else the machine does strikes all of them, and each drops out with its first failed
call: one that SIPp calls failed, for whom no phone rang within a minute of dialling, or who was not talked to. Then a fresh callhandler
gets 1.5 times what the agents can take: everybody must be served, in order. Every run starts everything anew; told are the medians of the
runs, and their spread.

    python -m bench.throughput [--quick] [--only ladder|overload] [--runs 5] [--rates 180,200] [--seconds 12] [--base-port 20000]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.calling.crowd import Contender, Crowd
from bench.calling.hall import Hall
from bench.common import BASE_PORT, machine, report, table

RATES = (160, 180, 200, 225, 250, 280, 315, 353, 395, 441, 495, 555, 620)
"""Calls a second, each 1.12 times the one before: two further is 1.25 times as many."""
QUICK = (140,)
AGENTS = 400
TALK, WRAP_UP = 2.0, 0.1
SPREAD = " of the runs"
SYSTEMS = ("callhandler", "queue", "dial")
Figures = dict[str, float | int | str]


def ladder(hall: Hall, rates: Sequence[int], seconds: float) -> list[Crowd]:
    """Call all three in turn at each rate; who has failed once isn't called any more."""
    found: list[Crowd] = []
    with hall.ours() as system, hall.peer() as other:
        standing = [
            Contender("callhandler", system, hall.mine, "5000"),
            Contender("queue", other, hall.theirs, "5000"),
            Contender("dial", other, hall.theirs, "5001"),
        ]
        for rate in rates:
            crowds = []
            for contender in standing:
                crowds.append(contender.call(rate, round(rate * seconds)))
                time.sleep(1.0)
            if not crowds:
                break
            table(f"{rate} a second", {crowd.system: crowd.row() for crowd in crowds})
            failed = {crowd.system for crowd in crowds if crowd.failed}
            standing = [contender for contender in standing if contender.name not in failed]
            found += crowds
    return found


def overload(hall: Hall, agents: int, seconds: float) -> Crowd:
    """Call callhandler alone with 1.5 times what the agents can take."""
    rate = 1.5 * agents / (TALK + WRAP_UP)
    with hall.ours() as system:
        crowd = Contender("callhandler", system, hall.mine, "5000").call(rate, round(rate * seconds))
    table("1.5 times what the agents can take", {crowd.system: crowd.row()})
    return crowd


def highest(crowds: Sequence[Crowd], system: str) -> float:
    """The highest rate of one run up to which a system has failed no call."""
    return max((crowd.rate for crowd in crowds if crowd.system == system and not crowd.failed), default=0.0)


def figures(crowds: Sequence[Crowd]) -> Figures:
    """Equal crowds of several runs: medians, and spread."""
    asks: dict[str, Callable[[Crowd], float]] = {
        "Asterisk ms/call": lambda crowd: crowd.asterisk_ms,
        "daemon ms/call": lambda crowd: crowd.daemon_ms,
        "daemon/Asterisk": lambda crowd: crowd.daemon_ms / crowd.asterisk_ms,
        "machine busy": lambda crowd: crowd.busy,
        "wait p50 ms": lambda crowd: crowd.wait_p50,
        "wait p99 ms": lambda crowd: crowd.wait_p99,
        "reached p50 ms": lambda crowd: crowd.reached_p50,
        "reached p99 ms": lambda crowd: crowd.reached_p99,
    }
    row: Figures = {
        "runs": len(crowds),
        "calls": sum(crowd.calls for crowd in crowds),
        "failed": ", ".join(str(crowd.failed) for crowd in crowds),
        "overtaken": ", ".join("-" if crowd.overtaken is None else str(crowd.overtaken) for crowd in crowds),
        "overtaken ringing": ", ".join(
            "-" if one.overtaken_ringing is None else str(one.overtaken_ringing) for one in crowds
        ),
    }
    for name, ask in asks.items():
        values = [ask(crowd) for crowd in crowds]
        row[name] = statistics.median(values)
        row[name + SPREAD] = f"{min(values):.2f} to {max(values):.2f}"
    return row


def summary(ladders: Sequence[Sequence[Crowd]], overloads: Sequence[Crowd]) -> dict[str, dict[str, Figures]]:
    """All rows of each system."""
    rows: dict[str, dict[str, Figures]] = {system: {} for system in SYSTEMS}
    crowds = [crowd for ladder in ladders for crowd in ladder]
    for system in SYSTEMS:
        alike = [crowd for crowd in crowds if crowd.system == system]
        for rate in sorted({crowd.rate for crowd in alike}):
            rows[system][f"{system}, {rate:g} a second"] = figures([crowd for crowd in alike if crowd.rate == rate])
    if overloads:
        name = f"callhandler, {overloads[0].rate:.0f} a second: 1.5 times what the agents can take"
        rows["callhandler"][name] = figures(overloads)
    return rows


def ceilings(ladders: Sequence[Sequence[Crowd]]) -> dict[str, Figures]:
    """The highest rate without a failed call of each system in each run, and callhandler's as a share of the peers'."""
    best = {system: [highest(ladder, system) for ladder in ladders] for system in SYSTEMS}
    rows: dict[str, Figures] = {}
    for system, rates in best.items():
        shares = [mine / theirs for mine, theirs in zip(best["callhandler"], rates, strict=True) if theirs]
        rows[system] = {
            "highest rate without a failed call": statistics.median(rates),
            "of the runs": ", ".join(f"{rate:g}" for rate in rates),
            "callhandler's share of it": ", ".join(f"{share:.2f}" for share in shares),
        }
    return rows


def _columns(rows: Mapping[str, Figures], spreads: bool) -> dict[str, Figures]:
    """The columns that tell a spread, or all others."""
    return {
        name: {key.removesuffix(SPREAD): value for key, value in row.items() if key.endswith(SPREAD) == spreads}
        for name, row in rows.items()
    }


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run of one rate, 3 s each")
    parser.add_argument("--only", choices=("ladder", "overload"))
    parser.add_argument("--runs", type=int)
    parser.add_argument("--rates", type=lambda text: tuple(map(int, text.split(","))), help="such as 180,200,225")
    parser.add_argument("--seconds", type=float, help="of each rate; overload has two thirds of it")
    parser.add_argument("--agents", type=int, default=AGENTS)
    parser.add_argument("--base-port", type=int, default=BASE_PORT)
    options = parser.parse_args()
    seconds = options.seconds or (3.0 if options.quick else 12.0)
    rates, runs = options.rates or (QUICK if options.quick else RATES), options.runs or (1 if options.quick else 5)
    print(", ".join(str(value) for value in machine().values()), flush=True)
    ladders, overloads = [], []
    with tempfile.TemporaryDirectory(prefix="callhandler-bench-") as folder:
        hall = Hall(Path(folder), options.agents, options.base_port, WRAP_UP, TALK)
        for _ in range(runs):
            if options.only != "overload":
                ladders.append(ladder(hall, rates, seconds))
            if options.only != "ladder":
                overloads.append(overload(hall, options.agents, seconds / 1.5))
    rows = summary(ladders, overloads)
    for system, found in rows.items():
        if found:
            table(f"{system}, medians", _columns(found, spreads=False))
            table(f"{system}, least and most of the runs", _columns(found, spreads=True))
    if ladders:
        best = ceilings(ladders)
        table("highest rate without a failed call", best)
        for system in SYSTEMS:
            rows[system][system] = best[system]
    report("throughput", rows["callhandler"], rows["queue"] | rows["dial"], quick=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
