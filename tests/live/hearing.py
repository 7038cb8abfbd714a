"""What a listener would say about a `Sound`: how loud, where silent, which tone, prompt or music, and where in it.

Pure functions over samples at 8 kHz; they know neither phones nor packets.
"""

from dataclasses import dataclass

import numpy as np

from .ear import RATE, Samples, Sound

STEP = RATE // 10
"""Loudness and tones are told per 100 ms."""
QUIET = -50.0
"""dBFS below which a listener hears nothing: a telephone's idle noise lies below, the softest speech above."""


@dataclass(frozen=True, slots=True)
class Found:
    """A known sound recognised: when it began (seconds since the epoch) and how alike (1 is the same)."""

    at: float
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a piece of music: seconds from its beginning, and how alike (1 is the same)."""

    seconds: float
    score: float


def _blocks(samples: Samples) -> Samples:
    blocks: Samples = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    return blocks


def loudness(sound: Sound) -> Samples:
    """Level of each 100 ms in dBFS (0 is full scale, -120 is nothing at all)."""
    blocks = _blocks(sound.samples)
    levels: Samples = (10 * np.log10(np.mean(blocks.astype(np.float64) ** 2, axis=1) + 1e-12)).astype(np.float32)
    return levels


def silences(sound: Sound, longer_than: float, quiet: float = QUIET) -> list[tuple[float, float]]:
    """Stretches (from, to; seconds since the epoch) softer than `quiet` for longer than `longer_than` seconds."""
    soft = np.concatenate([[False], loudness(sound) < quiet, [False]])
    edges = np.flatnonzero(np.diff(soft.astype(np.int8)))
    pairs = [(sound.start + a / 10, sound.start + b / 10) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(a, b) for a, b in pairs if b - a > longer_than + 1e-9]


def tone(sound: Sound, hertz: float) -> Samples:
    """How much of each 100 ms is a tone of this frequency: 1 is the tone alone, 0 none of it.

    The power at one frequency (Goertzel's bin, here as a dot product) over the whole power.
    """
    blocks = _blocks(sound.samples).astype(np.float64)
    phase = np.exp(-2j * np.pi * hertz * np.arange(STEP) / RATE)
    at = 2 * np.abs(blocks @ phase / STEP) ** 2
    whole = np.mean(blocks**2, axis=1)
    return np.where(whole > 1e-6, at / np.maximum(whole, 1e-6), 0.0).astype(np.float32)


def tone_seconds(sound: Sound, hertz: float, share: float = 0.7) -> float:
    """For how long the tone was there, clearly."""
    return float(np.sum(tone(sound, hertz) > share)) / 10


def alike(samples: Samples, pattern: Samples) -> Samples:
    """Normalised cross-correlation: how alike `samples` is to `pattern` at every place where it would fit, -1 to 1.

    By FFT; the local level is divided out, so that loudness does not matter. Where `samples` is silent it is 0.
    """
    count = len(samples) - len(pattern) + 1
    if count <= 0 or not len(pattern):
        return np.zeros(0, dtype=np.float32)
    size = 1 << (len(samples) + len(pattern)).bit_length()
    known = pattern.astype(np.float64) - np.mean(pattern)
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(known, size))
    raw = np.fft.irfft(spectrum, size)[:count]
    sums = np.concatenate([[0.0], np.cumsum(samples, dtype=np.float64)])
    squares = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    width = len(pattern)
    energy = squares[width:] - squares[:-width] - (sums[width:] - sums[:-width]) ** 2 / width
    level = np.sqrt(np.maximum(energy, 0) * np.sum(known**2))
    floor = 1e-4 * width
    return np.where(level > floor, raw / np.maximum(level, floor), 0.0).astype(np.float32)


def find(sound: Sound, pattern: Samples, score: float = 0.6, seconds: float = 1.5) -> list[Found]:
    """Every time that `pattern` began, oldest first; recognised by its first `seconds` (it may have been cut short)."""
    opening = trimmed(pattern)[: round(seconds * RATE)]
    lead = len(pattern) - len(trimmed(pattern, end=False))
    scores = alike(sound.samples, opening).copy()
    found: list[Found] = []
    while len(scores) and (best := int(np.argmax(scores))) >= 0 and scores[best] >= score:
        found.append(Found(sound.start + (best - lead) / RATE, float(scores[best])))
        scores[max(0, best - len(opening) // 2) : best + len(opening) // 2] = 0
    return sorted(found, key=lambda one: one.at)


def trimmed(samples: Samples, *, end: bool = True) -> Samples:
    """Without the silence at the beginning and, with `end`, at the end."""
    loud = np.flatnonzero(np.abs(samples) > 10 ** (QUIET / 20))
    if not len(loud):
        return samples[:0]
    return samples[loud[0] : loud[-1] + 1 if end else len(samples)]


def place_in(sound: Sound, music: Samples) -> Place:
    """Where in `music` this piece is from."""
    scores = alike(music, sound.samples)
    if not len(scores):
        return Place(0.0, 0.0)
    best = int(np.argmax(scores))
    return Place(best / RATE, float(scores[best]))
