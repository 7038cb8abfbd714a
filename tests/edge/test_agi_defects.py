"""panoramisk's defects on FastAGI, F01 to F14: each shown on panoramisk alone, then tried on ours, which must do it right."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from callhandler.asterisk import agi_text
from callhandler.asterisk.agi import AgiLimits, AgiServer
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import AgiReply
from callhandler.asterisk.quoting import Unquotable
from callhandler.errors import CallerGone
from tests.edge.alone import Alone, panoramisk_alone
from tests.edge.fake_asterisk import KEY, agi_call, header_block
from tests.edge.serving import serving, settled
from tests.edge.waiting import PATIENCE, until
from tests.ports import free_port


@contextlib.asynccontextmanager
async def listening(name: str) -> AsyncIterator[tuple[Alone, int]]:
    """panoramisk alone, listening."""
    port = free_port()
    async with panoramisk_alone(name, port) as alone:
        await alone.until(lambda told: told.get("ready"))
        yield alone, port


async def noop(session: AgiSession) -> AgiReply:
    return await session.command("NOOP")


async def test_f01_connect_and_close_harms_nobody() -> None:
    async with listening("F01") as (alone, port):
        await alone.until(lambda told: told.get("tick") == 1)
        await (await agi_call(port, b"")).close()
        await alone.until_silent(1.0)  # panoramisk's event loop stands still
    async with serving(noop) as (server, results):
        for block in (b"", b"agi_network: yes\n", b"\n", b"\n\n", b"GET / HTTP/1.0\r\n\r\n"):
            await (await agi_call(server.port, block)).close()
        call = await agi_call(server.port)
        assert await call.answer() == b"NOOP"
        await settled(results)
        assert results == [AgiReply(200, 0)]
        await call.close()


async def test_f02_a_header_block_has_a_limit() -> None:
    flood = b"agi_x: " + b"x" * 262_144
    async with listening("F02") as (alone, port):
        call = await agi_call(port, flood)
        await alone.rest(1.5)
        call.send(b"\n\n")
        await call.writer.drain()
        assert await call.reader.read() == b"", "panoramisk took it all and then had no route"
        assert not call.reader.exception()
        await call.close()
    whole = header_block(b"agi_x: " + b"x" * 16_384), header_block(*[b"a: b"] * 128)
    shapeless = flood, b"a: b\n" * 129, b"a: " + b"b" * 100 + b"\n" + b"c: d\n" * 127 + b"x" * 20_000
    patient = AgiLimits(header_seconds=3_600.0)  # who is let go is let go for the size
    async with serving(noop, patient) as (server, results):
        for block in (*shapeless, *whole):
            call = await agi_call(server.port, block)
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(call.reader.read(), PATIENCE) == b""
            await call.close()
        assert results == []
        call = await agi_call(server.port)
        assert await call.answer() == b"NOOP"
        await call.close()


async def test_f03_a_slow_header_block_is_given_up() -> None:
    async with listening("F03") as (alone, port):
        call = await agi_call(port, b"agi_network: yes\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call.reader.read(), 1.0)
        await alone.rest(0.01)
        await call.close()
    async with serving(noop, AgiLimits(header_seconds=0.2)) as (server, results):
        call = await agi_call(server.port, b"agi_network: yes\n")
        assert await asyncio.wait_for(call.reader.read(), PATIENCE) == b""
        await until(lambda: server.sessions == 0)
        assert results == []
        await call.close()


async def test_f04_the_hangup_line_is_nobodys_reply() -> None:
    async with listening("F04") as (alone, port):
        call = await agi_call(port)
        assert await call.command() == b"A"
        call.send(b"HANGUP\n200 result=1 (to A)\n")
        assert await call.command() == b"B"
        told = await alone.until(lambda told: told.get("command") == "B")
        assert "to A" in str(told["answer"]), "B gets the answer to A"
        await call.close()

    async def script(session: AgiSession) -> None:
        await session.command("NOOP")
        await session.command("ANSWER")

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b"NOOP"
        call.send(b"HANGUP\n200 result=1 (to A)\n")
        await settled(results)
        assert isinstance(results[0], CallerGone)
        assert await call.command() == b"", "nothing more is said to a channel that is gone"
        await call.close()


async def test_f05_the_end_of_the_session_is_the_caller_gone() -> None:
    async with listening("F05") as (alone, port):
        call = await agi_call(port)
        assert await call.command() == b"A"
        await call.close()
        assert "ValueError" in str(await alone.until(lambda told: "error" in told))
    async with serving(noop) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b"NOOP"
        await call.close()
        await settled(results)
        assert isinstance(results[0], CallerGone)


USAGE = b"520-Invalid command syntax.  Proper usage follows:\n Usage: SAY DIGITS <n>\n  and more\n\n520 End of proper usage.\n"


async def test_f06_a_usage_text_is_one_reply() -> None:
    async with listening("F06") as (alone, port):
        call = await agi_call(port)
        assert await call.command() == b"A"
        call.send(USAGE)
        assert await call.command() == b"B"
        assert "ValueError" in str(await alone.until(lambda told: "error" in told))
        await call.close()

    async def script(session: AgiSession) -> tuple[AgiReply, AgiReply, AgiReply]:
        return await session.command("A"), await session.command("B"), await session.command("C")

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        await call.answer(USAGE)
        await call.answer(b"520 Invalid command syntax.  Proper usage not available.\n")
        await call.answer(b"200 result=3\n")
        await settled(results)
        first, second, third = results[0]  # type: ignore[misc]  # the tuple the script returned
        assert (first.code, second.code, third) == (520, 520, AgiReply(200, 3))
        await call.close()


async def test_f07_a_value_is_never_a_second_command() -> None:
    async with listening("F07") as (_, port):
        call = await agi_call(port)
        assert await call.command() == b'SET VARIABLE X "a'
        assert await call.command() == b'EXEC System touch"'
        await call.close()

    async def script(session: AgiSession) -> AgiReply:
        for bad in ("a\nEXEC System touch", "a\rEXEC x", "a\0b", "x" * 2_100):
            with pytest.raises(Unquotable):
                await session.command("SET VARIABLE", "X", bad)
        return await session.command("SET VARIABLE", "X", 'a" EXEC "System \\')

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        assert await call.answer(b"200 result=1\n") == b'SET VARIABLE "X" "a\\" EXEC \\"System \\\\"'
        await settled(results)
        assert results == [AgiReply(200, 1)]
        await call.close()


async def test_f08_a_plain_function_for_a_handler_fails_alone() -> None:
    async with panoramisk_alone("F08", 0) as alone:
        assert "AttributeError" in str(await alone.until(lambda told: "error" in told))

    def plain(session: AgiSession) -> None:
        return None

    server = AgiServer("127.0.0.1", 0, KEY, plain)  # type: ignore[arg-type]  # the mistake that is tried here
    await server.start()
    for _ in range(2):
        call = await agi_call(server.port)
        assert await call.command() == b"", "the call goes back to the dialplan, and the server lives"
        await call.close()
    await server.close()


async def test_f09_a_callers_name_may_be_any_bytes() -> None:
    block = header_block(b"agi_calleridname: Jos\xe9", b"agi_callerid: \xff\xfe")
    async with listening("F09") as (alone, port):
        call = await agi_call(port, block)
        await alone.until(lambda told: "UnicodeDecodeError" in str(told.get("died")))
        assert not [told for told in alone.told if "command" in told or "error" in told], "its route never ran"
        await call.close()

    async def script(session: AgiSession) -> tuple[str, str]:
        return session.env.caller_name, session.env.caller_number

    async with serving(script) as (server, results):
        call = await agi_call(server.port, block)
        await settled(results)
        assert results == [("José", "ÿþ")]
        await call.close()


async def test_f10_a_cancelled_call_is_over() -> None:
    async with panoramisk_alone("F10", 0) as alone:
        assert (await alone.until(lambda told: "cancelled" in told))["cancelled"] is False

    async with serving(lambda _: asyncio.sleep(60)) as (server, results):
        call = await agi_call(server.port)
        await until(lambda: server.sessions)
        await asyncio.sleep(0.02)
        await asyncio.wait_for(server.close(), PATIENCE)
        assert isinstance(results[0], asyncio.CancelledError)
        assert server.sessions == 0
        await call.close()


async def test_f11_a_route_with_arguments_is_still_the_route() -> None:
    block = header_block().replace(b"\nagi_channel", b"?queue=1\nagi_channel")
    async with listening("F11") as (_, port):
        call = await agi_call(port, block)
        assert await call.command() == b"", "closed without a word: AGISTATUS=SUCCESS"
        await call.close()

    async def script(session: AgiSession) -> tuple[str, tuple[str, ...]]:
        return session.env.script, session.env.args

    async with serving(script) as (server, results):
        call = await agi_call(server.port, block)
        await settled(results)
        assert results == [("call", ("5000", "pstn", ""))]
        await call.close()


async def test_f12_a_reply_is_read_by_its_form_not_by_its_value() -> None:
    async with panoramisk_alone("F12", 0) as alone:
        hangup, minus, speech, empty = [await alone.until(lambda told, n=n: len(alone.told) > n) for n in range(4)]
        hangup, minus, speech, empty = alone.told
        assert "AGIResultHangup" in str(hangup)
        assert "AGIAppError" in str(minus)
        assert "endpos" not in dict(speech["parsed"])  # type: ignore[call-overload]  # it is a dictionary
        assert "ValueError" in str(empty)
    assert agi_text.reply("200 result=1 (hangup)") == AgiReply(200, 1, "hangup")
    assert agi_text.reply("200 result=-1") == AgiReply(200, -1)
    assert agi_text.reply("200 result= (timeout)") == AgiReply(200, 0, "timeout")
    assert agi_text.reply("200 result=53 endpos=16000") == AgiReply(200, 53, "", 16_000)
    assert agi_text.reply("200 result=1 (a) b) endpos=(c)") == AgiReply(200, 1, "a) b) endpos=(c")
    with pytest.raises(agi_text.AgiTextError):
        agi_text.reply("")


async def test_f13_commands_at_the_same_time_take_turns() -> None:
    async with listening("F13") as (alone, port):
        call = await agi_call(port)
        await call.command()
        call.send(b"200 result=1\n200 result=2\n")
        assert "RuntimeError" in str(await alone.until(lambda told: "results" in told))
        await call.close()

    async def script(session: AgiSession) -> list[AgiReply]:
        return await asyncio.gather(session.command("A"), session.command("B"))

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        assert [await call.answer(b"200 result=1\n"), await call.answer(b"200 result=2\n")] == [b"A", b"B"]
        await settled(results)
        assert results == [[AgiReply(200, 1), AgiReply(200, 2)]]
        await call.close()


async def test_f14_a_command_has_a_deadline() -> None:
    async with listening("F14") as (alone, port):
        call = await agi_call(port)
        assert await call.command() == b"A"
        await alone.rest(1.0)
        assert not [told for told in alone.told if "answer" in told or "error" in told], "it waits for ever"
        await call.close()
    async with serving(lambda session: session.command("A", deadline=0.1)) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b"A"
        await settled(results)
        assert isinstance(results[0], CallerGone)
        assert await call.command() == b"", "the session is closed: its replies can't be trusted any more"
        await call.close()
