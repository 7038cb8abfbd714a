"""Music is converted once, into what phones speak; what isn't ours to convert is linked."""

import wave
from pathlib import Path

import numpy as np
import pytest

from callhandler.asterisk.pbx.music import classes, prepared, remove_others


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
    made = tmp_path / "made"
    first = prepared(tmp_path / "own", made)
    assert sorted(path.name for path in first.iterdir()) == [
        "broken.wav", "one.alaw", "one.ulaw", "wide.alaw", "wide.ulaw",
    ]  # fmt: skip
    assert len((first / "one.ulaw").read_bytes()) == 800
    assert len((first / "wide.ulaw").read_bytes()) == 400
    assert prepared(tmp_path / "own", made) == first
    tune(tmp_path / "own" / "two.wav")
    assert prepared(tmp_path / "own", made) != first


def test_what_was_made_of_music_that_has_changed_goes(tmp_path: Path) -> None:
    own, made = tmp_path / "own", tmp_path / "made"
    tune(own / "one.wav")
    tune(own / "jazz" / "two.wav")
    (first, jazz) = classes(own, None, made)
    tune(own / "three.wav")
    now = classes(own, None, made)
    assert first.folder.is_dir(), "somebody may be listening to it yet"
    remove_others(made, now)
    assert sorted(made.iterdir()) == sorted(one.folder for one in now)
    assert jazz in now
    remove_others(tmp_path / "none", [])


def test_what_nobody_hears_at_either_end_is_cut(tmp_path: Path) -> None:
    tune(tmp_path / "own" / "one.wav", silent=8_000)
    assert len((prepared(tmp_path / "own", tmp_path / "made") / "one.ulaw").read_bytes()) == 800


def test_a_folder_within_is_a_class_of_its_own(tmp_path: Path) -> None:
    tune(tmp_path / "own" / "one.wav")
    tune(tmp_path / "own" / "jazz" / "two.wav")
    made = tmp_path / "made"
    assert [one.name for one in classes(tmp_path / "own", None, made)] == ["default", "jazz"]
    (shared,) = classes(None, tmp_path / "own", made)
    assert shared.name == "default"
    assert shared.folder.parent == tmp_path / "cache" / "music", "the distribution's is the same for all sites"
    assert classes(None, None, made) == []
