"""How long a caller still hears what was being said when the agent's phone answers: from the RTP that reached the caller.

A site as a user makes it on a real Asterisk, an agent's and a caller's softphone. The caller waits, is being spoken to, the agent's phone
rings and answers in the middle of the word; the clock starts before the phone is told to answer, and stops with the last 20 ms of anything
but the agent's voice (a tone). To reach: p95 at most 200 ms.
Run it from the repository's root: `python -m bench.prompt_cut [--quick]`; 24 answers (2) take a minute and a half; writes
bench/out/prompt_cut.json.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.common import report
from tests.live.lab import site_running
from tests.live.test_checkins import EXTRA, cuts
from tests.ports import free_base

ANSWERS, QUICK = 24, 2


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="How soon a prompt ends when the agent answers.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} answers instead of {ANSWERS}")
    quick = parser.parse_args().quick
    answers = QUICK if quick else ANSWERS
    with (
        tempfile.TemporaryDirectory(prefix="callhandler-cut-") as folder,
        site_running(Path(folder) / "site", free_base(), EXTRA) as site,
    ):
        lasted = sorted(asyncio.run(cuts(site, Path(folder), "493011100003", answers)))
    p95 = lasted[min(answers - 1, round(0.95 * answers) - 1)]
    figures = {"answers": answers, "median": median(lasted), "p95": p95, "longest": lasted[-1]}
    print("| answers | median ms | p95 ms | longest ms |\n|---:|---:|---:|---:|")
    print(
        f"| {answers} | " + " | ".join(f"{1_000 * figures[name]:.0f}" for name in ("median", "p95", "longest")) + " |"
    )
    report("prompt_cut", figures, {}, quick=quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
