"""A FastAGI session: which reply belongs to which command, cut short or not, and the limits of the server."""

import asyncio

import pytest

from callhandler.asterisk import agi_session
from callhandler.asterisk.agi import AgiLimits, AgiServer
from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import AgiReply
from callhandler.errors import CallerGone
from tests.edge.fake_asterisk import KEY, agi_call, header_block
from tests.edge.serving import serving, settled

MARKED = b'GET FULL VARIABLE "cut-1"'


async def cut_then_next(session: AgiSession) -> list[AgiReply]:
    asyncio.get_running_loop().call_soon(session.cut)
    asyncio.get_running_loop().call_soon(session.cut)  # twice is once
    first = await session.command("STREAM FILE", "x", "")
    return [first, await session.command("NOOP")]


@pytest.mark.parametrize(
    ("said", "first"),
    [
        (b"", AgiReply(200, 0, cut=True)),  # STREAM FILE cut: no reply of its own
        (b"200 result=1\n", AgiReply(200, 1, cut=True)),  # WAIT FOR DIGIT cut
        (b"200 result=0 endpos=8000\n", AgiReply(200, 0, endpos=8000, cut=True)),  # it had just come to its end
        (b"200 result=53 endpos=8000\n", AgiReply(200, 53, endpos=8000)),  # a key was quicker
    ],
)
async def test_a_cut_command_and_the_next_get_their_own_replies(said: bytes, first: AgiReply) -> None:
    async with serving(cut_then_next) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b'STREAM FILE "x" ""'
        assert await call.command() == MARKED
        call.send(said + b"200 result=1 (cut-1)\n")
        assert await call.answer(b"200 result=0\n") == b"NOOP"
        await settled(results)
        assert results == [[first, AgiReply(200, 0)]]
        await call.close()


@pytest.mark.parametrize(
    ("said", "first"),
    [
        (b"", AgiReply(200, 0, cut=True)),  # STREAM FILE and GET DATA
        (b"200 result=53 endpos=8000\n", AgiReply(200, 53, endpos=8000)),  # a key was quicker than the second marker
    ],
)
async def test_a_cut_that_was_read_together_with_its_command_is_sent_once_more(
    monkeypatch: pytest.MonkeyPatch, said: bytes, first: AgiReply
) -> None:
    """Asterisk reads by lines from a buffer, and waits for the socket: what lies in the buffer already cuts nothing."""
    monkeypatch.setattr(agi_session, "_CUT_WITHIN", 0.01)
    async with serving(cut_then_next) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b'STREAM FILE "x" ""'
        assert await call.command() == MARKED
        assert await call.command() == MARKED.replace(b"cut-1", b"cut-2")
        monkeypatch.setattr(agi_session, "_CUT_WITHIN", 60.0)
        call.send(said + b"200 result=1 (cut-1)\n")
        while (asked := await call.command()).startswith(b"GET FULL VARIABLE"):
            call.send(b"200 result=1 (" + asked.split(b'"')[1] + b")\n")
        assert asked == b"NOOP"
        call.send(b"200 result=0\n")
        await settled(results)
        assert results == [[first, AgiReply(200, 0)]]
        await call.close()


async def test_a_cut_of_nothing_is_nothing() -> None:
    async def script(session: AgiSession) -> AgiReply:
        session.cut()
        answer = await session.command("NOOP")
        session.cut()
        return answer

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        assert await call.answer() == b"NOOP"
        assert await call.command() == b""
        assert results == [AgiReply(200, 0)]
        await call.close()


async def test_a_command_nobody_waits_for_any_more_is_cut_and_its_reply_is_nobodys() -> None:
    async def script(session: AgiSession) -> AgiReply:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.command("STREAM FILE", "x", "")
        return await session.command("WAIT FOR DIGIT", "10")

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b'STREAM FILE "x" ""'
        assert await call.answer(b"200 result=55 endpos=1\n200 result=1 (cut-1)\n") == MARKED
        assert await call.answer(b"200 result=49\n") == b'WAIT FOR DIGIT "10"'
        await settled(results)
        assert results == [AgiReply(200, 49)]
        await call.close()


@pytest.mark.parametrize(
    "said",
    [b"HANGUP\n", b"511 Command Not Permitted on a dead channel or intercept routine\n", b"nonsense\n", b"x" * 20_000],
)
async def test_a_channel_that_is_gone_is_gone_for_every_command(said: bytes) -> None:
    async def script(session: AgiSession) -> None:
        with pytest.raises(CallerGone):
            await session.command("NOOP")
        assert session.gone.done()
        session.cut()
        await session.command("NOOP")

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        await call.answer(said)
        await settled(results)
        assert isinstance(results[0], CallerGone)
        assert await call.command() == b""
        await call.close()


async def test_a_hang_up_is_known_while_nothing_is_said() -> None:
    async def script(session: AgiSession) -> str:
        return await asyncio.wait_for(session.gone, 30)

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        call.send(b"HANGUP\n")
        await settled(results)
        assert results == ["the channel hung up"]
        await call.close()


async def test_sessions_have_a_most_and_strangers_are_not_served() -> None:
    async def script(session: AgiSession) -> None:
        await session.gone

    async with serving(script, AgiLimits(sessions=2)) as (server, results):
        calls = [await agi_call(server.port) for _ in range(3)]
        assert await calls[2].command() == b""
        assert server.sessions == 2
        for call in calls:
            await call.close()
        await settled(results, 2)
    server = AgiServer("127.0.0.1", 0, KEY, script, AgiLimits(peers=("192.0.2.0/24",)))
    assert server.welcomes(("192.0.2.7", 1))
    assert server.welcomes(("127.0.0.1", 1))
    assert server.welcomes(("::1", 1, 0, 0))  # type: ignore[arg-type]  # what a socket of the sixth version says
    assert not server.welcomes(("198.51.100.1", 1))
    assert not server.welcomes(None)


@pytest.mark.parametrize(
    "line",
    [
        b"agi_arg_4: ",
        b"agi_arg_4: " + b"0" * 32,
        b"agi_arg_4: " + KEY[:-1].encode(),
        b"agi_arg_4: " + KEY.encode() + b"0",
        b"agi_arg_4: \xff",
        b"agi_arg_4: \nagi_arg_5: " + KEY.encode(),
        b"agi_arg_4: \nagi_network_script: call/" + KEY.encode(),
    ],
)
async def test_a_session_without_the_sites_key_is_refused(line: bytes) -> None:
    """Fails if a program of the machine that doesn't know the key could pretend to be a call."""
    told: list[bool] = []

    async def served(session: AgiSession) -> str:
        return session.env.uniqueid

    async with serving(served, unproven=lambda: told.append(True)) as (server, results):
        for _ in range(3):
            stranger = await agi_call(server.port, header_block(line))
            assert await stranger.command() == b""
            await stranger.close()
        call = await agi_call(server.port)
        await settled(results)
        assert results == ["pbx1-1.1"]
        assert told == [True], "once, though three came"
        await call.close()


async def test_no_new_sessions_while_the_running_ones_go_on() -> None:
    async def script(session: AgiSession) -> AgiReply:
        await session.command("A")
        return await session.command("B")

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b"A"
        server.stop_accepting()
        with pytest.raises(ConnectionRefusedError):
            await agi_call(server.port)
        call.send(b"200 result=0\n")
        await call.answer()
        await settled(results)
        assert results == [AgiReply(200, 0)]
        await call.close()


async def test_a_script_that_fails_gives_its_caller_back_and_harms_no_other() -> None:
    async def script(session: AgiSession) -> AgiReply:
        if session.env.args[0] == "5000":
            raise ZeroDivisionError
        return await session.command("A")

    async with serving(script) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b""
        await call.close()
        call = await agi_call(server.port, header_block(b"agi_arg_1: 1"))
        await call.answer()
        await settled(results, 2)
        assert results[1] == AgiReply(200, 0)
        await call.close()
