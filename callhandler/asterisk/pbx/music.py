"""Music to wait to, stored once in the phones' own codecs, so that Asterisk copies it to callers instead of computing it.

It knows audio files and folders, not who listens.
"""

import hashlib
import os
import shutil
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callhandler.asterisk.pbx.unpack import cache_directory

RATE = 8_000
"""Samples a second of G.711 (RFC 3551)."""
_PLAYED = frozenset({".wav", ".ulaw", ".alaw", ".gsm", ".sln", ".sln16", ".g722"})


@dataclass(frozen=True, slots=True)
class MusicClass:
    """A class of music by the name queues give it, and the folder it plays from."""

    name: str
    folder: Path


def classes(own: Path | None, distribution: Path | None) -> list[MusicClass]:
    """The site's classes: the files in `own` (else the distribution's music) are `default`; each folder within is a class."""
    base = own if own is not None else distribution
    if base is None or not base.is_dir():
        return []
    found = [MusicClass("default", prepared(base))]
    if own is not None:
        found += [
            MusicClass(path.name, prepared(path))
            for path in sorted(own.iterdir())
            if path.is_dir() and any(path.iterdir())
        ]
    return found


def prepared(folder: Path) -> Path:
    """A folder in the cache with the music of `folder` as .ulaw and .alaw, made once; other files are linked as they are."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _PLAYED)
    state = "\n".join(f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files)
    target = cache_directory() / "music" / hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix="music.", dir=target.parent))
    try:
        for path in files:
            samples = _telephone_samples(path)
            if samples is None:
                (temporary / path.name).symlink_to(path.absolute())
            else:
                (temporary / f"{path.stem}.ulaw").write_bytes(ulaw(samples))
                (temporary / f"{path.stem}.alaw").write_bytes(alaw(samples))
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was quicker, with the same result
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _telephone_samples(path: Path) -> NDArray[np.int16] | None:
    """The samples of a WAV file that is 8 kHz, mono and 16 bit already; None for any other, which Asterisk converts itself."""
    if path.suffix.lower() != ".wav":
        return None
    try:
        with wave.open(str(path)) as reader:
            if (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) != (RATE, 1, 2):
                return None
            return np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
    except (wave.Error, EOFError):
        return None


def ulaw(samples: NDArray[np.int16]) -> bytes:
    """16-bit samples as G.711 mu-law: bias 132, clip 32635, sign and exponent and mantissa inverted (ITU-T G.711)."""
    value = samples.astype(np.int32)
    sign = np.where(value < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(value), 32_635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def alaw(samples: NDArray[np.int16]) -> bytes:
    """16-bit samples as G.711 A-law: 13 bits are used, even bits inverted (ITU-T G.711)."""
    value = samples.astype(np.int32) >> 3
    sign = np.where(value >= 0, 0x80, 0)
    magnitude = np.where(value >= 0, value, -value - 1)
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    mantissa = np.where(exponent == 0, magnitude >> 1, magnitude >> exponent) & 0x0F
    return bytes(((sign | (exponent << 4) | mantissa) ^ 0x55).astype(np.uint8))
