"""`callhandler demo` as a user runs it: every call agrees, every kind of call was there, and nothing is left behind."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from .lab import processes_of

pytestmark = pytest.mark.live


def test_both_sides_agree_call_by_call_and_nothing_is_left_behind(tmp_path: Path) -> None:
    rooms, told = tmp_path / "rooms", tmp_path / "told.json"
    rooms.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "callhandler", "demo", "--seed", "5", "--json", str(told)],
        env={**os.environ, "TMPDIR": str(rooms)},
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    comparison = json.loads(told.read_text())
    differences = [call["differences"] for call in comparison["calls"] if not call["agrees"]]
    assert differences == []
    assert done.returncode == 0, done.stdout + done.stderr
    assert comparison["agree"] == len(comparison["calls"]) >= 40
    outcomes = Counter(call["journal"]["outcomes"][0] for call in comparison["calls"])
    assert outcomes["answered"] >= 25
    assert outcomes["left in menu"] >= 1
    assert outcomes["abandoned"] + outcomes["abandoned short"] >= 1
    offers = Counter(offer["end"] for call in comparison["calls"] for offer in call["sip"]["offers"])
    assert offers["refused"] >= 1
    assert offers["no answer"] >= 1
    assert list(rooms.iterdir()) == []
    assert processes_of(rooms) == []
