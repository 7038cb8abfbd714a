"""What comes from Asterisk over AMI: its stream, its messages, and a connection with questions under way."""

import asyncio

from callhandler.asterisk import wire
from callhandler.asterisk.ami_link import AmiConnection, Reply
from callhandler.asterisk.ami_text import Framer, event_name, fields, reply
from callhandler.asterisk.meanings import live_channel
from callhandler.asterisk.translate import Translator
from callhandler.core.observed import LinkUp, Observation
from tests.fuzz.engine import Target
from tests.fuzz.running import exceptions, run

NEXT = b"\x1e"
"""Between the pieces of an input that come one after the other."""


def ami_stream(data: bytes) -> None:
    """Messages are the same however the bytes come in; nothing is lost or made up."""
    whole, halves = Framer(), Framer()
    at = data[0] * len(data) // 256 if data else 0
    messages = list(whole.feed(data))
    assert messages == [*halves.feed(data[:at]), *halves.feed(data[at:])]
    assert whole.banner == halves.banner
    assert not any(wire.END_OF_MESSAGE in message for message in messages)
    assert all(message in data for message in messages)


def ami_message(data: bytes) -> None:
    """A message is headers, the first of each counting; events become observations or nothing."""
    translator = Translator()
    for leg in ("pbx1-1.1-o1", "pbx1-1.1-o2", "1"):
        translator.offered(leg)
    for message in data.split(NEXT):
        name, headers, answer = event_name(message), fields(message), reply(message)
        assert all(": " not in key and "\r\n" not in key and "\r\n" not in text for key, text in headers.items())
        assert all(isinstance(key, str) and isinstance(text, str) for key, text in answer.items())
        seen = translator.event(name, headers)
        assert all(isinstance(one, Observation) for one in seen)
        live_channel(headers)
    translator.snapshot(LinkUp("", "", (), ()), {})
    assert not translator.pending("1")


def ami_connection(data: bytes) -> None:
    """Whatever comes, each question is answered once, rows are those of their list, and the connection ends by saying why."""
    run(_link(data))
    assert exceptions() == []


class _Unread(asyncio.Transport):
    """What the connection says goes nowhere."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Read nothing."""

    def abort(self) -> None:
        """End nothing: the test does."""


async def _link(data: bytes) -> None:
    translator = Translator()

    def seen(name: str, message: bytes) -> None:
        translator.event(name, fields(message))

    connection = AmiConnection(seen)
    connection.connection_made(_Unread())
    answers: list[list[Reply | None]] = [[] for _ in range(4)]
    asked = (wire.LOGIN, wire.STATUS_ACTION, wire.DEVICE_STATE_LIST, wire.PING)
    for name, answer in zip(asked, answers, strict=True):
        connection.send(name, {}, answer.append, 10.0)
    for piece in data.split(NEXT):
        connection.data_received(piece)
    connection.connection_lost(None)
    assert [len(answer) for answer in answers] == [1, 1, 1, 1]
    assert connection.lost.result()
    assert connection.banner.done()


_AMI = (
    b"Asterisk Call Manager/9.0.0\r\n", b"\r\n\r\n", b"Response: Success\r\n", b"Response: Error\r\n", b"Response: Follows\r\n",
    b"EventList: Complete\r\n", b"EventList: start\r\n", b"ActionID: ch-1\r\n", b"ActionID: ch-2\r\n", b"ActionID: ch-3\r\n",
    b"--END COMMAND--\r\n", b"Output: ", b"Message: ", b"ChanVariable: a=b\r\n", b"ChanVariable(x): a=b\r\n", b"Event: Status\r\n",
    *(f"Event: {name}\r\n".encode() for name in sorted(wire.EVENTS)), b"Uniqueid: ", b"ChannelState: ", b"Cause: ", b"Context: ",
    b"BridgeUniqueid: b\r\n", b"Device: ", b"State: ", b"Uniqueid: pbx1-1.1-o1\r\n", b"ChannelState: 6\r\n", b"ChannelState: 5\r\n",
    b"Cause: 17\r\n", b"Context: callhandler-word\r\n", b"Device: PJSIP/101\r\nState: INUSE\r\n", b"Result: Success\r\n",
    b"Direction: Received\r\nDigit: 1\r\n", b"TransfererUniqueid: 1\r\nTransfereeUniqueid: 1\r\nExtension: 5\r\n",
)  # fmt: skip

TARGETS = (
    Target("ami_stream", "the same messages however the bytes are cut", ami_stream, _AMI),
    Target("ami_message", "headers, each once; observations or nothing", ami_message, _AMI, cost=6),
    Target("ami_connection", "each action is answered exactly once; nothing raised, nothing logged as an exception", ami_connection, _AMI,
           cost=10),
)  # fmt: skip
