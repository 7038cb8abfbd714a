"""A way between a phone and Asterisk on which each text (SIP MESSAGE) is refused, or lost: for phones that know no such thing.

All else is passed on, byte for byte, in both directions.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from .sip_text import header, headers
from .softphone import Softphone

LOST = b""
"""A text that nothing is answered to."""


@dataclass
class Refusing(asyncio.DatagramProtocol):
    """The way. The first text is answered with the first of `answers`, the second with the second, and so on round."""

    asterisk: tuple[str, int]
    phone: tuple[str, int]
    answers: Sequence[bytes]
    texts: list[bytes] = field(default_factory=list)
    """The Call-IDs of the texts that came; one that is sent again, as none was answered to, counts once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr != self.asterisk:
            self.transport.sendto(data, self.asterisk)
        elif data.startswith(b"MESSAGE "):
            self._refuse(data.partition(b"\r\n\r\n")[0])
        else:
            self.transport.sendto(data, self.phone)

    def _refuse(self, head: bytes) -> None:
        call_id = header(head, b"Call-ID")
        if call_id not in self.texts:
            self.texts.append(call_id)
        answer = self.answers[self.texts.index(call_id) % len(self.answers)]
        if answer == LOST:
            return
        lines = [b"SIP/2.0 " + answer, *(b"Via: " + via for via in headers(head, b"Via"))]
        lines += [b"From: " + header(head, b"From"), b"To: " + header(head, b"To") + b";tag=refused"]
        lines += [b"Call-ID: " + call_id, b"CSeq: " + header(head, b"CSeq"), b"Content-Length: 0", b"", b""]
        self.transport.sendto(b"\r\n".join(lines), self.asterisk)


@asynccontextmanager
async def refusing_texts(phone: Softphone, *answers: bytes) -> AsyncIterator[tuple[Softphone, Refusing]]:
    """A phone that isn't on the line yet, put behind such a way; and the way."""
    host, _, port = phone.server.rpartition(":")
    way = Refusing((host, int(port)), ("127.0.0.1", phone.ports), answers)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: way, local_addr=("127.0.0.1", 0))
    here = transport.get_extra_info("sockname")[1]
    try:
        yield replace(phone, server=f"127.0.0.1:{here}"), way
    finally:
        transport.close()
