"""Music is converted once, into what phones speak; what isn't ours to convert is linked."""

import wave
from pathlib import Path

import numpy as np
import pytest

from callhandler.asterisk.pbx.music import classes, prepared


def tune(path: Path, rate: int = 8_000, silent: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(
            np.concatenate([np.zeros(silent), np.arange(1_000, 1_800), np.zeros(silent)]).astype("<i2").tobytes()
        )


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLHANDLER_CACHE", str(tmp_path / "cache"))


def test_it_is_made_once_and_anew_when_a_file_changes(tmp_path: Path) -> None:
    tune(tmp_path / "own" / "one.wav")
    tune(tmp_path / "own" / "wide.wav", 16_000)
    (tmp_path / "own" / "broken.wav").write_bytes(b"not a wav")
    (tmp_path / "own" / "notes.txt").write_text("not music")
    first = prepared(tmp_path / "own")
    assert sorted(path.name for path in first.iterdir()) == [
        "broken.wav", "one.alaw", "one.ulaw", "wide.alaw", "wide.ulaw",
    ]  # fmt: skip
    assert len((first / "one.ulaw").read_bytes()) == 800
    assert len((first / "wide.ulaw").read_bytes()) == 400
    assert prepared(tmp_path / "own") == first
    tune(tmp_path / "own" / "two.wav")
    assert prepared(tmp_path / "own") != first


def test_what_nobody_hears_at_either_end_is_cut(tmp_path: Path) -> None:
    tune(tmp_path / "own" / "one.wav", silent=8_000)
    assert len((prepared(tmp_path / "own") / "one.ulaw").read_bytes()) == 800


def test_a_folder_within_is_a_class_of_its_own(tmp_path: Path) -> None:
    tune(tmp_path / "own" / "one.wav")
    tune(tmp_path / "own" / "jazz" / "two.wav")
    assert [one.name for one in classes(tmp_path / "own", None)] == ["default", "jazz"]
    assert [one.name for one in classes(None, tmp_path / "own")] == ["default"]
    assert classes(None, None) == []
