"""Who is at the other end of the control socket, and whether they may speak to the daemon.

The socket's mode (0660) already keeps strangers out; this asks the kernel again, so that a socket in a carelessly
shared folder or with a changed mode is no open door, and so that the journal can say who asked.
"""

import os
import pwd
import socket
import struct
from dataclasses import dataclass
from functools import lru_cache

_SO_PEERGROUPS = 59
"""From Linux' include/uapi/asm-generic/socket.h; Python has no name for it."""
_MOST_GROUPS = 256
"""Python reads at most 1024 bytes of a socket option; who is in more groups counts by the primary one alone."""
_UCRED = struct.Struct("iII")


@dataclass(frozen=True, slots=True)
class Peer:
    """A process at the other end, as the kernel knew it when it connected."""

    pid: int
    uid: int
    groups: frozenset[int]

    @property
    def user(self) -> str:
        """Return the user's name, or `uid 1234` for one without."""
        return _name(self.uid)

    def may_enter(self, group: int) -> bool:
        """Tell whether this is root, the daemon's own user, or a member of the socket's group."""
        return self.uid in {0, os.geteuid()} or group in self.groups


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel who connected (SO_PEERCRED, SO_PEERGROUPS; see unix(7))."""
    pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    except OSError:
        raw = b""
    return Peer(pid, uid, frozenset(struct.unpack(f"{len(raw) // 4}I", raw)) | {gid})


@lru_cache(maxsize=256)
def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
