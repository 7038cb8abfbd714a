"""A voice that is recognised: each side of a call sends packets filled with a byte of its own, and keeps when it heard whose.

Ten packets a second are enough to see a gap, and cheap enough for many calls at once. Asterisk hands their bytes through unchanged between
two phones of one codec, so a byte says who speaks; music and prompts are bytes of all kinds. Knows no SIP.
"""

import asyncio
import re
import struct
import time
from itertools import pairwise

from tests.live.sip_text import Ear

PAUSE = 0.1
MIXED = -1
"""What is heard of music and prompts: many values in one packet."""


class Voice(Ear):
    """One call's audio. `says` is the byte it speaks with."""

    def __init__(self, says: int) -> None:
        super().__init__()
        self.says = says
        self.packets: list[tuple[float, int]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stamp = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Speak from now on."""
        super().connection_made(transport)
        self._speak()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep when a packet came, and whose it was."""
        if data[1] & 0x7F == 0:
            payload = data[12:]
            self.packets.append((time.time(), payload[0] if len(set(payload)) == 1 else MIXED))

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self.transport is not None
        return int(self.transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Fall silent."""
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None:
            self.transport.close()

    def _speak(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self.far is not None:
            self._stamp += round(8_000 * PAUSE)
            head = struct.pack("!BBHII", 0x80, 0, self.sequence & 0xFFFF, self._stamp & 0xFFFFFFFF, self.says)
            self.transport.sendto(head + bytes([self.says]) * round(8_000 * PAUSE), self.far)
            self.sequence += 1
        self._timer = asyncio.get_running_loop().call_later(PAUSE, self._speak)

    # --- what was heard ---------------------------------------------------------------------------------------------

    def longest_gap(self, start: float, end: float, whose: int | None = None) -> tuple[float, float]:
        """The longest time without a packet between two times, and when it began; `whose`: only that voice counts."""
        heard = (at for at, byte in self.packets if start <= at <= end and whose in (None, byte))
        return max(((after - before, before) for before, after in pairwise([start, *heard, end])), default=(0.0, start))

    def hears(self, whose: int, since: float) -> bool:
        """Whether a voice was heard since a time."""
        return any(at >= since and byte == whose for at, byte in reversed(self.packets))


async def voice(says: int) -> Voice:
    """Open a voice on any port of loopback."""
    made = Voice(says)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    return made


def far_of(body: bytes) -> tuple[str, int] | None:
    """Where the other side listens, by its SDP."""
    found = re.search(rb"m=audio (\d+)", body)
    return ("127.0.0.1", int(found.group(1))) if found else None
