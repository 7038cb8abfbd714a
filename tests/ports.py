"""Ports for tests: no other test process of this machine is given them, and Linux gives them to nobody who asks for any port.

Linux chooses from 32768 on (net.ipv4.ip_local_port_range), for listeners as for whoever connects. A port from there that was free a
moment ago may be taken by the next connection of another process, or by the very one that tries to reach it: TCP lets it connect to itself.
"""

import itertools
import secrets
import socket
from collections.abc import Iterator

_FIRST = 7_400
_BASES = 1_500
_ROOM = 2_000
"""Ports a site and the phones around it take, from the base port on."""
_SINGLE = 100
_SHARE = _BASES + _ROOM + _SINGLE
"""Ports of one test process: bases of sites, room for the highest of them, and single ports."""
_SHARES = 7
_single = itertools.count()
_held: dict[int, socket.socket] = {}


def free_base() -> int:
    """A port from which on those that a site and its phones need are free on loopback."""
    for share in _shares():
        for _ in range(_BASES // 10):
            base = share + secrets.randbelow(_BASES // 10) * 10
            if all(is_free(base + offset) for offset in (*range(5), *range(100, 200, 2), *range(900, 1300, 2))):
                return base
    raise RuntimeError("no free ports")


def free_port() -> int:
    """A single port that is free on loopback."""
    for share in _shares():
        for _ in range(_SINGLE):
            port = share + _BASES + _ROOM + next(_single) % _SINGLE
            if is_free(port):
                return port
    raise RuntimeError("no free port")


def is_free(port: int) -> bool:
    """Whether nobody has a port of loopback now, for UDP and for TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if (
                kind == socket.SOCK_STREAM
            ):  # as every server asks for: a port whose last connection has just ended can be had
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def _shares() -> Iterator[int]:
    """The first port of each share that this process has or can have; in the end, when there was no room in these, of any.

    A share is held by a name among abstract sockets, which the kernel lets go when the process ends, however it ends.
    """
    yield from list(_held)
    others = [_FIRST + number * _SHARE for number in range(_SHARES) if _FIRST + number * _SHARE not in _held]
    for share in others:
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0callhandler tests: ports from {share}")
        except OSError:
            lock.close()
            continue
        _held[share] = lock
        yield share
    yield from secrets.SystemRandom().sample(others, len(others))
