"""Telephones that do as they are told, many calls at once, cheaply: for tests of what happens to hundreds of calls.

SIP over UDP and RTP of a few lines. What each call was (rang, answered, talked to, over) is kept as this side saw it. They know no
callhandler.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from .sip_text import SDP, Ear, ear, first_line, header, headers, own

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Manners:
    """What a robot does with a call: `answer` after so many seconds (None: rings on) or `refuse` it with a status line.

    Once answered it presses `keys` one after the other, `pause` seconds before each, and hangs up after `talk` seconds (None: never).
    """

    answer: float | None = 0.1
    refuse: str | None = None
    keys: str = ""
    pause: float = 0.6
    talk: float | None = None


@dataclass(slots=True)
class Visit:
    """One call that came to a robot. Times are seconds since the epoch."""

    number: str
    rang: float
    head: bytes
    address: Address
    answered: float | None = None
    ended: float | None = None
    by_robot: bool = False
    ear: Ear | None = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)


class Robot(asyncio.DatagramProtocol):
    """One SIP user agent that takes calls to any number; `manners(number)` says what it does with each."""

    def __init__(self, manners: Callable[[str], Manners], saw: Callable[[str], None] = lambda step: None) -> None:
        """`saw` is told, at once, of `rang` and `answered`."""
        self._manners = manners
        self._saw = saw
        self.visits: list[Visit] = []
        self._by_call: dict[bytes, Visit] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._registered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._login: tuple[str, str, Address] | None = None
        self._registration = b""
        self._tasks: set[asyncio.Task[None]] = set()

    # --- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        first = first_line(head)
        visit = self._by_call.get(header(head, b"Call-ID"))
        if first.startswith(b"INVITE ") and visit is None:
            self._rings(head, body, addr)
        elif first.startswith(b"CANCEL ") and visit is not None:
            self._reply(head, b"200 OK", addr)
            self._reply(visit.head, b"487 Request Terminated", addr)
            self._over(visit)
        elif first.startswith(b"BYE "):
            self._reply(head, b"200 OK", addr)
            if visit is not None:
                self._over(visit)
        elif first.startswith(b"OPTIONS "):
            self._reply(head, b"200 OK", addr)
        elif first.startswith(b"SIP/2.0 ") and b"REGISTER" in header(head, b"CSeq"):
            self._register_answered(first, head)

    # --- calls ------------------------------------------------------------------------------------------------------

    def _rings(self, head: bytes, body: bytes, address: Address) -> None:
        found = re.match(rb"INVITE sip:([^@;> ]+)", first_line(head))
        number = found.group(1).decode() if found else ""
        visit = Visit(number, time.time(), head, address)
        self.visits.append(visit)
        self._by_call[header(head, b"Call-ID")] = visit
        self._saw("rang")
        task = asyncio.Task(self._take(visit, self._manners(number), body), name=f"robot {number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        visit.tasks.append(task)

    async def _take(self, visit: Visit, manners: Manners, body: bytes) -> None:
        self._reply(visit.head, b"180 Ringing", visit.address)
        if manners.refuse is not None:
            await asyncio.sleep(0.05)
            self._reply(visit.head, manners.refuse.encode(), visit.address)
            visit.by_robot = True
            self._over(visit)
            return
        if manners.answer is None:
            return
        await asyncio.sleep(manners.answer)
        visit.ear = await ear(0)
        assert visit.ear.transport is not None
        visit.ear.far = _media(body)
        port = visit.ear.transport.get_extra_info("sockname")[1]
        self._reply(visit.head, b"200 OK", visit.address, SDP % port)
        visit.answered = time.time()
        self._saw("answered")
        await asyncio.gather(self._presses(visit, manners), self._hangs_up(visit, manners))

    async def _presses(self, visit: Visit, manners: Manners) -> None:
        for key in manners.keys:
            await asyncio.sleep(manners.pause)
            if visit.ear is not None and visit.ended is None:
                visit.ear.press(key)

    async def _hangs_up(self, visit: Visit, manners: Manners) -> None:
        if manners.talk is None:
            return
        await asyncio.sleep(manners.talk)
        visit.by_robot = True
        self._bye(visit)
        self._over(visit, cancel=False)

    def _over(self, visit: Visit, *, cancel: bool = True) -> None:
        if visit.ended is None:
            visit.ended = time.time()
        if visit.ear is not None and visit.ear.transport is not None:
            visit.ear.transport.close()
        if cancel:
            for task in visit.tasks:
                task.cancel()

    # --- SIP --------------------------------------------------------------------------------------------------------

    def _reply(self, head: bytes, status: bytes, address: Address, body: bytes = b"") -> None:
        to = header(head, b"To")
        to += b"" if b"tag=" in to else b";tag=robot"
        lines = [b"SIP/2.0 " + status, *(b"Via: " + via for via in headers(head, b"Via"))]
        lines += [b"From: " + header(head, b"From"), b"To: " + to, b"Call-ID: " + header(head, b"Call-ID")]
        lines += [b"CSeq: " + header(head, b"CSeq"), b"Contact: <sip:robot@%s:%d>" % own(self._transport)]
        lines += [b"Content-Type: application/sdp"] if body else []
        self._send(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body]), address)

    def _bye(self, visit: Visit) -> None:
        head, (host, port) = visit.head, own(self._transport)
        found = re.search(rb"<([^>]+)>", header(head, b"Contact"))
        target = found.group(1) if found else b"sip:x@127.0.0.1"
        lines = [b"BYE " + target + b" SIP/2.0"]
        lines += [b"Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (host, port, secrets.token_hex(8).encode())]
        lines += [b"From: " + header(head, b"To") + b";tag=robot", b"To: " + header(head, b"From")]
        lines += [b"Call-ID: " + header(head, b"Call-ID"), b"CSeq: 1 BYE", b"Max-Forwards: 70"]
        self._send(b"\r\n".join([*lines, b"Content-Length: 0", b"", b""]), visit.address)

    def _send(self, data: bytes, address: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    # --- registering ------------------------------------------------------------------------------------------------

    async def register(self, user: str, password: str, server: Address) -> None:
        """Register with a password, for five minutes."""
        self._login, self._registration = (user, password, server), secrets.token_hex(8).encode()
        self._registered = asyncio.get_running_loop().create_future()
        self._send_register(b"")
        await asyncio.wait_for(self._registered, 30)

    def _send_register(self, authorization: bytes) -> None:
        assert self._login is not None
        user, _, server = self._login
        host, port = own(self._transport)
        name = b"%s@%s:%d" % (user.encode(), server[0].encode(), server[1])
        lines = [b"REGISTER sip:%s:%d SIP/2.0" % (server[0].encode(), server[1])]
        lines += [b"Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (host, port, secrets.token_hex(8).encode())]
        lines += [b"From: <sip:" + name + b">;tag=reg", b"To: <sip:" + name + b">", b"Call-ID: " + self._registration]
        lines += [b"CSeq: %d REGISTER" % (2 if authorization else 1), b"Max-Forwards: 70", b"Expires: 300"]
        lines += [b"Contact: <sip:%s@%s:%d>" % (user.encode(), host, port)]
        lines += [b"Authorization: " + authorization] if authorization else []
        self._send(b"\r\n".join([*lines, b"Content-Length: 0", b"", b""]), server)

    def _register_answered(self, first: bytes, head: bytes) -> None:
        if first.startswith(b"SIP/2.0 200") and not self._registered.done():
            self._registered.set_result(None)
        elif first.startswith(b"SIP/2.0 401") and header(head, b"CSeq").startswith(b"1 "):
            self._send_register(self._digest(header(head, b"WWW-Authenticate").decode()))

    def _digest(self, challenge: str) -> bytes:
        """Answer a challenge (RFC 2617, MD5, qop auth)."""
        assert self._login is not None
        user, password, server = self._login
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        uri, nonce, cnonce = f"sip:{server[0]}:{server[1]}", said["nonce"], secrets.token_hex(4)
        one, two = _md5(f"{user}:{said['realm']}:{password}"), _md5(f"REGISTER:{uri}")
        response = _md5(f"{one}:{nonce}:00000001:{cnonce}:auth:{two}")
        words = f'username="{user}", realm="{said["realm"]}", nonce="{nonce}", uri="{uri}", response="{response}"'
        more = f', algorithm=MD5, cnonce="{cnonce}", nc=00000001, qop=auth'
        more += f', opaque="{said["opaque"]}"' if "opaque" in said else ""
        return f"Digest {words}{more}".encode()

    def close(self) -> None:
        """Stop taking calls."""
        for visit in self.visits:
            if visit.ended is None:
                self._over(visit)
        if self._transport is not None:
            self._transport.close()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _media(body: bytes) -> Address | None:
    found = re.search(rb"m=audio (\d+)", body)
    return ("127.0.0.1", int(found.group(1))) if found else None


async def robot(port: int, manners: Callable[[str], Manners], saw: Callable[[str], None] = lambda step: None) -> Robot:
    """Open a robot on a UDP port of loopback; 0 for any."""
    made = Robot(manners, saw)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", port))
    return made
