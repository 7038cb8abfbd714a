"""A SIP phone of a few lines that says exactly what it is told to, byte for byte: for values no proper phone would send."""

import asyncio
import re
import secrets
import struct
from dataclasses import dataclass, field
from typing import cast

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
)
KEYS = "0123456789*#"


class Ear(asyncio.DatagramProtocol):
    """Takes the audio that comes, as ulaw by RTP sequence, and sends keys (RFC 4733)."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.transport: asyncio.DatagramTransport | None = None
        self.far: tuple[str, int] | None = None
        self.sequence = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.far = addr
        if data[1] & 0x7F == 0:
            self.heard += data[12:]

    def press(self, key: str) -> None:
        """Press a key for 100 ms, all packets at once."""
        assert self.transport is not None
        assert self.far is not None
        stamp = self.sequence * 160
        for number, ended in enumerate([0, 0, 0, 0x80, 0x80, 0x80]):
            marker = 0x80 if number == 0 else 0
            head = struct.pack("!BBHII", 0x80, 101 | marker, self.sequence & 0xFFFF, stamp, 7)
            duration = min(number + 1, 4) * 200
            self.transport.sendto(head + struct.pack("!BBH", KEYS.index(key), 10 | ended, duration), self.far)
            self.sequence += 1


@dataclass
class Plan:
    """What to answer an INVITE with: status lines in turn, each after `pause` seconds. No final status: it rings on."""

    replies: tuple[bytes, ...] = (b"180 Ringing",)
    pause: float = 0.05


@dataclass
class TextPhone(asyncio.DatagramProtocol):
    """Answers INVITEs by `plan`; sends INVITEs of its own with any bytes as the caller's name."""

    plan: Plan = field(default_factory=Plan)
    seen: list[bytes] = field(default_factory=list)
    transport: asyncio.DatagramTransport | None = None
    calls: int = 0
    rtp: int = 9
    dialogs: dict[bytes, bytes] = field(default_factory=dict)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def send(self, data: bytes, address: tuple[str, int]) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, address)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.seen.append(data)
        head, _, _ = data.partition(b"\r\n\r\n")
        first = first_line(head)
        if first.startswith(b"INVITE "):
            for number, status in enumerate(self.plan.replies):
                asyncio.get_running_loop().call_later(self.plan.pause * (number + 1), self.reply, head, status, addr)
        elif first.startswith(b"CANCEL "):
            self.reply(head, b"200 OK", addr)
            self.reply(head.replace(b"CANCEL", b"INVITE"), b"487 Request Terminated", addr)
        elif first.startswith((b"BYE ", b"OPTIONS ")):
            self.reply(head, b"200 OK", addr)
        elif first.startswith(b"SIP/2.0 ") and b"INVITE" in header(head, b"CSeq") and first[8:9] != b"1":
            self.acknowledge(head, addr)

    def reply(self, head: bytes, status: bytes, address: tuple[str, int]) -> None:
        """Answer a request with a status line."""
        to = header(head, b"To")
        if b"tag=" not in to:
            to += b";tag=t"
        body = SDP % self.rtp if status.startswith(b"200") and b"INVITE" in header(head, b"CSeq") else b""
        lines = [b"SIP/2.0 " + status]
        lines += [b"Via: " + via for via in headers(head, b"Via")]
        lines += [b"From: " + header(head, b"From"), b"To: " + to, b"Call-ID: " + header(head, b"Call-ID")]
        lines += [b"CSeq: " + header(head, b"CSeq"), b"Contact: <sip:%s:%d>" % own(self.transport)]
        lines += [b"Content-Type: application/sdp"] if body else []
        lines += [b"Content-Length: %d" % len(body), b"", body]
        self.send(b"\r\n".join(lines), address)

    def acknowledge(self, head: bytes, address: tuple[str, int]) -> None:
        """Acknowledge a final answer to our INVITE."""
        lines = [b"ACK sip:x@%s:%d SIP/2.0" % (address[0].encode(), address[1]), b"Via: " + header(head, b"Via")]
        lines += [
            b"From: " + header(head, b"From"),
            b"To: " + header(head, b"To"),
            b"Call-ID: " + header(head, b"Call-ID"),
        ]
        lines += [b"CSeq: 1 ACK", b"Max-Forwards: 70", b"Content-Length: 0", b"", b""]
        self.send(b"\r\n".join(lines), address)
        if first_line(head)[8:9] == b"2":
            self.dialogs[header(head, b"Call-ID")] = head

    def hang_up(self, call_id: bytes, address: tuple[str, int]) -> None:
        """End a call of ours that was answered."""
        head = self.dialogs.pop(call_id)
        host, port = own(self.transport)
        lines = [b"BYE sip:x@%s:%d SIP/2.0" % (address[0].encode(), address[1])]
        lines += [
            b"Via: SIP/2.0/UDP %s:%d;branch=z9hG4bKbye%s" % (host, port, call_id),
            b"From: " + header(head, b"From"),
        ]
        lines += [b"To: " + header(head, b"To"), b"Call-ID: " + call_id, b"CSeq: 2 BYE", b"Max-Forwards: 70"]
        self.send(b"\r\n".join([*lines, b"Content-Length: 0", b"", b""]), address)

    def invite(self, number: bytes, name: bytes, user: bytes, address: tuple[str, int]) -> bytes:
        """Call `number` with `name` (raw bytes inside the quotes) and `user` in From; returns the Call-ID."""
        self.calls += 1
        host, port = own(self.transport)
        call_id = b"text-%d-%s" % (self.calls, secrets.token_hex(8).encode())
        lines = [
            b"INVITE sip:%s@%s:%d SIP/2.0" % (number, address[0].encode(), address[1]),
            b"Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (host, port, call_id),
            b'From: "%s" <sip:%s@%s:%d>;tag=f%d' % (name, user, host, port, self.calls),
            b"To: <sip:%s@%s:%d>" % (number, address[0].encode(), address[1]),
            b"Call-ID: " + call_id,
            b"CSeq: 1 INVITE",
            b"Contact: <sip:%s:%d>" % (host, port),
            b"Max-Forwards: 70",
            b"Content-Type: application/sdp",
            b"Content-Length: %d" % len(SDP % self.rtp),
            b"",
            SDP % self.rtp,
        ]
        self.send(b"\r\n".join(lines), address)
        return call_id


def first_line(head: bytes) -> bytes:
    """The request or status line."""
    return head.split(b"\r\n", 1)[0]


def headers(head: bytes, name: bytes) -> list[bytes]:
    """All values of a header."""
    return re.findall(rb"(?mi)^" + name + rb"[ \t]*:[ \t]*(.*?)\r?$", head)


def header(head: bytes, name: bytes) -> bytes:
    """The first value of a header, or nothing."""
    found = headers(head, name)
    return found[0] if found else b""


def own(transport: asyncio.DatagramTransport | None) -> tuple[bytes, int]:
    """Our own address."""
    assert transport is not None
    host, port = transport.get_extra_info("sockname")[:2]
    return host.encode(), port


async def text_phone(port: int, plan: Plan | None = None) -> TextPhone:
    """Open a phone on a UDP port of loopback."""
    phone = TextPhone(plan or Plan())
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: phone, local_addr=("127.0.0.1", port))
    return phone


async def ear(port: int) -> Ear:
    """Open an ear on a UDP port of loopback."""
    listening = Ear()
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: listening, local_addr=("127.0.0.1", port))
    return listening
