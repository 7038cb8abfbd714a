"""`make bench` and `make bench-quick` run each benchmark, and nothing that is none. What one measures, the benchmark alone knows."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMISED = {"throughput", "match", "routing", "journal", "hold", "growth"}
ELSEWHERE = {"hold_proof"}
"""Programs in bench/ with a target of their own."""


def told(target: str) -> str:
    """What make would do, all of it."""
    command = ["make", "--no-print-directory", "-n", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_runs_every_benchmark_and_nothing_that_is_none() -> None:
    programs = {path.stem for path in (ROOT / "bench").glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert programs >= PROMISED
    assert set(re.findall(r"-m bench\.(\w+)", told("bench"))) == programs - ELSEWHERE
    (quick,) = re.findall(r"for name in (.*); do .* --quick", told("bench-quick"))
    assert set(quick.split()) == programs - ELSEWHERE
