"""How long a free agent's phone stays silent while people wait: from the BYE with which a phone ends a conversation to the next INVITE to
the same phone, both captured on the wire. 200 callers wait, 50 agents talk for a second each, 50 calls a second come: nobody has wrap-up.

The peer is Asterisk's Queue() with retry=1, the smallest there is. Needs the right to capture (root). Each run is a series of its own, of
callhandler and of Queue() in turn; what is told is the median of their percentiles, and their spread.

    python -m bench.match [--quick] [--only callhandler|queue] [--runs 5] [--seconds 10] [--base-port 20000]
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.calling.hall import Hall, Side
from bench.common import BASE_PORT, machine, percentile, report, table
from bench.tap import Tap
from tests.live.ear import only_ports

AGENTS, WAITING, RATE, TALK = 50, 200, 50, 1.0
SETTLED = 3.0
"""Seconds after the burst of callers at the beginning in which nothing is measured."""
_START = re.compile(rb"(INVITE|BYE) sip:")
_HEADERS = {name: re.compile(rb"^%s:[^\r\n]*?sip:([0-9]+)@" % name, re.MULTILINE) for name in (b"From", b"To")}
_CALL = re.compile(rb"^Call-ID: ([^\r\n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Request:
    """An INVITE to a phone or a phone's BYE, when it was first on the wire."""

    method: str
    phone: str
    at: float


def requests(frames: list[tuple[float, bytes]]) -> list[Request]:
    """The first of each INVITE and BYE (on loopback too there is an Ethernet header)."""
    seen: set[tuple[bytes, bytes]] = set()
    found = []
    for at, frame in frames:
        message = frame[14 + (frame[14] & 15) * 4 + 8 :]
        start, call = _START.match(message), _CALL.search(message)
        if start is None or call is None or (start[1], call[1]) in seen:
            continue
        seen.add((start[1], call[1]))
        who = _HEADERS[b"To" if start[1] == b"INVITE" else b"From"].search(message)
        if who is not None:
            found.append(Request(start[1].decode(), who[1].decode(), at))
    return found


def silences(wire: list[Request], first: float, last: float) -> list[float]:
    """Seconds from each phone's BYE between two times to its next INVITE."""
    freed: dict[str, float] = {}
    found = []
    for one in wire:
        if one.method == "BYE":
            freed[one.phone] = one.at
        elif (at := freed.pop(one.phone, None)) is not None and first <= at <= last:
            found.append(one.at - at)
    return found


def run(side: Side, number: int, seconds: float) -> list[float]:
    """One run: the line is filled at once, then kept filled."""
    name = f"49{number}"
    phones = side.office.phones
    with Tap(lambda tap: only_ports(tap, phones, phones)) as tap:
        start = time.time()
        burst = side.sipp.call(name + "0", "5000", 100, WAITING + AGENTS)
        time.sleep((WAITING + AGENTS) / 100)
        steady = side.sipp.call(name + "1", "5000", RATE, round(RATE * (seconds + SETTLED)), crowd=1)
        for process in (burst, steady):
            process.wait(120)
    wire = requests(tap.frames)
    began = start + (WAITING + AGENTS) / 100 + SETTLED
    return silences(wire, began, began + seconds)


def figures(runs: list[list[float]]) -> dict[str, float | int | str]:
    """Medians over the runs, and their spread, in milliseconds."""
    row: dict[str, float | int | str] = {"samples": sum(map(len, runs))}
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        values = [percentile(one, share) * 1_000 for one in runs]
        row[f"{name} ms"] = statistics.median(values)
        row[f"{name} of the runs"] = f"{min(values):.1f} to {max(values):.1f}"
    row["max ms"] = max(max(one) for one in runs) * 1_000
    return row


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run of 3 s each")
    parser.add_argument("--only", choices=("callhandler", "queue"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--base-port", type=int, default=BASE_PORT)
    options = parser.parse_args()
    seconds, count = options.seconds or (3.0 if options.quick else 10.0), 1 if options.quick else options.runs
    print(", ".join(str(value) for value in machine().values()), flush=True)
    with tempfile.TemporaryDirectory(prefix="callhandler-bench-") as folder:
        hall = Hall(Path(folder), AGENTS, options.base_port, 0.0, TALK)
        sides = {"callhandler": hall.mine, "queue": hall.theirs}
        sides = {name: side for name, side in sides.items() if options.only in (None, name)}
        found: dict[str, list[list[float]]] = {name: [] for name in sides}
        with hall.ours(), hall.peer():
            for number in range(count):
                for name, side in sides.items():
                    found[name].append(run(side, 100 + number, seconds))
                    table("from a phone's BYE to its next INVITE", {name: figures(found[name][-1:])})
    rows = {name: figures(runs) for name, runs in found.items()}
    table("from a phone's BYE to its next INVITE", rows)
    report(
        "match",
        {k: v for k, v in rows.items() if k == "callhandler"},
        {k: v for k, v in rows.items() if k == "queue"},
        quick=options.quick,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
