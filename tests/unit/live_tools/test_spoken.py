"""The bench's ear that hears hundreds of callers by two sounds of each phrase: when words began and ended, how long nobody spoke."""

import random
import wave
from pathlib import Path

import pytest

from bench.spoken import AUDIO, FRAME, SOURCE, Ear, Heard, gaps, stored

HELLO, BYE = (random.Random(seed).randbytes(FRAME * 50) for seed in (1, 2))
"""A second each."""
QUIET = b"\xff" * FRAME * 5


def _played(ear: Ear, source: int, audio: bytes, at: float) -> None:
    """Let the ear hear what its kernel filter would pass on, and more."""
    sounds = [audio[first : first + FRAME] for first in range(0, len(audio), FRAME)]
    header = bytes(SOURCE) + source.to_bytes(2, "big") + bytes(AUDIO - SOURCE - 2)
    ear.frames += [(at + 0.02 * number, header + sound) for number, sound in enumerate(sounds)]


def test_each_caller_s_phrases_are_heard_from_beginning_to_end_silence_included() -> None:
    ear = Ear(4_000, {"hello": QUIET + HELLO + QUIET, "bye": BYE})
    _played(ear, 30_000, QUIET + HELLO + QUIET, 10.0)
    _played(ear, 30_000, BYE, 20.0)
    _played(ear, 30_002, BYE, 15.0)
    _played(ear, 30_000, BYE, 30.0)
    heard = ear.heard()
    assert [(one.phrase, round(one.start, 2), round(one.end, 2)) for one in heard[30_000]] == [
        ("hello", 10.0, 11.2),
        ("bye", 20.0, 21.0),
        ("bye", 30.0, 31.0),
    ]
    assert [one.phrase for one in heard[30_002]] == ["bye"]


def test_a_phrase_in_which_the_sound_stood_still_lasts_longer() -> None:
    ear = Ear(4_000, {"hello": HELLO})
    _played(ear, 30_000, HELLO[: FRAME * 25], 10.0)
    _played(ear, 30_000, HELLO[FRAME * 25 :], 10.9)
    (one,) = ear.heard()[30_000]
    assert (one.start, one.end) == pytest.approx((10.0, 11.4))


def test_a_silence_is_what_no_word_covers_and_the_last_one_lasts_until_the_end() -> None:
    words = [Heard("a", 0.0, 5.0), Heard("b", 4.0, 4.5), Heard("c", 65.0, 70.0)]
    assert gaps(words, 100.0) == [60.0, 30.0]
    assert gaps([], 100.0) == [0.0]


def test_a_wav_is_coded_as_asterisk_codes_it(tmp_path: Path) -> None:
    """Values of main/ulaw.c's table: an entry for four values, made from the last of them."""
    path = tmp_path / "tones.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        for sample in (0, 3, 4, -1, -4, -5, 1_000, -1_000, 32_767, -32_768):
            file.writeframes(sample.to_bytes(2, "little", signed=True))
    assert stored(path) == bytes([0xFF, 0xFF, 0xFE, 0x7F, 0x7F, 0x7E, 0xCE, 0x4E, 0x80, 0x00])
