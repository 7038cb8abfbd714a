"""A tap on loopback: what the kernel passes on to it, with the kernel's times. It must not know what the frames mean."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.live.ear import ETH_P_IP, SO_TIMESTAMPNS


class Tap:
    """Reads frames in a thread of its own; a context manager. Needs the right to capture (root)."""

    def __init__(self, only: Callable[[socket.socket], None]) -> None:
        """`only` has the kernel drop all but what is wanted."""
        self._only = only
        self.frames: list[tuple[float, bytes]] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        self._socket.bind(("lo", ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._only(self._socket)
        self._socket.settimeout(0.2)
        self._on = True
        self._thread = threading.Thread(target=self._listen, name="tap", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._on = False
        self._thread.join(2)
        self._socket.close()

    def _listen(self) -> None:
        while self._on:
            with suppress(TimeoutError):
                frame, extra, _, _ = self._socket.recvmsg(4096, 64)
                seconds, nanoseconds = struct.unpack("qq", extra[0][2])
                self.frames.append((seconds + nanoseconds / 1e9, frame))
