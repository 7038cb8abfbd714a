"""`make bench` and `make bench-quick` run each benchmark, and nothing that is none. What one measures, the benchmark alone knows."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from bench.common import report

ROOT = Path(__file__).parents[2]
PROMISED = {"throughput", "match", "routing", "journal", "hold", "growth"}
ELSEWHERE = {"hold_proof"}
"""Programs in bench/ with a target of their own."""


def told(target: str) -> str:
    """What make would do, all of it."""
    command = ["make", "--no-print-directory", "-n", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_each_says_what_it_was_measured_on_in_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.common.OUT", tmp_path)
    report("x", {"a": 1}, {})
    report("x", {"a": 2}, {}, quick=True)
    assert [json.loads((tmp_path / f"{name}.json").read_text())["figures"]["a"] for name in ("x", "x-quick")] == [1, 2]
    written = json.loads((tmp_path / "x.json").read_text())
    assert written["machine"].keys() == {"processor", "cores", "python", "sqlite", "asterisk"}
    programs = [path for path in (ROOT / "bench").rglob("*.py") if path.name != "common.py"]
    assert [path.name for path in programs if '"machine":' in path.read_text()] == []


def test_make_runs_every_benchmark_and_nothing_that_is_none() -> None:
    programs = {path.stem for path in (ROOT / "bench").glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert programs >= PROMISED
    assert set(re.findall(r"-m bench\.(\w+)", told("bench"))) == programs - ELSEWHERE
    (quick,) = re.findall(r"for name in (.*); do .* --quick", told("bench-quick"))
    assert set(quick.split()) == programs - ELSEWHERE
