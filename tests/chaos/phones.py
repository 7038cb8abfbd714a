"""Phones and callers of the chaos tests: SIP of a few lines, many calls at once, each call with a voice of its own.

`Desk` is an agent's phone: it registers, is rung, and does on command what a person does (answer, hold, transfer, hang up). `Trunk` is
everybody who calls in. What each saw of its calls is kept as this side saw it. They know no callhandler.
"""

import asyncio
import itertools
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import cast

from tests.live.robots import Address, Manners, Robot, Visit
from tests.live.sip_text import SDP, first_line, header, own

from .voice import Voice, far_of, voice

_bytes = itertools.count(1)


def next_voice() -> int:
    """A byte that hardly anybody else speaks with, and a loud one: ulaw is loud at its low end."""
    return 1 + next(_bytes) % 90


@dataclass(slots=True)
class Rung:
    """What a desk phone makes of a visit beside what a robot does."""

    voice: Voice
    cseq: int = 0
    said: dict[str, bytes] = field(default_factory=dict)


class Desk(Robot):
    """An agent's phone. `patience`: seconds until it answers by itself; None: on command. `talk`: seconds until it hangs up by itself."""

    def __init__(self, patience: float | None = 0.1, talk: float | None = None) -> None:
        super().__init__(lambda _: Manners())
        self.patience = patience
        self.talk = talk
        self._rung: dict[bytes, Rung] = {}

    async def _take(self, visit: Visit, manners: Manners, body: bytes) -> None:
        self._reply(visit.head, b"180 Ringing", visit.address)
        made = await voice(next_voice())
        made.far = far_of(body)
        if visit.ended is not None:  # it was cancelled meanwhile
            made.close()
            return
        self._rung[header(visit.head, b"Call-ID")] = Rung(made)
        visit.ear = made
        if self.patience is None:
            return
        await asyncio.sleep(self.patience)
        self.answer(visit)
        if self.talk is not None:
            await asyncio.sleep(self.talk)
            self.hang_up(visit)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Acknowledge what is said to our re-INVITE; all else is a robot's."""
        head, _, _ = data.partition(b"\r\n\r\n")
        if first_line(head).startswith(b"SIP/2.0 200") and b"INVITE" in header(head, b"CSeq"):
            visit = self._by_call.get(header(head, b"Call-ID"))
            if visit is not None:
                self._request(visit, b"ACK", cseq=int(header(head, b"CSeq").split()[0]))
            return
        if first_line(head).startswith(b"NOTIFY "):  # how a transfer goes: Asterisk ends our leg once this is answered
            self._reply(head, b"200 OK", addr)
            return
        super().datagram_received(data, addr)

    # --- what a person does ------------------------------------------------------------------------------------------

    def voice(self, visit: Visit) -> Voice:
        """The audio of a visit."""
        return self._rung[header(visit.head, b"Call-ID")].voice

    def answer(self, visit: Visit) -> None:
        """Pick up; nothing when it has stopped ringing."""
        if visit.answered is None and visit.ended is None and header(visit.head, b"Call-ID") in self._rung:
            visit.answered = time.time()
            self._reply(visit.head, b"200 OK", visit.address, SDP % self.voice(visit).port)

    def hang_up(self, visit: Visit) -> None:
        """Hang up."""
        if visit.ended is None:
            visit.by_robot = True
            self._request(visit, b"BYE")
            self._over(visit, cancel=False)

    def hold(self, visit: Visit, *, on: bool) -> None:
        """Put the other side on hold, or take it back: a re-INVITE."""
        body = SDP % self.voice(visit).port + (b"a=sendonly\r\n" if on else b"a=sendrecv\r\n")
        self._request(visit, b"INVITE", body, b"Content-Type: application/sdp")

    def transfer(self, visit: Visit, number: str) -> None:
        """Send the other side to a number of the site, without asking there first (REFER)."""
        to = b"<sip:%s@%s:%d>" % (number.encode(), *self._server(visit))
        self._request(visit, b"REFER", b"", b"Refer-To: " + to, b"Referred-By: " + header(visit.head, b"To"))

    def give_on(self, visit: Visit, asked: "Dialled") -> None:
        """Send the other side to whoever was asked in another call, in place of it (REFER with Replaces, RFC 3891)."""
        tag = header(asked.head, b"To").rpartition(b"tag=")[2]
        replaces = b"%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Df" % (asked.call_id, tag)
        to = b"<sip:%s@%s:%d?Replaces=%s>" % (asked.number.encode(), *self._server(visit), replaces)
        self._request(visit, b"REFER", b"", b"Refer-To: " + to, b"Referred-By: " + header(visit.head, b"To"))

    def _server(self, visit: Visit) -> tuple[bytes, int]:
        return visit.address[0].encode(), visit.address[1]

    def forget(self) -> None:
        """The server was restarted: what rang or was talked about is over, and nobody says so."""
        for visit in self.visits:
            if visit.ended is None:
                self._over(visit)

    def close(self) -> None:
        """Take no more calls."""
        super().close()
        for rung in self._rung.values():
            rung.voice.close()

    def _over(self, visit: Visit, *, cancel: bool = True) -> None:
        super()._over(visit, cancel=cancel)
        if (rung := self._rung.get(header(visit.head, b"Call-ID"))) is not None:
            rung.voice.close()

    def _request(self, visit: Visit, method: bytes, body: bytes = b"", *more: bytes, cseq: int | None = None) -> None:
        head, (host, port) = visit.head, own(self._transport)
        rung = self._rung[header(head, b"Call-ID")]
        if cseq is None:
            rung.cseq += 1
        found = re.search(rb"<([^>]+)>", header(head, b"Contact"))
        lines = [method + b" " + (found.group(1) if found else b"sip:x@127.0.0.1") + b" SIP/2.0"]
        lines += [b"Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (host, port, secrets.token_hex(8).encode())]
        lines += [b"From: " + header(head, b"To") + b";tag=robot", b"To: " + header(head, b"From")]
        lines += [b"Call-ID: " + header(head, b"Call-ID"), b"CSeq: %d %s" % (cseq or rung.cseq, method)]
        lines += [b"Contact: <sip:robot@%s:%d>" % (host, port), b"Max-Forwards: 70", *more]
        self._send(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body]), visit.address)


@dataclass(slots=True)
class Dialled:
    """One call of somebody who calls in. Times are seconds since the epoch."""

    caller: str
    number: str
    voice: Voice
    call_id: bytes
    dialled: float
    answered: float | None = None
    ended: float | None = None
    by_caller: bool = False
    refused: str = ""
    head: bytes = b""
    invite: bytes = b""


class Trunk(asyncio.DatagramProtocol):
    """Everybody who calls in over the trunk."""

    def __init__(self, server: Address) -> None:
        self.calls: list[Dialled] = []
        self._server = server
        self._by_id: dict[bytes, Dialled] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take what Asterisk says."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, call = first_line(head), self._by_id.get(header(head, b"Call-ID"))
        if call is None:
            return
        if first.startswith(b"BYE "):
            self._ok(head)
            self._over(call)
        elif first.startswith(b"SIP/2.0 ") and b"INVITE" in header(head, b"CSeq") and first[8:9] != b"1":
            self._acknowledge(call, head)
            if not first.startswith(b"SIP/2.0 200"):
                call.refused = first.decode(errors="replace")
                self._over(call)
            elif call.answered is None:
                call.answered, call.head, call.voice.far = time.time(), head, far_of(body)

    # --- what a caller does -------------------------------------------------------------------------------------------

    async def dial(self, caller: str, number: str) -> Dialled:
        """Call a number of the site."""
        host, port = own(self._transport)
        call = Dialled(caller, number, await voice(next_voice()), secrets.token_hex(8).encode(), time.time())
        self.calls.append(call)
        self._by_id[call.call_id] = call
        body = SDP % call.voice.port
        lines = [
            b"INVITE sip:%s@%s:%d SIP/2.0" % (number.encode(), self._server[0].encode(), self._server[1]),
            b"Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (host, port, call.call_id),
            b"From: <sip:%s@%s:%d>;tag=f" % (caller.encode(), host, port),
            b"To: <sip:%s@%s:%d>" % (number.encode(), self._server[0].encode(), self._server[1]),
            b"Call-ID: " + call.call_id,
            b"CSeq: 1 INVITE",
            b"Contact: <sip:%s:%d>" % (host, port),
            b"Max-Forwards: 70",
            b"Content-Type: application/sdp",
            b"Content-Length: %d" % len(body),
        ]
        call.invite = b"\r\n".join([*lines, b"", body])
        self._send(call.invite)
        return call

    def press(self, call: Dialled, keys: str) -> None:
        """Press keys, all at once."""
        for key in keys:
            call.voice.press(key)

    def hang_up(self, call: Dialled) -> None:
        """Hang up; nothing when it is over already."""
        if call.ended is None:
            call.by_caller = True
            self._request(call, b"BYE", call.head, 2)
            self._over(call)

    def close(self) -> None:
        """Hang up all that is left, and be gone."""
        for call in self.calls:
            if call.answered is not None:
                self.hang_up(call)
            call.voice.close()
        if self._transport is not None:
            self._transport.close()

    # --- SIP ----------------------------------------------------------------------------------------------------------

    def _over(self, call: Dialled) -> None:
        call.ended = call.ended or time.time()
        call.voice.close()

    def _ok(self, head: bytes) -> None:
        lines = [b"SIP/2.0 200 OK", *(b"Via: " + via for via in re.findall(rb"(?mi)^Via[ \t]*:[ \t]*(.*?)\r?$", head))]
        lines += [name + b": " + header(head, name) for name in (b"From", b"To", b"Call-ID", b"CSeq")]
        self._send(b"\r\n".join([*lines, b"Content-Length: 0", b"", b""]))

    def _acknowledge(self, call: Dialled, head: bytes) -> None:
        self._request(call, b"ACK", head, 1)

    def _request(self, call: Dialled, method: bytes, head: bytes, cseq: int) -> None:
        host, port = own(self._transport)
        branch = call.call_id if not header(head, b"Contact") else secrets.token_hex(8).encode()
        lines = [b"%s sip:%s@%s:%d SIP/2.0" % (method, b"x", self._server[0].encode(), self._server[1])]
        lines += [b"Via: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (host, port, branch)]
        lines += [b"From: " + header(head, b"From"), b"To: " + header(head, b"To"), b"Call-ID: " + call.call_id]
        lines += [b"CSeq: %d %s" % (cseq, method), b"Max-Forwards: 70", b"Content-Length: 0", b"", b""]
        self._send(b"\r\n".join(lines))

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, self._server)


async def trunk(server: Address) -> Trunk:
    """Open the trunk's far end for calls in, on any port of loopback."""
    made = Trunk(server)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    return made


async def desk(user: str, password: str, server: Address, patience: float | None, talk: float | None = None) -> Desk:
    """Open an agent's phone, and register it."""
    made = Desk(patience, talk)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    await made.register(user, password, server)
    return made
