"""Sound for the telephone: every kind of WAV, one loudness, and G.711 as the standard has it."""

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.asterisk.audio import RATE, AudioError, Wav, alaw, read_wav, telephone, ulaw

EVERY = np.arange(-32_768, 32_768).astype(np.int16)


def wav(
    data: bytes, kind: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16, extensible: bool = False
) -> bytes:
    layout = struct.pack(
        "<HHIIHH",
        0xFFFE if extensible else kind,
        channels,
        rate,
        rate * channels * bits // 8,
        channels * bits // 8,
        bits,
    )
    if extensible:
        layout += struct.pack("<HHIH14s", 22, bits, 0, kind, b"\x00" * 14)
    chunks = (
        b"LIST\x03\x00\x00\x00abc\x00"
        + b"fmt "
        + struct.pack("<I", len(layout))
        + layout
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def sine(
    rate: int = RATE, hertz: float = 440.0, level: float = 0.5, seconds: float = 1.0
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def test_g711_codes_every_sample_as_the_c_library_does() -> None:
    # SHA-256 of what CPython's audioop (after the ITU-T's and Sun's g711.c) makes of all 65536 samples
    assert hashlib.sha256(ulaw(EVERY)).hexdigest() == "81d633c9e6972a18c74a58720b96cb8ca0bdd096d4060b646dd708c3b846019a"
    assert hashlib.sha256(alaw(EVERY)).hexdigest() == "38488f6fd710f4686360edc4d38639f96c491595ef93f8eb8d62d5e07ca6ce7b"


@pytest.mark.parametrize(("kind", "code"), [(7, ulaw), (6, alaw)])
def test_what_is_coded_is_read_back_nearly_the_same(kind: int, code: object) -> None:
    assert callable(code)
    heard = read_wav(wav(code(EVERY), kind=kind, bits=8)).samples * 2**15
    error = np.abs(heard - EVERY)
    assert np.all(error <= np.maximum(16, np.abs(EVERY.astype(np.int32)) / 16))


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("kind, bits", [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
def test_every_kind_of_wav_is_read(kind: int, bits: int, extensible: bool) -> None:
    tone = sine()
    match kind, bits:
        case 1, 8:
            data = ((tone * 127) + 128).astype(np.uint8).tobytes()
        case 1, 24:
            data = b"".join(struct.pack("<i", int(value * 2**31))[1:] for value in tone.astype(float))
        case 1, _:
            data = (tone.astype(np.float64) * 2 ** (bits - 1)).astype(f"<i{bits // 8}").tobytes()
        case _:
            data = tone.astype(f"<f{bits // 8}").tobytes()
    sound = read_wav(wav(data, kind=kind, bits=bits, extensible=extensible))
    assert sound.rate == RATE
    assert np.abs(sound.samples - tone).max() < (0.02 if bits == 8 else 0.001)


def test_channels_are_mixed_and_half_a_frame_is_dropped() -> None:
    left = (sine() * 2**15).astype("<i2")
    both = np.stack([left, np.zeros_like(left)], axis=1).tobytes() + b"\x01"
    sound = read_wav(wav(both, channels=2))
    assert np.abs(sound.samples - sine() / 2).max() < 0.001


def test_a_header_that_promises_more_than_there_is_does_no_harm() -> None:
    good = wav((sine() * 2**15).astype("<i2").tobytes())
    at = good.index(b"data") + 4
    piped = good[:at] + struct.pack("<I", 0x7FFFF000) + good[at + 4 :]
    assert np.array_equal(read_wav(piped).samples, read_wav(good).samples)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is no WAV file"),
        (b"RIFF\x00\x00\x00\x00WAVE", "has no sound"),
        (b"ID3" * 100, "is no WAV file"),
        (wav(b""), "has no sound"),
        (wav(b"\x00\x00", kind=85), "isn't known here (kind 85"),
        (wav(b"\x00\x00", rate=1), "can't be right"),
        (wav(b"\x00\x00", channels=0), "can't be right"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x02\x00\x00\x00ab", "doesn't say how"),
    ],
)
def test_what_is_no_sound_is_refused_in_words(data: bytes, told: str) -> None:
    with pytest.raises(AudioError) as refused:
        read_wav(data)
    assert told in str(refused.value)


@given(st.binary(max_size=60).map(lambda tail: wav(b"abcd")[:50] + tail) | st.binary(max_size=80))
def test_garbage_is_refused_and_never_breaks(data: bytes) -> None:
    try:
        read_wav(data)
    except AudioError:
        return


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("level", [0.01, 0.1, 0.9])
def test_any_rate_and_level_comes_out_as_loud_as_speech_should_be(rate: int, level: float) -> None:
    samples = (
        telephone(Wav(np.concatenate([sine(rate, level=level), np.zeros(rate, np.float32)]), rate)).astype(float)
        / 2**15
    )
    assert len(samples) == pytest.approx(2 * RATE, abs=2)
    loudness = 20 * np.log10(np.sqrt(np.mean(samples[400:7_600] ** 2)))
    assert loudness == pytest.approx(-18, abs=0.3)  # the silence after it doesn't count
    spectrum = np.abs(np.fft.rfft(samples[:RATE]))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=1)


def test_loud_peaks_are_never_clipped() -> None:
    clicks = np.zeros(RATE, np.float32)
    clicks[::400] = 0.9
    assert np.abs(telephone(Wav(clicks, RATE))).max() <= 0.9 * 2**15


def test_silence_is_refused() -> None:
    with pytest.raises(AudioError, match="is silent"):
        telephone(Wav(np.zeros(RATE, np.float32), RATE))
