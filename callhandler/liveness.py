"""Hears what a child process says of itself: "ready", "alive" (sd_notify(3), the receiving side; notify.py is the sending one).

It knows messages and process ids, not what they mean for anyone.
"""

import asyncio
import os
import secrets
import socket
import struct
from collections.abc import Callable

_CREDENTIALS = struct.Struct("3i")
_MOST = 4_096


class Listener:
    """Hears what a child says. `on_state(pid, key, value)` is called in the event loop; the kernel vouches for the pid."""

    def __init__(self, on_state: Callable[[int, str, str], None]) -> None:
        self._on_state = on_state
        # An abstract address needs no file and has no limit on a folder's depth.
        self.address = f"@callhandler-{os.getpid()}-{secrets.token_hex(8)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(self.address.replace("@", "\0", 1))

    def open(self) -> None:
        """Listen from now on, in the running event loop."""
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def wait(self) -> None:
        """Leave what is said from now on with the kernel, until it is listened to again."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())

    def close(self) -> None:
        """Listen no more."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_MOST, socket.CMSG_SPACE(_CREDENTIALS.size))
            except (BlockingIOError, InterruptedError):
                return
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    self._tell(_CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0], data)

    def _tell(self, pid: int, data: bytes) -> None:
        for line in data.decode("utf-8", "replace").splitlines():
            key, equals, value = line.partition("=")
            if equals:
                self._on_state(pid, key, value)
