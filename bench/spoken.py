"""Which words each of many callers heard, and when: the kernel passes on only the first and the last sound of each known phrase out of all
their audio, so that hearing hundreds costs next to nothing beside what is measured.

It relies on audio being passed on as it is stored, in packets of 20 ms counted from a file's beginning, as Asterisk does for a caller whose
codec is mu-law. It must not know who speaks.
"""

import socket
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.tap import Tap
from callhandler.asterisk.audio import read_wav
from tests.live.ear import SO_ATTACH_FILTER

FRAME, SECONDS = 160, 0.02
AUDIO = 14 + 20 + 8 + 12
"""Where the audio begins in a captured frame: after Ethernet (on loopback too), IP, UDP and RTP."""
SOURCE = 14 + 20
"""Where the port is from which it came: the first of UDP's header."""
LOOKED_AT = 76
"""Where in the audio the kernel looks at four bytes."""
LIVELY = 40
"""Different bytes that a sound must have to be known again by; silence has few."""
CLIP, BIAS = 32_635, 132


@dataclass(frozen=True, slots=True)
class Heard:
    """One phrase that a caller heard, from when to when in seconds since the epoch."""

    phrase: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Mark:
    """One sound by which a phrase is known: its number, counted from the phrase's first, of `count`; whether it is the last lively one."""

    phrase: str
    number: int
    count: int
    last: bool


class Ear(Tap):
    """Hears what comes to one UDP port on loopback."""

    def __init__(self, port: int, phrases: Mapping[str, bytes]) -> None:
        self._marks: dict[bytes, list[_Mark]] = defaultdict(list)
        for name, audio in phrases.items():
            for sound, mark in _marks(name, audio):
                self._marks[sound].append(mark)
        super().__init__(lambda tap: _only(tap, port, self._marks))

    def heard(self) -> dict[int, list[Heard]]:
        """What was said from each of Asterisk's ports, one a caller, in order."""
        found: dict[int, list[Heard]] = defaultdict(list)
        for at, frame in sorted(self.frames):
            (source,) = struct.unpack_from("!H", frame, SOURCE)
            for mark in self._marks.get(frame[AUDIO : AUDIO + FRAME], ()):
                _note(found[source], mark, at)
        return found


def _note(heard: list[Heard], mark: _Mark, at: float) -> None:
    """Begin a phrase, or let the one that has begun last as long as it did."""
    end = at + (mark.count - mark.number) * SECONDS
    begun = next((n for n in range(len(heard) - 1, -1, -1) if heard[n].phrase == mark.phrase), None)
    if mark.last and begun is not None and heard[begun].start < at < heard[begun].end + 1.0:
        heard[begun] = Heard(mark.phrase, heard[begun].start, max(end, heard[begun].end))
    elif not mark.last:
        heard.append(Heard(mark.phrase, at - mark.number * SECONDS, end))


def _marks(name: str, audio: bytes) -> Iterable[tuple[bytes, _Mark]]:
    """The first and the last lively sound of a phrase."""
    sounds = [audio[at : at + FRAME] for at in range(0, len(audio) - FRAME + 1, FRAME)]
    lively = [number for number, sound in enumerate(sounds) if len(set(sound)) >= LIVELY]
    for last, number in enumerate((lively[0], lively[-1]) if lively else ()):
        yield sounds[number], _Mark(name, number, len(sounds), bool(last))


def _only(tap: socket.socket, port: int, sounds: Iterable[bytes]) -> None:
    """Let the kernel drop all but UDP to a port with one of these sounds in it (classic BPF, at most 4,096 steps)."""
    words = sorted({struct.unpack_from("!I", sound, LOOKED_AT)[0] for sound in sounds})
    keep, drop = (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)
    code = [(0x30, 0, 0, 23), (0x15, 1, 0, socket.IPPROTO_UDP), drop]
    code += [(0x28, 0, 0, 36), (0x15, 1, 0, port), drop, (0x20, 0, 0, AUDIO + LOOKED_AT)]
    for word in words:
        code += [(0x15, 0, 1, word), keep]
    program = np.frombuffer(b"".join(struct.pack("HBBI", *line) for line in [*code, drop]), dtype=np.uint8).copy()
    tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(code) + 1, program.ctypes.data))


def stored(path: Path) -> bytes:
    """A phrase's audio as Asterisk sends it to a caller: a .ulaw file as it is, a WAV of 8 kHz coded as Asterisk codes it."""
    if path.suffix == ".ulaw":
        return path.read_bytes()
    return _coded(np.round(read_wav(path.read_bytes()).samples * 32_768).astype(np.int32))


def _coded(samples: NDArray[np.int32]) -> bytes:
    """Code 16-bit samples as Asterisk does (main/ulaw.c): by a table of 14 bits, each entry made from the last value that falls into it."""
    values = samples | 3
    magnitude = np.minimum(np.abs(values), CLIP) + BIAS
    exponent = np.frexp((magnitude >> 7).astype(np.float64))[1].astype(np.int32) - 1
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return bytes((~(np.where(values < 0, 0x80, 0) | exponent << 4 | mantissa) & 0xFF).astype(np.uint8))


def gaps(heard: list[Heard], until: float) -> list[float]:
    """Seconds without a word, from the end of each to the next one's beginning, and from the last one's end `until` then."""
    found, end = [], heard[0].end if heard else until
    for one in heard[1:]:
        found.append(one.start - end)
        end = max(end, one.end)
    return [*(gap for gap in found if gap > 0), until - end]
