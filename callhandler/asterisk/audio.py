"""Sound as the telephone wants it: WAV in, levelled 8 kHz mono out, coded by G.711. Knows no files and no prompts."""

import struct
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono samples from -1 to 1."""

RATE = 8_000
"""Samples a second of G.711 (RFC 3551)."""
_SPEECH_LEVEL = 10 ** (-18 / 20)
"""Loudness of speech while there is some, relative to full scale: Asterisk's own English sounds have -16 to -20 dBFS."""
_PEAK = 10 ** (-1 / 20)
_MOST_GAIN = 10 ** (30 / 20)
_SILENCE = 10 ** (-60 / 20)
_AUDIBLE = 0.01
"""-40 dBFS: of music, what is softer at either end is cut away. Several pieces fade in from a second of nothing, and a caller who hears
nothing for a second thinks the line is dead."""
_FRAME = RATE // 50
_ALAW, _ULAW, _EXTENSIBLE = 6, 7, 0xFFFE


class AudioError(ValueError):
    """A sound that can't be used; the message is the end of a sentence, such as `is no WAV file`."""


class Wav(NamedTuple):
    """Mono samples and their number a second."""

    samples: Samples
    rate: int


def read_wav(data: bytes) -> Wav:
    """Read a WAV: PCM of 8 to 32 bits, floats, A-law or mu-law, any rate and number of channels (they are mixed).

    Headers that promise more than there is are believed as far as the data goes: programs that write to a pipe don't know
    how long it gets.

    Raises:
        AudioError: it is no WAV, of another kind, or empty.
    """
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise AudioError("is no WAV file")
    layout, at = b"", 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt ":
            layout = data[at + 8 : at + 8 + size]
        if name == b"data":
            return _decoded(layout, data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    raise AudioError("has no sound in it")


def _decoded(layout: bytes, data: bytes) -> Wav:
    if len(layout) < 16:
        raise AudioError("doesn't say how its sound is stored")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", layout)
    if kind == _EXTENSIBLE and len(layout) >= 26:
        kind = struct.unpack_from("<H", layout, 24)[0]
    if not (1 <= channels <= 32 and 4_000 <= rate <= 384_000):
        raise AudioError(f"has {channels} channels at {rate} Hz, which can't be right")
    samples = _numbers(kind, bits, data[: len(data) - len(data) % max(1, channels * bits // 8)])
    if samples.size == 0:
        raise AudioError("has no sound in it")
    return Wav(samples.reshape(-1, channels).mean(axis=1).astype(np.float32), rate)


def _numbers(kind: int, bits: int, data: bytes) -> Samples:
    """Return stored numbers as samples from -1 to 1 (WAVE format tags: 1 PCM, 3 float, 6 A-law, 7 mu-law)."""
    match kind, bits:
        case 1, 8:
            return np.frombuffer(data, np.uint8).astype(np.float32) / np.float32(128) - np.float32(1)
        case 1, 16:
            return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(2**15)
        case 1, 24:
            numbers = np.zeros((len(data) // 3, 4), np.uint8)
            numbers[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return numbers.view(np.dtype("<i4")).reshape(-1).astype(np.float32) / np.float32(2**31)
        case 1, 32:
            return np.frombuffer(data, "<i4").astype(np.float32) / np.float32(2**31)
        case 3, 32 | 64:
            floats: Samples = np.frombuffer(data, f"<f{bits // 8}").astype(np.float32)
            return np.where(np.isfinite(floats), floats, np.float32(0)).clip(-1, 1)
        case 6 | 7, 8:
            return _TABLES[kind][np.frombuffer(data, np.uint8)].astype(np.float32) / np.float32(2**15)
    raise AudioError(f"stores its sound in a way that isn't known here (kind {kind}, {bits} bits); save it as PCM")


def telephone(wav: Wav) -> NDArray[np.int16]:
    """Return a sound at 8 kHz, as loud as speech should be, without clipping.

    Raises:
        AudioError: there is nothing to hear in it.
    """
    samples = soxr.resample(wav.samples, wav.rate, RATE, quality="HQ") if wav.rate != RATE else wav.samples
    if samples.size == 0 or float(np.abs(samples).max()) < _SILENCE:
        raise AudioError("is silent")
    gain = min(_SPEECH_LEVEL / _speech_level(samples), _PEAK / float(np.abs(samples).max()), _MOST_GAIN)
    return np.round(samples * gain * 32_767).astype(np.int16)


def audible(wav: Wav) -> NDArray[np.int16]:
    """Return the audible part of music as samples of 8 kHz, as loud as it is."""
    samples = wav.samples if wav.rate == RATE else soxr.resample(wav.samples, wav.rate, RATE, quality="HQ")
    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    kept = samples[loud[0] : loud[-1] + 1] if len(loud) else samples
    return np.round(np.clip(kept, -1, 1) * 32_767).astype(np.int16)


def _speech_level(samples: Samples) -> float:
    """Return the root mean square of the 20 ms frames in which there is speech: those at most 30 dB below the loudest."""
    padded = np.pad(samples, (0, -samples.size % _FRAME)).reshape(-1, _FRAME)
    power = np.mean(padded.astype(np.float64) ** 2, axis=1)
    return float(np.sqrt(power[power > np.max(power) / 1_000].mean()))


def ulaw(samples: NDArray[np.int16]) -> bytes:
    """Code 16-bit samples by mu-law (ITU-T G.711): 14 bits count, bias 33, clipped at 8158, all bits inverted."""
    value = samples.astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(value), 8_158) + 33
    exponent = _highest_bit(magnitude) - 5
    mantissa = (magnitude >> (exponent + 1)) & 0x0F
    return bytes((~(np.where(value < 0, 0x80, 0) | exponent << 4 | mantissa) & 0xFF).astype(np.uint8))


def alaw(samples: NDArray[np.int16]) -> bytes:
    """Code 16-bit samples by A-law (ITU-T G.711): 13 bits count, even bits inverted."""
    value = samples.astype(np.int32) >> 3
    magnitude = np.where(value >= 0, value, -value - 1)
    exponent = np.maximum(_highest_bit(magnitude) - 4, 0)
    mantissa = (magnitude >> np.maximum(exponent, 1)) & 0x0F
    return bytes(((np.where(value >= 0, 0x80, 0) | exponent << 4 | mantissa) ^ 0x55).astype(np.uint8))


def _highest_bit(magnitude: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the place of the highest bit that is set, from 0; 0 for 0."""
    return (np.frexp(magnitude.astype(np.float64))[1] - 1).clip(0).astype(np.int32)


def _ulaw_table() -> NDArray[np.int32]:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int32)


def _alaw_table() -> NDArray[np.int32]:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, (mantissa << 4) + 0x108 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int32)


_TABLES = {_ULAW: _ulaw_table(), _ALAW: _alaw_table()}
