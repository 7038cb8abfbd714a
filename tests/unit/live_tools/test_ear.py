"""The ear is tried on sounds made up for it, so that a live test that hears something can be believed."""

import struct

import numpy as np
import pytest

from tests.live.ear import ALAW, RATE, ULAW, Packet, Samples, Sound, assemble, parse
from tests.live.hearing import alike, find, loudness, place_in, silences, tone, tone_seconds, trimmed


def sine(hertz: float, seconds: float, level: float = 0.3) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def speech(seed: int, seconds: float) -> Samples:
    """Noise with syllables: broad like speech, unlike any other seed's."""
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.normal(size=round(seconds * RATE)), np.ones(4) / 4, "same")
    syllables = np.repeat(rng.uniform(0.2, 1.0, size=round(seconds * 8) + 1), RATE // 8)[: len(noise)]
    return (0.1 * noise * syllables).astype(np.float32)


def nothing(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.float32)


def through_ulaw(samples: Samples) -> Samples:
    order = np.argsort(ULAW)
    nearest = order[np.searchsorted(ULAW[order], samples).clip(0, 255)]
    coded: Samples = ULAW[nearest]
    return coded


def test_g711_tables_have_the_values_of_the_standard() -> None:
    # ITU-T G.711, tables 1 and 2: largest and smallest magnitudes, on a 16-bit scale.
    assert ULAW[0x80] * 32768 == 32124
    assert ULAW[0x00] * 32768 == -32124
    assert ULAW[0xFF] == ULAW[0x7F] == 0
    assert ALAW[0xAA] * 32768 == 32256
    assert ALAW[0x2A] * 32768 == -32256
    assert ALAW[0xD5] * 32768 == 8
    assert ALAW[0x55] * 32768 == -8


def test_loudness_tells_a_tone_from_nothing() -> None:
    levels = loudness(Sound(np.concatenate([sine(440, 1), nothing(1)]), 0.0))
    assert len(levels) == 20
    assert levels[:10] == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.1)
    assert (levels[10:] < -100).all()


def test_silences_are_found_where_they_are() -> None:
    sound = Sound(np.concatenate([sine(440, 1), nothing(1.5), sine(440, 1), nothing(0.5), sine(440, 1)]), 100.0)
    (only,) = silences(sound, 1.0)
    assert only == pytest.approx((101.0, 102.5))
    assert len(silences(sound, 0.4)) == 2
    assert silences(sound, 1.5) == []


def test_tones_are_told_apart_and_from_speech() -> None:
    both = Sound(np.concatenate([sine(440, 2), sine(880, 1), speech(1, 1), nothing(1)]), 0.0)
    assert tone_seconds(both, 440) == pytest.approx(2.0)
    assert tone_seconds(both, 880) == pytest.approx(1.0)
    assert (tone(both, 440)[20:] < 0.3).all()


def test_a_prompt_is_found_when_and_only_where_it_was() -> None:
    prompt, other = speech(2, 3), speech(3, 3)
    heard = np.concatenate([nothing(2), other, 0.4 * prompt, nothing(1), 0.4 * prompt])
    sound = Sound(through_ulaw(heard) + 0.002 * speech(4, len(heard) / RATE), 50.0)
    found = find(sound, prompt)
    assert [one.at for one in found] == [pytest.approx(55.0, abs=0.002), pytest.approx(59.0, abs=0.002)]
    assert find(sound, speech(5, 3)) == []


def test_a_prompt_cut_short_and_one_with_leading_silence_are_found_too() -> None:
    prompt = np.concatenate([nothing(0.25), speech(6, 4)])
    sound = Sound(np.concatenate([nothing(1), prompt[: 2 * RATE], nothing(1)]), 0.0)
    assert [one.at for one in find(sound, prompt)] == [pytest.approx(1.0, abs=0.002)]
    assert len(trimmed(nothing(1))) == 0


def test_a_place_in_music_is_told_to_the_millisecond() -> None:
    music = speech(7, 30)
    piece = Sound(through_ulaw(0.5 * music[12 * RATE : 14 * RATE]), 0.0)
    place = place_in(piece, music)
    assert place.seconds == pytest.approx(12.0, abs=0.001)
    assert place.score > 0.95
    assert place_in(Sound(speech(8, 2), 0.0), music).score < 0.3


def test_likeness_of_silence_and_of_too_little_is_nothing() -> None:
    assert (alike(nothing(2), speech(9, 1)) == 0).all()
    assert len(alike(speech(9, 1), speech(9, 2))) == 0


def packet(at: float, stamp: int, codes: bytes, stream: int = 7) -> Packet:
    return Packet(at, 4000, 5000, 0, stamp, stream, codes)


def test_packets_are_laid_out_by_their_own_clock_and_put_in_place_anew_after_a_pause() -> None:
    loud = bytes([0x80]) * 160
    late = [packet(1.0 + 0.02 * n + (0.015 if n % 2 else 0), 160 * n, loud) for n in range(10)]
    paused = [packet(2.0, 160 * 10, loud)]
    sound = assemble(late + paused, 0.5, 3.0)
    on = np.flatnonzero(sound.samples > 0.9)
    assert len(on) == 11 * 160
    assert on[0] == round(0.5 * RATE)
    assert on[1600] == round(1.5 * RATE)


def test_a_frame_is_read_and_what_is_not_rtp_is_not() -> None:
    rtp = struct.pack("!BBHII", 0x80, 0x00, 1, 160, 99) + bytes([0xFF]) * 160
    udp = struct.pack("!HHHH", 4000, 5000, 8 + len(rtp), 0) + rtp
    ip = bytes([0x45]) + bytes(8) + bytes([17]) + bytes(10)
    frame = bytes(14) + ip + udp
    read = parse(frame, 1.5)
    assert read is not None
    assert (read.at, read.source, read.target, read.kind, read.stamp, read.stream) == (1.5, 4000, 5000, 0, 160, 99)
    assert len(read.payload) == 160
    assert parse(frame[:40], 1.5) is None
    assert parse(bytes(14) + bytes([0x45]) + bytes(8) + bytes([6]) + bytes(10) + udp, 1.5) is None
