"""Keys asked for: the last sound and all keys in one command, `GET DATA`, since Asterisk drops those pressed between two."""

import asyncio

import pytest

from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.agi_text import reply
from callhandler.asterisk.caller import AgiCaller
from callhandler.errors import CallerGone
from callhandler.scripts.caller import Number, Prompt, Sound
from tests.edge.fake_asterisk import agi_call
from tests.edge.rungs import ENDED, OK, key, ladder
from tests.edge.serving import serving, settled

PIN = Prompt("pin")


def data(sound: str, most: int) -> str:
    return f'GET DATA "{sound}" "1000" "{most}"'


@pytest.mark.parametrize(
    ("said", "keyed"),
    [
        (b"7003", "7003"),  # all of them
        (b"700", "700"),  # `#` ended it
        (b"70 (timeout)", "70"),
        (b"0049", "0049"),
        (b"49", "49"),  # the number that stands for the key 1 where one key is told
        (b"", ""),  # `#` alone
        (b" (timeout)", None),  # nothing at all
        (b"*7 (timeout)", "7"),
        (b"* (timeout)", None),
        (b"7003700370037003", "7003"),  # more than was asked for
    ],
)
async def test_digits_are_what_one_command_gathered(said: bytes, keyed: str | None) -> None:
    rung = data("/s/en/pin", 4), b"200 result=" + said + b"\n"
    assert await ladder(lambda caller: caller.digits(PIN, most=4, seconds=1), rung) == keyed


async def test_digits_of_any_length() -> None:
    rung = data("/s/en/pin", 30), b"200 result=012345678901234567890123456789\n"
    assert await ladder(lambda caller: caller.digits(PIN, most=30, seconds=1), rung) == "0123456789" * 3


async def test_keys_that_are_no_digits_make_room_for_those_that_are() -> None:
    rungs = [
        (data("/s/en/pin", 4), b"200 result=*1A2\n"),
        (data("", 2), b"200 result=**\n"),
        (data("", 2), b"200 result=34\n"),
    ]
    assert await ladder(lambda caller: caller.digits(PIN, most=4, seconds=1), *rungs) == "1234"


@pytest.mark.parametrize(
    ("said", "pressed"), [(b"5", "5"), (b"49", "4"), (b"*", "*"), (b"", "#"), (b" (timeout)", None)]
)
async def test_one_key_is_asked_for_in_one_command(said: bytes, pressed: str | None) -> None:
    rungs = [
        ('STREAM FILE "pm-invalid-option" "0123456789*#"', ENDED),
        (data("/s/en/menu", 1), b"200 result=" + said + b"\n"),
    ]
    asked = await ladder(lambda caller: caller.ask(Sound("pm-invalid-option"), Prompt("menu"), seconds=1), *rungs)
    assert asked == pressed


async def test_a_key_in_an_earlier_sound_is_the_first_of_them() -> None:
    first = 'STREAM FILE "a" "0123456789#"'

    async def script(caller: AgiCaller) -> list[str | None]:
        spoken = Sound("a"), Sound("b")
        return [await caller.digits(*spoken, most=3, seconds=1) for _ in range(2)]

    rungs = [(first, key("7")), (data("", 2), b"200 result=8 (timeout)\n"), (first, key("#"))]
    assert await ladder(script, *rungs) == ["78", ""]
    every = first.replace("9#", "9*#")
    assert await ladder(lambda caller: caller.ask(Sound("a"), Sound("b"), seconds=1), (every, key("*"))) == "*"


async def test_music_is_on_again_after_keys_were_waited_for() -> None:
    async def script(caller: AgiCaller) -> list[str | None]:
        await caller.music("default")
        return [await caller.digits(PIN, most=2, seconds=1), await caller.ask(PIN, seconds=1)]

    on = 'SET MUSIC "ON" "default"', OK
    rungs = [on, (data("/s/en/pin", 2), b"200 result=12\n"), on, (data("/s/en/pin", 1), b"200 result= (timeout)\n"), on]
    assert await ladder(script, *rungs) == ["12", None]


async def test_no_music_plays_while_asterisk_gathers() -> None:
    """While it does, GET DATA waits for the end of the music's file, however little is pressed (seen on 22.10.1)."""

    async def script(caller: AgiCaller) -> str | None:
        await caller.music("default")
        return await caller.digits(most=2, seconds=1)

    on, off = ('SET MUSIC "ON" "default"', OK), ('SET MUSIC "OFF"', OK)
    assert await ladder(script, on, off, (data("", 2), b"200 result=12\n"), on) == "12"


async def test_what_asterisk_puts_together_by_itself_is_said_before() -> None:
    rungs = [('SAY NUMBER "7" "0123456789#"', OK), (data("", 2), b"200 result=12\n")]
    assert await ladder(lambda caller: caller.digits(Number(7), most=2, seconds=1), *rungs) == "12"


@pytest.mark.parametrize(
    "trouble",
    [(b"200 result=-1\n", b"200 result=6\n"), (b"520 Invalid command syntax.  Proper usage not available.\n",)],
)
async def test_a_sound_that_is_missing_costs_nobody_the_digits(trouble: tuple[bytes, ...]) -> None:
    async def script(caller: AgiCaller) -> str | None:
        return await caller.digits(PIN, most=2, seconds=1)

    rungs = list(zip((data("/s/en/pin", 2), "CHANNEL STATUS"), trouble, strict=False))
    rungs.append(('SET MUSIC "OFF"', OK))  # that of the dialplan may be on
    assert await ladder(script, *rungs, (data("", 2), b"200 result=12\n")) == "12"
    assert await ladder(script, *rungs, (data("", 2), trouble[0]), *rungs[1:-1]) is None


@pytest.mark.parametrize("said", [b"HANGUP\n", b"200 result=-1\nHANGUP\n"])
async def test_who_hangs_up_while_keying_in_is_gone(said: bytes) -> None:
    with pytest.raises(CallerGone):
        await ladder(lambda caller: caller.digits(PIN, most=2, seconds=1), (data("/s/en/pin", 2), said))


@pytest.mark.parametrize("gone", [b"HANGUP\n", b"511 Command Not Permitted on a dead channel\n", b"200 result=-1\n"])
async def test_who_hung_up_is_found_out_by_asking(gone: bytes) -> None:
    with pytest.raises(CallerGone):
        await ladder(
            lambda caller: caller.digits(PIN, most=2, seconds=1),
            (data("/s/en/pin", 2), b"200 result=-1\n"),
            ("CHANNEL STATUS", gone),
        )


async def cut_then_next(session: AgiSession) -> list[str | None]:
    caller = AgiCaller(session, lambda prompt, _: prompt, "en", "UTC")
    asyncio.get_running_loop().call_soon(caller.cut)
    return [await caller.digits(PIN, most=3, seconds=1), await caller.key(1.0)]


@pytest.mark.parametrize(
    ("own", "keyed"),
    [
        (b"", None),  # cut: GET DATA says nothing then
        (b"200 result=123\n", "123"),  # it was quicker
        (b"200 result=1 (timeout)\n", "1"),
        (b"200 result= (timeout)\n", None),
        (b"200 result=49\n", "49"),
    ],
)
async def test_a_cut_takes_no_reply_of_another_command(own: bytes, keyed: str | None) -> None:
    async with serving(cut_then_next) as (server, results):
        call = await agi_call(server.port)
        assert await call.command() == b'GET DATA "pin" "1000" "3"'
        assert await call.answer(own + b"200 result=1 (cut-1)\n") == b'GET FULL VARIABLE "cut-1"'
        assert await call.answer(b"200 result=53\n") == b'WAIT FOR DIGIT "1000"'
        await settled(results)
        assert results == [[keyed, "5"]]
        await call.close()


async def test_a_cut_after_the_digits_were_told_cuts_nothing() -> None:
    async def script(caller: AgiCaller) -> list[str | None]:
        keyed = await caller.digits(PIN, most=3, seconds=1)
        caller.cut()
        return [keyed, await caller.key(1.0)]

    rungs = [(data("/s/en/pin", 3), b"200 result=123\n"), ('WAIT FOR DIGIT "1000"', b"200 result=53\n")]
    assert await ladder(script, *rungs) == ["123", "5"]


def test_keys_are_read_as_they_are() -> None:
    for line, keyed in (("007", "007"), ("*1AD*", "*1AD*"), ("0" * 40, "0" * 40), ("-1", ""), (" (timeout)", "")):
        assert reply(f"200 result={line}").keyed == keyed
        assert reply(f"200 result={line}").key is None
