"""AMI's text: bytes into messages, actions into bytes. No connection, no meaning.

Replies are read with panoramisk's Message, which is sound. The stream is taken apart here, since panoramisk decodes it chunk by
chunk and loses letters that fall on a border; actions are written here, since panoramisk's Action quotes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from panoramisk.message import Message

from callhandler.asterisk import quoting, wire
from callhandler.errors import CallhandlerError

Fields = dict[str, str]
"""One message's headers. The first of a repeated header counts."""
_MOST_BUFFERED = 1 << 20
_BODY = "content"


class AmiTextError(CallhandlerError):
    """What came is not AMI."""


class Framer:
    """Cuts a stream of bytes into messages; bytes of an unfinished one are kept."""

    def __init__(self) -> None:
        self._rest = b""
        self.banner: str | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield every message that is complete now, without its empty line. Raises AmiTextError after 1 MiB without an end."""
        data = self._rest + data
        if self.banner is None:
            line, end, data = data.partition(wire.END_OF_LINE)
            if not end:
                self._keep(line)
                return
            self.banner = decode(line)
        *messages, rest = data.split(wire.END_OF_MESSAGE)
        self._keep(rest)
        yield from messages

    def _keep(self, rest: bytes) -> None:
        self._rest = rest
        if len(rest) > _MOST_BUFFERED:
            raise AmiTextError("1 MiB came from AMI without the end of a message")


def decode(data: bytes) -> str:
    """Return bytes from outside as text: UTF-8, or else Latin-1, in which every byte means something."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def event_name(message: bytes) -> str:
    """Return the event's name without reading the message, "" when it is a reply."""
    if not message.startswith(b"Event: "):
        return ""
    end = message.find(wire.END_OF_LINE)
    return decode(message[7:] if end < 0 else message[7:end])


def fields(message: bytes) -> Fields:
    """Return the headers of a message. Lines that are none are passed over; the first of a repeated header counts."""
    lines = decode(message).split("\r\n")
    lines.reverse()
    return dict([line.split(": ", 1) for line in lines if ": " in line])


def reply(message: bytes) -> Fields:
    """Return the headers of a reply."""
    read = Message.from_line(decode(message))
    if read is None:
        return {}
    return {str(k): v if isinstance(v, str) else str(v[0]) for k, v in read.items() if k != _BODY}


def action(name: str, action_id: str, headers: Mapping[str, str | Sequence[str]]) -> bytes:
    """Return an action as it goes on the wire. Raises Unquotable for values that would become something else."""
    every = {"Action": name, wire.ACTION_ID: action_id, **headers}
    lines = [
        quoting.header(key, one)
        for key, value in every.items()
        for one in ([value] if isinstance(value, str) else value)
    ]
    if len(lines) > wire.MOST_HEADERS:
        raise quoting.Unquotable(f"an AMI action may have {wire.MOST_HEADERS} headers at most")
    return "\r\n".join([*lines, "", ""]).encode()
