"""Run within a network namespace of its own: loads nftables rules, knocks at SIP's ports in many ways, and says what came through, as JSON.

`unshare -rn python -m tests.live.walled RULES NFT...`. It knows no callhandler, and ends by itself within seconds.
"""

import errno
import fcntl
import json
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

SERVER, SERVER6 = "192.0.2.1", "2001:db8::1"
GUESSER, PHONE, PROVIDER = "192.0.2.7", "192.0.2.8", "192.0.2.9"
NETWORK6, PHONE6 = [f"2001:db8:0:1::{one:x}" for one in range(1, 101)], "2001:db8:0:2::8"
SIP, SIPS, RTP = 5060, 5061, 10_000
REGISTER = b"REGISTER sip:192.0.2.1 SIP/2.0\r\nFrom: <sip:101@192.0.2.1>\r\n\r\n"
_SIOCSIFFLAGS, _SIOCSIFADDR, _IFF_UP = 0x8914, 0x8916, 0x1


def bring_up() -> None:
    """Loopback, and on it everybody's addresses: all of 192.0.2.0/24 by the server's, as all of 127.0.0.0/8; over IPv6 each."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        fcntl.ioctl(link, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(SERVER))
        fcntl.ioctl(link, _SIOCSIFADDR, struct.pack("16s16s", b"lo:1", address))
        fcntl.ioctl(link, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo:1", _IFF_UP))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as link:
        loopback = socket.if_nametoindex("lo")
        for six in (SERVER6, PHONE6, *NETWORK6):
            address = struct.pack("=16sIi", socket.inet_pton(socket.AF_INET6, six), 128, loopback)
            fcntl.ioctl(link, _SIOCSIFADDR, address)


def knock(sources: Sequence[str], count: int, *, pause: float = 0.0, port: int = SIP) -> tuple[int, float]:
    """Send so many REGISTERs, from addresses in turn; return how many came and how long it took, in seconds."""
    family, server = (socket.AF_INET6, SERVER6) if ":" in sources[0] else (socket.AF_INET, SERVER)
    with socket.socket(family, socket.SOCK_DGRAM) as ear:
        ear.bind((server, port))
        ear.setblocking(False)
        came, began = 0, time.monotonic()
        for number in range(count):
            with socket.socket(family, socket.SOCK_DGRAM) as mouth:
                mouth.bind((sources[number % len(sources)], 0))
                mouth.sendto(REGISTER, (server, port))
            came += _drained(ear)
            time.sleep(pause)
        time.sleep(0.2)
        return came + _drained(ear), time.monotonic() - began


def _drained(ear: socket.socket) -> int:
    count = 0
    try:
        while ear.recv(2_048):
            count += 1
    except BlockingIOError:
        pass
    return count


def connect(sources: Sequence[str], count: int) -> tuple[int, float]:
    """Open so many connections from addresses in turn; return how many were open within half a second, and how long it took."""
    family, server = (socket.AF_INET6, SERVER6) if ":" in sources[0] else (socket.AF_INET, SERVER)
    with ExitStack() as stack:
        stack.enter_context(socket.create_server((server, SIPS), family=family, backlog=count))
        poll, began = select.poll(), time.monotonic()
        for number in range(count):
            link = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            link.setblocking(False)
            link.bind((sources[number % len(sources)], 0))
            assert link.connect_ex((server, SIPS)) in {0, errno.EINPROGRESS}
            poll.register(link, select.POLLOUT)
        time.sleep(0.5)
        return sum(what == select.POLLOUT for _, what in poll.poll(0)), time.monotonic() - began


def main(rules: str, nft: list[str]) -> None:
    """Try all."""

    def tell(*words: str) -> None:
        subprocess.run([*nft, *words], check=True)

    bring_up()
    without = knock([GUESSER], 500)
    tell("-c", "-f", rules)
    tell("-f", rules)
    tell("-f", rules)  # a second time, as after a change
    tell("add", "element", "inet", "callhandler", "trunks", "{", PROVIDER, "}")
    found = {
        "without rules": without,
        "a flood": knock([GUESSER], 1_000),
        "the same address, slowly": knock([GUESSER], 15, pause=0.1),
        "a phone meanwhile": knock([PHONE], 100),
        "the provider": knock([PROVIDER], 1_000),
        "audio": knock([GUESSER], 1_000, port=RTP),
        "connections": connect([GUESSER], 60),
        "connections of the provider": connect([PROVIDER], 60),
        "a flood of a network over IPv6": knock(NETWORK6, 1_000),
        "a phone of another network": knock([PHONE6], 100),
        "connections of a network over IPv6": connect(NETWORK6, 60),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
