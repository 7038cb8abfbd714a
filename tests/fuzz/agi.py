"""What comes from Asterisk over FastAGI: header blocks, replies, whole connections and sessions with scripts in them."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

from callhandler.asterisk import agi_key, wire
from callhandler.asterisk.agi import AgiLimits, AgiServer, _Connection
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import AgiEnvironment, AgiReply, AgiTextError, environment, reply
from callhandler.asterisk.ami_text import decode
from callhandler.asterisk.caller import AgiCaller
from callhandler.errors import CallerGone
from callhandler.scripts.caller import Clock, Digits, Letters, Number, Prompt
from tests.fuzz.engine import Target
from tests.fuzz.running import exceptions, run

NEXT = b"\x1e"
"""Between the pieces of an input that come one after the other."""
KEYS = "0123456789*#"
KEY = "0123456789abcdef" * 2
_BLOCK = f"agi_network_script: call\nagi_uniqueid: pbx1-1.1\nagi_channel: PJSIP/pstn-1\nagi_arg_4: {KEY}\n\n".encode()


def agi_header(data: bytes) -> None:
    """Whatever the block says, it is an environment of a channel or refused."""
    lines = [line.rstrip(b"\r\n") for line in data.split(b"\n")]
    with suppress(AgiTextError):
        env = environment(lines)
        assert env.uniqueid
        assert env.channel
        assert "unknown" not in (env.caller_name, env.caller_number)
        assert not agi_key.is_right(env.key, "0" * 32) or env.key == "0" * 32
        assert all(b"agi_arg_%d: " % (n + 1) in data for n in range(len(env.args)))
    first = environment([b"agi_uniqueid: 1", b"agi_channel: x", b"agi_callerid: 7", *lines])
    assert (first.uniqueid, first.channel, first.caller_number) == ("1", "x", "7")


def agi_reply(data: bytes) -> None:
    """A reply reads back the same, whatever its data say."""
    line = decode(data).rstrip("\r\n")
    try:
        got = reply(line)
    except AgiTextError:
        return
    assert isinstance(got, AgiReply)
    assert got.key is None or (got.key in KEYS + "ABCD" and got.good)
    if got.code != 200:
        assert not got.good
        return
    assert got.result is not None
    end = "" if got.endpos is None else f" endpos={got.endpos}"
    assert reply(f"200 result={got.result} ({got.data}){end}") == got
    assert reply(f"200 result={got.result} (hangup 200 result=-1){end}").result == got.result


class _Asterisk(asyncio.Transport):
    """The other end of a session: answers each command with the next piece of the input, then hangs up."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__({"peername": ("127.0.0.1", 5_038)})
        self.told: list[bytes] = []
        self.closed = False
        self.connection: asyncio.Protocol | None = None
        self._pieces = pieces[::-1]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed, "written to after its end"
        self.told.append(bytes(data))
        asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        if self.connection is not None and not self.closed:
            if self._pieces:
                self.connection.data_received(self._pieces.pop())
            else:
                self.closed = True
                self.connection.connection_lost(None)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


async def _cut(session: AgiSession, _: AgiCaller) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(3):
        loop.call_soon(session.cut)
        await session.command(wire.AGI_STREAM_FILE, "x", KEYS, deadline=5.0)


async def _digits(_: AgiSession, caller: AgiCaller) -> None:
    keyed = await caller.digits(Prompt("p"), Digits("12"), most=6, seconds=3.0) or ""
    assert len(keyed) <= 6
    assert set(keyed) <= set("0123456789"), keyed
    await caller.music("default")
    assert set(await caller.digits(Prompt("p"), most=2, seconds=1.0) or "1") <= set("0123456789")


async def _menu(_: AgiSession, caller: AgiCaller) -> None:
    await caller.answer()
    await caller.music("default")
    for keys in ("12", KEYS, ""):
        key = await caller.say(Prompt("p"), Number(3), Clock(1e9), Letters("ab"), keys=keys) or await caller.key(2.0)
        assert key is None or key in KEYS, key
    key = await caller.ask(Prompt("p"), Prompt("q"), seconds=2.0)
    assert key is None or (key in KEYS and len(key) == 1), key


async def _message(_: AgiSession, caller: AgiCaller) -> None:
    recorded = await caller.record("pbx1-1.1", most=10.0, silence=2.0)
    assert 0.0 <= recorded.seconds <= 30.0
    assert recorded.key is None or len(recorded.key) == 1
    await caller.hang_up()


_SCRIPTS: tuple[Callable[[AgiSession, AgiCaller], Awaitable[None]], ...] = (_cut, _digits, _menu, _message)


def agi_session(data: bytes) -> None:
    """Whatever Asterisk answers, a script goes on or learns that the caller is gone, in time, and one command is one line."""
    run(_session(data))
    assert exceptions() == []


async def _session(data: bytes) -> None:
    script = _SCRIPTS[data[0] % 4 if data else 0]
    failed: list[BaseException] = []
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    async def handler(session: AgiSession) -> None:
        try:
            await script(session, AgiCaller(session, lambda prompt, language: f"{language}/{prompt}", "en", "UTC"))
        except CallerGone:
            raise
        except Exception as error:
            failed.append(error)
        finally:
            over.set_result(None)

    asterisk = _Asterisk(data[1:].split(NEXT))
    asterisk.connection = _Connection(AgiServer("127.0.0.1", 0, KEY, handler))
    asterisk.connection.connection_made(asterisk)
    asterisk.connection.data_received(_BLOCK)
    began = loop.time()
    await over
    await asyncio.sleep(0)
    if failed:
        raise failed[0]
    assert loop.time() - began < 3_600.0
    assert asterisk.closed
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 and b"\0" not in line for line in asterisk.told)


def agi_connection(data: bytes) -> None:
    """However the bytes come in, the same session begins, or none does and the connection ends in time; at once if they are too many."""
    pieces = data.split(NEXT)
    assert run(_connected(pieces)) == run(_connected([b"".join(pieces)]))
    assert exceptions() == []


_FEW = AgiLimits(header_bytes=400, header_lines=12)
"""Limits that bred inputs often reach."""


async def _connected(pieces: list[bytes]) -> list[AgiEnvironment]:
    begun: list[AgiEnvironment] = []

    async def handler(session: AgiSession) -> None:
        begun.append(session.env)
        await session.gone

    server = AgiServer("127.0.0.1", 0, KEY, handler, _FEW)
    asterisk, connection = _Asterisk([]), _Connection(server)
    connection.connection_made(asterisk)
    for piece in pieces:
        connection.data_received(piece)
    head = re.split(rb"(?:\A|\n)\r?\n", b"".join(pieces), maxsplit=1)[0].rstrip(b"\r\n")
    if len(head) > _FEW.header_bytes or head.count(b"\n") >= _FEW.header_lines:
        assert asterisk.closed, "it is let go before its time is over"
    await asyncio.sleep(server.limits.header_seconds + 1.0)
    assert begun or asterisk.closed
    connection.connection_lost(None)
    await server.close()
    assert server.sessions == 0
    assert len(begun) <= 1
    return begun


_HEADERS = (
    _BLOCK, b"\n\n", b"\r\n\r\n", b"\x1e", b"x" * 600, b"agi_uniqueid: ", b"agi_channel: ", b"agi_callerid: ", b"agi_calleridname: ",
    b"agi_network_script: ", b"agi_context: ", b"agi_language: ", b"agi_arg_1: ", b"agi_arg_2: ", b"unknown",
)  # fmt: skip
_REPLIES = (
    b"200 result=", b"200 result=0\n", b"200 result=49\n", b"200 result=-1\n", b" endpos=", b"(timeout)", b"(hangup)", b"HANGUP\n",
    b"520-",
    b"520 End of proper usage.\n", b"510 Invalid or unknown command\n", b"511 Command Not Permitted on a dead channel\n", b"100 Trying\n",
    b"200 result=1 (cut-1)\n", b"200 result=1 (cut-2)\n", b"\x1e200 result=0\n", b"\x1e200 result=35\n", b"\x1e200 result=65\n",
    b"\x1e200 result=70*3\n", b"\x1e200 result= (timeout)\n", b"\x1e200 result=\n",
)  # fmt: skip

TARGETS = (
    Target("agi_header", "an environment that names its channel, or AgiTextError; the first of a repeated header counts",
           agi_header, _HEADERS, cost=2),
    Target("agi_reply", "AgiReply or AgiTextError; reads back the same; its data change nothing else", agi_reply, _REPLIES),
    Target("agi_connection", "the same session, or none, however the bytes are cut; none stays that is too slow, too long or without the "
           "site's key", agi_connection, _HEADERS, cost=15),
    Target("agi_session", "each verb of a caller returns or raises CallerGone within its deadline; keys and digits are keys and digits; "
           "a command is one line", agi_session, _REPLIES, cost=15),
)  # fmt: skip
