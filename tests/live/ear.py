"""The ear: what a phone heard and said, from the RTP packets themselves, never inferred from AMI.

`RtpTap` captures a phone's packets on loopback; without the privilege for that (CAP_NET_RAW), `Recording` reads what
the phone wrote of its decoded audio. Both end in a `Sound`, which `hearing.py` listens to. It must not know callhandler:
G.711 is decoded here by its own tables (ITU-T G.711), so that a mistake there is heard here.
"""

import socket
import struct
import threading
import wave
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

RATE = 8000
Samples = NDArray[np.float32]
SO_ATTACH_FILTER = 26
SO_TIMESTAMPNS = 35
ETH_P_IP = 0x0800
DRIFT = 0.06
"""Seconds by which a stream's own clock may differ from the arrival times before it is put in place anew."""


def _ulaw_table() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return (np.where(code & 0x80, -magnitude, magnitude) / 32768.0).astype(np.float32)


def _alaw_table() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) / 32768.0).astype(np.float32)


ULAW, ALAW = _ulaw_table(), _alaw_table()
TABLES = {0: ULAW, 8: ALAW}
"""RTP payload type to decoding table (RFC 3551)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples between -1 and 1 at 8 kHz; `start` is when the first was heard, in seconds since the epoch."""

    samples: Samples
    start: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE

    def between(self, first: float, last: float) -> "Sound":
        """The part between two times since the epoch."""
        a = max(0, round((first - self.start) * RATE))
        b = max(a, round((last - self.start) * RATE))
        return Sound(self.samples[a:b], self.start + a / RATE)


def load(path: Path) -> Samples:
    """Read a sound file by its name's end: .ulaw, .alaw or a WAV of 8 kHz, 16 bit, mono."""
    if path.suffix in {".ulaw", ".alaw"}:
        codes = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        return (ULAW if path.suffix == ".ulaw" else ALAW)[codes]
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (RATE, 2, 1):
            raise ValueError(f"{path}: not 8 kHz, 16 bit, mono")
        return (np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet as captured. `at` is its arrival in seconds since the epoch."""

    at: float
    source: int
    target: int
    kind: int
    stamp: int
    stream: int
    payload: bytes


def parse(frame: bytes, at: float) -> Packet | None:
    """Read a captured frame (on loopback too there is an Ethernet header); None when it isn't G.711 in RTP over UDP."""
    if len(frame) < 14 + 20 + 8 + 12 or frame[23] != socket.IPPROTO_UDP:
        return None
    udp = 14 + (frame[14] & 0x0F) * 4
    source, target, length = struct.unpack_from("!HHH", frame, udp)
    rtp = frame[udp + 8 : udp + length]
    if len(rtp) <= 12 or rtp[0] >> 6 != 2 or rtp[1] & 0x7F not in TABLES:
        return None
    stamp, stream = struct.unpack_from("!II", rtp, 4)
    return Packet(at, source, target, rtp[1] & 0x7F, stamp, stream, rtp[12 + 4 * (rtp[0] & 0x0F) :])


def assemble(packets: Iterable[Packet], start: float, end: float) -> Sound:
    """Put packets where they were heard between `start` and `end`; where none was, there is silence.

    A stream is laid out by its own timestamps, so that arrival jitter tears nothing apart, and put in place anew when
    the two clocks differ (a new stream, a pause, a jump of timestamps).
    """
    samples = np.zeros(max(0, round((end - start) * RATE)), dtype=np.float32)
    anchors: dict[int, tuple[float, int]] = {}
    for packet in packets:
        anchor = anchors.get(packet.stream)
        due = None if anchor is None else anchor[0] + ((packet.stamp - anchor[1]) & 0xFFFFFFFF) / RATE
        if due is None or abs(due - packet.at) > DRIFT:
            anchors[packet.stream] = (packet.at, packet.stamp)
            due = packet.at
        first = round((due - start) * RATE)
        heard = TABLES[packet.kind][np.frombuffer(packet.payload, dtype=np.uint8)]
        if first < 0 or first + len(heard) > len(samples):
            continue
        samples[first : first + len(heard)] = heard
    return Sound(samples, start)


def can_capture() -> bool:
    """Whether this process may capture packets (CAP_NET_RAW)."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP)).close()
    except PermissionError:
        return False
    return True


@dataclass
class RtpTap:
    """Captures what goes to and from UDP ports `first` to `last` on loopback: a context manager with its own thread.

    Raises PermissionError where capturing isn't allowed.
    """

    first: int
    last: int
    packets: list[Packet] = field(default_factory=list)

    def __enter__(self) -> "RtpTap":
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        self._socket.bind(("lo", ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        only_ports(self._socket, self.first, self.last)
        self._socket.settimeout(0.2)
        self._on = True
        self._thread = threading.Thread(target=self._listen, name=f"ear-{self.first}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on = False
        self._thread.join(2)
        self._socket.close()

    def _listen(self) -> None:
        while self._on:
            try:
                frame, extra, _, _ = self._socket.recvmsg(2048, 64)
            except TimeoutError:
                continue
            seconds, nanoseconds = struct.unpack("qq", extra[0][2])
            packet = parse(frame, seconds + nanoseconds / 1e9)
            if packet is not None:
                self.packets.append(packet)

    def heard(self, start: float, end: float) -> Sound:
        """What came to the ports between two times since the epoch."""
        return assemble([p for p in list(self.packets) if self.first <= p.target <= self.last], start, end)

    def said(self, start: float, end: float) -> Sound:
        """What went out from the ports between two times since the epoch."""
        return assemble([p for p in list(self.packets) if self.first <= p.source <= self.last], start, end)


def only_ports(tap: socket.socket, first: int, last: int) -> None:
    """Let the kernel drop all but UDP from or to these ports (classic BPF); IP options aren't used on loopback."""
    code = [
        (0x30, 0, 0, 23),  # A = IP protocol
        (0x15, 0, 7, socket.IPPROTO_UDP),
        (0x28, 0, 0, 36),  # A = target port
        (0x35, 0, 1, first),
        (0x25, 0, 3, last),  # first <= target <= last: keep
        (0x28, 0, 0, 34),  # A = source port
        (0x35, 0, 2, first),
        (0x25, 1, 0, last),
        (0x06, 0, 0, 0xFFFF),  # keep
        (0x06, 0, 0, 0),  # drop
    ]
    program = b"".join(struct.pack("HBBI", *line) for line in code)
    buffer = np.frombuffer(program, dtype=np.uint8).copy()
    tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(code), buffer.ctypes.data))


@dataclass
class Recording:
    """The fallback ear: a WAV of what the phone decoded, growing while the call lasts. It knows no `said`."""

    path: Path
    started: float

    def heard(self, start: float, end: float) -> Sound:
        """What the phone decoded between two times since the epoch, as good as the file's start is known."""
        raw = self.path.read_bytes()[44:]
        samples = (np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2") / 32768.0).astype(np.float32)
        return Sound(samples, self.started).between(start, end)
