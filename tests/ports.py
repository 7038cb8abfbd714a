"""Ports for tests: no other test process of this machine is given them, and Linux gives them to nobody who asks for any port.

Linux chooses from 32768 on (net.ipv4.ip_local_port_range), for listeners as for whoever connects. A port from there that was free a
moment ago may be taken by the next connection of another process, or by the very one that tries to reach it: TCP lets it connect to itself.
"""

import contextlib
import itertools
import secrets
import socket
from functools import cache

_FIRST = 11_000
_BASES = 1_500
_ROOM = 2_000
"""Ports a site and the phones around it take, from the base port on."""
_SINGLE = 100
_SHARE = _BASES + _ROOM + _SINGLE
"""Ports of one test process: bases of sites, room for the highest of them, and single ports."""
_SHARES = 6
_single = itertools.count()
_held: list[socket.socket] = []


def free_base() -> int:
    """A port from which on those that a site and its phones need are free on loopback."""
    for _ in range(1_000):
        base = _share() + secrets.randbelow(_BASES // 10) * 10
        if all(is_free(base + offset) for offset in (*range(5), *range(100, 200, 2), *range(900, 1300, 2))):
            return base
    raise RuntimeError("no free ports")


def free_port() -> int:
    """A single port that is free on loopback."""
    for _ in range(_SINGLE):
        port = _share() + _BASES + _ROOM + next(_single) % _SINGLE
        if is_free(port):
            return port
    raise RuntimeError("no free port")


def is_free(port: int) -> bool:
    """Whether nobody has a port of loopback now, for UDP and for TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


@cache
def _share() -> int:
    """The first port of this process's share: one that no other holds, else (seven of them) any.

    It is held by a name among abstract sockets, which the kernel lets go when the process ends, however it ends.
    """
    shares = list(range(_SHARES))
    for share in shares:
        lock = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            lock.bind(f"\0callhandler tests: ports, share {share}")
            _held.append(lock)
            return _FIRST + share * _SHARE
        lock.close()
    return _FIRST + secrets.choice(shares) * _SHARE
