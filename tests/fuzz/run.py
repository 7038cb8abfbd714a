"""`python -m tests.fuzz.run`: each target on many inputs from one seed; a table, and the inputs that failed as lines for the corpus."""

import argparse
import json
import sys
from pathlib import Path

from tests.fuzz.engine import Outcome, Target, escaped, inputs, tried
from tests.fuzz.running import quiet
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run as told on the command line; the exit code is 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="inputs for each target; fewer for slow ones")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="longest time for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="append the figures to this file, one JSON object a line")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all when none is named: {', '.join(TARGETS)}")
    wanted = parser.parse_args()
    sys.stdout.write(f"{'target':<16}{'inputs':>12}{'a second':>11}{'slowest':>11}  failures (seed {wanted.seed})\n")
    failed = False
    for name in wanted.targets or TARGETS:
        with quiet():
            target = TARGETS[name]
            outcome = tried(target, inputs(target, wanted.inputs // target.cost, wanted.seed), wanted.seconds)
        failed = _tell(outcome) or failed
        if wanted.json:
            with wanted.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_figures(target, outcome, wanted.seed)) + "\n")
    return failed


def _tell(outcome: Outcome) -> bool:
    rate = outcome.inputs / max(outcome.seconds, 1e-9)
    row = f"{outcome.target:<16}{outcome.inputs:>12,}{rate:>11,.0f}{outcome.slowest * 1e3:>8.1f} ms"
    sys.stdout.write(f"{row}  {len(outcome.failures)}, hangs {outcome.hangs}\n")
    for where, (what, data) in outcome.failures.items():
        sys.stdout.write(f"  {where}: {what}\n    {escaped(data)}\n")
    sys.stdout.flush()
    return bool(outcome.failures)


def _figures(target: Target, outcome: Outcome, seed: int) -> dict[str, str | int | float]:
    return {
        "target": target.name,
        "seed": seed,
        "inputs": outcome.inputs,
        "seconds": round(outcome.seconds, 1),
        "slowest_ms": round(outcome.slowest * 1e3, 2),
        "failures": len(outcome.failures),
        "hangs": outcome.hangs,
    }


if __name__ == "__main__":
    sys.exit(main())
