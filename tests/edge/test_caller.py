"""The caller's verbs as ladders: what a script says, what Asterisk is told."""

import asyncio

import pytest

from callhandler.asterisk.agi_session import AgiSession
from callhandler.asterisk.caller import AgiCaller
from callhandler.errors import CallerGone
from callhandler.scripts.caller import Clock, Digits, Letters, Number, Prompt, Sound
from tests.edge.fake_asterisk import agi_call
from tests.edge.rungs import ENDED, OK, ladder
from tests.edge.serving import serving, settled


async def test_answered_once_in_the_callers_language() -> None:
    async def script(caller: AgiCaller) -> str:
        await caller.answer()
        await caller.answer()
        await caller.speak_language("es")
        await caller.say(Prompt("welcome"))
        return caller.language

    rungs = [
        ("ANSWER", OK),
        ('SET VARIABLE "CHANNEL(language)" "en"', b"200 result=1\n"),  # the channel's own is not known here
        ('SET VARIABLE "CHANNEL(language)" "es"', b"200 result=1\n"),
        ('STREAM FILE "/s/es/welcome" ""', ENDED),
    ]
    assert await ladder(script, *rungs) == "es"


async def test_everything_sayable_until_a_key() -> None:
    spoken = (
        Prompt("p"),
        Sound("vm-goodbye"),
        Digits("4*"),
        Letters("Ab é"),
        Number(7),
        Clock(1_700_000_000.9),
        Prompt("never"),
    )
    rungs = [
        ('STREAM FILE "/s/en/p" "12"', ENDED),
        ('STREAM FILE "vm-goodbye" "12"', ENDED),
        ('STREAM FILE "digits/4" "12"', ENDED),
        ('STREAM FILE "digits/star" "12"', ENDED),
        ('STREAM FILE "letters/a" "12"', ENDED),
        ('STREAM FILE "letters/b" "12"', ENDED),
        ('SAY NUMBER "7" "12"', OK),
        ('SAY DATETIME "1700000000" "12" "IMp" "Europe/Berlin"', b"200 result=50\n"),
    ]
    assert await ladder(lambda caller: caller.say(*spoken, keys="12"), *rungs) == "2"


async def test_music_is_on_again_after_a_prompt_and_asked_for_once() -> None:
    async def script(caller: AgiCaller) -> None:
        await caller.music("default")
        await caller.music("default")
        await caller.say(Prompt("a"), Prompt("b"))
        await caller.key(1.0)
        await caller.music(None)
        await caller.say(Prompt("c"))

    await ladder(
        script,
        ('SET MUSIC "ON" "default"', OK),
        ('STREAM FILE "/s/en/a" ""', ENDED),
        ('STREAM FILE "/s/en/b" ""', ENDED),
        ('SET MUSIC "ON" "default"', OK),
        ('WAIT FOR DIGIT "1000"', OK),
        ('SET MUSIC "OFF"', OK),
        ('STREAM FILE "/s/en/c" ""', ENDED),
    )


async def test_keys_that_are_not_wanted_are_passed_over_within_the_time() -> None:
    async def with_caller(session: AgiSession) -> object:
        return await AgiCaller(session, lambda p, _: p, "en", "UTC").key(2.0, "12")

    async with serving(with_caller) as (server, results):
        call = await agi_call(server.port)
        assert await call.answer(b"200 result=53\n") == b'WAIT FOR DIGIT "2000"'
        second = await call.answer(b"200 result=49\n")
        assert 0 < int(second.split(b'"')[1]) <= 2_000
        await settled(results)
        assert results == ["1"]
        await call.close()


@pytest.mark.parametrize("verb", ["say", "key", "ask", "digits"])
async def test_a_cut_ends_the_whole_verb(verb: str) -> None:
    async def script(caller: AgiCaller) -> object:
        caller.cut()  # nothing is under way
        asyncio.get_running_loop().call_later(0.02, caller.cut)
        if verb == "say":
            return await caller.say(Prompt("a"), Prompt("b"))
        if verb == "ask":
            return await caller.ask(Prompt("a"), seconds=5)
        return await caller.key(5.0) if verb == "key" else await caller.digits(Prompt("a"), most=3, seconds=5)

    first = {
        "say": 'STREAM FILE "/s/en/a" ""',
        "key": 'WAIT FOR DIGIT "5000"',
        "ask": 'GET DATA "/s/en/a" "5000" "1"',
        "digits": 'GET DATA "/s/en/a" "5000" "3"',
    }[verb]
    assert await ladder(script, (first, b""), ('GET FULL VARIABLE "cut-1"', b"200 result=1 (cut-1)\n")) is None


async def test_a_cut_between_two_commands_of_a_verb_is_not_lost() -> None:
    async def script(caller: AgiCaller) -> object:
        sounds = iter(["a", "b", "c"])

        def resolve(prompt: str, _: str) -> str:
            if prompt == "b":
                caller.cut()  # as a callback could between two commands
            return next(sounds)

        caller._sounds = resolve
        return await caller.say(Prompt("a"), Prompt("b"), Prompt("c"))

    assert await ladder(script, ('STREAM FILE "a" ""', ENDED), ('STREAM FILE "b" ""', ENDED)) is None


async def test_handed_over_and_hung_up_in_good_order() -> None:
    async def over(caller: AgiCaller) -> None:
        await caller.leave("callhandler-phone", "102")
        with pytest.raises(CallerGone):
            await caller.say(Prompt("x"))

    rungs = [('SET CONTEXT "callhandler-phone"', OK), ('SET EXTENSION "102"', OK), ('SET PRIORITY "1"', OK)]
    await ladder(over, *rungs, ('SET VARIABLE "CH_DONE" "1"', b"200 result=1\n"))
    await ladder(AgiCaller.hang_up, ('SET VARIABLE "CH_DONE" "1"', b"200 result=1\n"), ("HANGUP", b"200 result=1\n"))


async def test_a_missing_sound_or_a_wrong_command_does_not_cost_the_caller_the_call() -> None:
    rungs = [
        ('STREAM FILE "/s/en/a" ""', b"200 result=-1 endpos=0\n"),
        ("CHANNEL STATUS", b"200 result=6\n"),
        ('SAY NUMBER "1" ""', b"520 Invalid command syntax.  Proper usage not available.\n"),
        ('STREAM FILE "/s/en/b" ""', ENDED),
    ]
    await ladder(lambda caller: caller.say(Prompt("a"), Number(1), Prompt("b")), *rungs)


async def test_minus_one_on_a_channel_that_hung_up_is_the_caller_gone() -> None:
    for gone in (b"HANGUP\n", b"511 Command Not Permitted on a dead channel\n", b"200 result=-1\n"):
        with pytest.raises(CallerGone):
            await ladder(
                lambda caller: caller.say(Prompt("a")),
                ('STREAM FILE "/s/en/a" ""', b"200 result=-1 endpos=0\n"),
                ("CHANNEL STATUS", gone),
            )


async def test_who_was_waited_for_and_is_gone_is_not_asked_for() -> None:
    with pytest.raises(CallerGone):
        await ladder(lambda caller: caller.key(1.0), ('WAIT FOR DIGIT "1000"', b"200 result=-1\n"))


async def test_letters_from_outside_are_never_more_than_sounds() -> None:
    evil = 'a"\r\nEXEC System x\0../${}' + "é" * 10_000
    rungs = [(f'STREAM FILE "letters/{letter}" ""', ENDED) for letter in "aexecsystemx"]
    dots = [('STREAM FILE "letters/dot" ""', ENDED)] * 2
    await ladder(lambda caller: caller.say(Letters(evil)), *rungs, *dots)
