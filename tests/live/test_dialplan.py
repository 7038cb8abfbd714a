"""The dialplan alone, on a real Asterisk: entry, the daemon away, offers, the end of a conversation, transfers, keys.

No daemon runs here: a few lines of AGI stand in for it, so that what is seen is the dialplan's doing alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.get import ensure_asterisk
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.asterisk.pbx.telling import Silent
from callhandler.site.loading import LoadedSite
from callhandler.site.new import init
from tests.live.lab import free_base
from tests.live.pbx_alone import Act, Away, Caller, Environment, Phone, ami, running, said, until

pytestmark = pytest.mark.live
PHONES = {"555": 900, "556": 902}
"""Phones that need not register, and their ports from the site's first."""
KEPT = 4.0
"""Seconds for which a caller is kept ringing at most."""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSite:
    """A site with two more phones, 555 and 556, that need not register: the operator's own additions."""
    base = free_base()
    made = init(tmp_path / "site", base).loaded
    (tmp_path / "site" / "asterisk").mkdir()
    (tmp_path / "site" / "asterisk" / "pjsip.conf").write_text(
        "".join(
            f"[{id_}](phone)\naors = {id_}\n[{id_}]\ntype = aor\ncontact = sip:{id_}@127.0.0.1:{base + port}\n"
            for id_, port in PHONES.items()
        )
    )
    return made


@pytest.fixture
async def asterisk(loaded: LoadedSite) -> AsyncIterator[AsteriskProcess]:
    async with running(loaded, ensure_asterisk(None, Silent())) as one:
        yield one


@pytest.fixture
async def caller(asterisk: AsteriskProcess, loaded: LoadedSite) -> AsyncIterator[Caller]:
    async with Caller(loaded) as one:
        yield one


@pytest.fixture
async def act(asterisk: AsteriskProcess, loaded: LoadedSite) -> AsyncIterator[Act]:
    async with ami(loaded) as one:
        yield one


def phone_at(loaded: LoadedSite, id_: str, pause: float = 0.1) -> Phone:
    """One of the phones that need not register."""
    return Phone(loaded.site.asterisk.sip_port + PHONES[id_], pause)


async def offer(act: Act, leg: str, phone: str, call: Environment) -> None:
    """What the daemon does to ring a phone for a call."""
    variables = (f"Variable: CH_LOCK=call-{call['agi_uniqueid']}", f"Variable: CH_CALLER={call['agi_channel']}")
    place = ("Context: callhandler-offer", "Exten: s", "Priority: 1", "Async: true", "Timeout: 15000")
    said_ = await act("Originate", f"Channel: PJSIP/{phone}", f"ChannelId: {leg}", *place, *variables)
    assert "Response: Success" in said_


async def held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Environment) -> None:
    """Answer, play music, and wait, as the daemon does with a caller in line."""
    await said(reader, writer, "ANSWER")
    await said(reader, writer, "SET MUSIC ON")
    await reader.read()


async def rows(asterisk: AsteriskProcess) -> list[str]:
    """The channels, one a line."""
    return (await asterisk.ask("core show channels concise")).splitlines()


async def joined(asterisk: AsteriskProcess, count: int) -> None:
    """Wait until so many channels are in a bridge, whose id is the last field but one."""
    async with asyncio.timeout(30):
        while len([row for row in await rows(asterisk) if row.split("!")[-2]]) != count:  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.05)


async def test_a_number_that_is_not_the_sites_does_not_exist(caller: Caller) -> None:
    for number in ("7001", "101", "*60", "s", "from", "0900123", "5000x", "5000%3B", "%24%7BEXTEN%7D"):
        caller.phone.seen.clear()
        caller.call(number)
        await caller.until("404", 60)


async def test_without_a_daemon_an_unanswered_call_rings_on_and_is_then_answered(
    asterisk: AsteriskProcess, caller: Caller
) -> None:
    began = time.monotonic()
    caller.call("5000")
    await caller.until("180", 60)
    await caller.until("200", 60)
    assert 12 < time.monotonic() - began < 40
    await asyncio.sleep(1)
    assert await asterisk.channels() == 1
    assert not caller.hung_up_on()


async def test_a_daemon_that_dies_is_asked_again_and_the_call_keeps_its_id(loaded: LoadedSite, caller: Caller) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Environment) -> None:
        await said(reader, writer, "ANSWER")
        await said(reader, writer, "SET MUSIC ON")

    async with Away(loaded.site.asterisk.agi_port, dies) as daemon:
        caller.call("5000")
        await caller.until("200", 60)
        await until(lambda: len(daemon.seen) == 3, 60)
    assert len({one["agi_uniqueid"] for one in daemon.seen}) == 1
    assert {(one["agi_arg_1"], one["agi_arg_2"]) for one in daemon.seen} == {("5000", "trunk:pstn")}
    assert daemon.seen[0]["agi_uniqueid"].startswith(f"{loaded.site.asterisk.node}-")
    assert all(2.5 < b - a < 4 for a, b in zip(daemon.times, daemon.times[1:], strict=False)), "it must not spin"
    assert not caller.hung_up_on()


async def test_a_proper_end_ends_the_call(loaded: LoadedSite, caller: Caller, asterisk: AsteriskProcess) -> None:
    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Environment) -> None:
        await said(reader, writer, "ANSWER")
        await said(reader, writer, 'SET VARIABLE CH_DONE "1"')

    async with Away(loaded.site.asterisk.agi_port, ends) as daemon:
        caller.call("5000")
        await until(caller.hung_up_on, 60)
    assert len(daemon.seen) == 1
    assert await asterisk.channels() == 0


@pytest.fixture
def rings_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callhandler.asterisk.pbx.render.LONGEST_RINGING", KEPT)


@pytest.mark.usefixtures("rings_briefly")
async def test_a_daemon_that_had_a_caller_ring_is_away_only_since_it_does_not_answer(
    loaded: LoadedSite, caller: Caller
) -> None:
    lost: list[int] = []

    async def rings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Environment) -> None:
        lost.append(int((await said(reader, writer, "GET VARIABLE CH_LOST")).partition("(")[2].partition(")")[0]))
        await said(reader, writer, f'SET VARIABLE {"CH_DONE" if lost[1:] else "CH_KEEP"} "1"')

    async with Away(loaded.site.asterisk.agi_port, rings):
        caller.call("5000")
        await until(lambda: len(lost) == 2, 40)
    assert lost[1] - lost[0] >= KEPT - 1


async def test_a_phone_that_does_not_answer_brings_the_caller_back(loaded: LoadedSite, caller: Caller) -> None:
    async def to_a_phone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Environment) -> None:
        if seen["agi_arg_3"] == "Up":
            await said(reader, writer, 'SET VARIABLE CH_DONE "1"')
            return
        await said(reader, writer, "ANSWER")
        for name, value in (("CH_PHONE", "104${EXTEN}"), ("CH_RING", "5"), ("CH_DONE", "1")):
            await said(reader, writer, f'SET VARIABLE {name} "{value}"')
        for command in ("SET CONTEXT callhandler-phone", "SET EXTENSION s", "SET PRIORITY 1"):
            await said(reader, writer, command)

    async with Away(loaded.site.asterisk.agi_port, to_a_phone) as daemon:
        caller.call("5000")
        await until(caller.hung_up_on, 60)
    assert [one["agi_arg_3"] for one in daemon.seen] == ["Ring", "Up"], "the daemon knows whether it is answered"
    assert daemon.seen[0]["agi_uniqueid"] == daemon.seen[1]["agi_uniqueid"]


async def test_the_first_phone_that_answers_gets_the_call_and_the_other_is_let_go(
    loaded: LoadedSite, caller: Caller, asterisk: AsteriskProcess, act: Act
) -> None:
    async with (
        Away(loaded.site.asterisk.agi_port, held) as daemon,
        phone_at(loaded, "555") as one,
        phone_at(loaded, "556") as two,
    ):
        caller.call("5000")
        await until(lambda: len(daemon.seen) == 1, 60)
        for phone, leg in (("555", "leg-one"), ("556", "leg-two")):
            await offer(act, leg, phone, daemon.seen[0])
        await until(lambda: one.hung_up_on() != two.hung_up_on(), 60)
        await joined(asterisk, 2)
        assert await asterisk.channels() == 2
        # The conversation goes on without the daemon.
    await asyncio.sleep(0.5)
    await joined(asterisk, 2)
    winner = "555" if two.hung_up_on() else "556"
    assert "Success" in await act("Hangup", f"Channel: /^PJSIP.{winner}-/")
    await until(caller.hung_up_on, 60)


async def test_after_the_conversation_the_daemon_can_have_the_caller_back(
    loaded: LoadedSite, caller: Caller, asterisk: AsteriskProcess, act: Act
) -> None:
    async def survey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Environment) -> None:
        if len(daemon.seen) == 1:
            await said(reader, writer, 'SET VARIABLE CH_AFTER "survey"')
            await held(reader, writer, seen)
        else:
            await said(reader, writer, 'SET VARIABLE CH_DONE "1"')

    async with Away(loaded.site.asterisk.agi_port, survey) as daemon, phone_at(loaded, "555"):
        caller.call("5000")
        await until(lambda: len(daemon.seen) == 1, 60)
        await offer(act, "leg-one", "555", daemon.seen[0])
        await joined(asterisk, 2)
        await act("Hangup", "Channel: /^PJSIP.555-/")
        await until(caller.hung_up_on, 60)
        assert [one["agi_uniqueid"] for one in daemon.seen] == [daemon.seen[0]["agi_uniqueid"]] * 2


async def test_a_phone_that_answers_for_a_caller_who_is_gone_is_let_go_though_the_daemon_hangs(
    loaded: LoadedSite, caller: Caller, asterisk: AsteriskProcess, act: Act
) -> None:
    async with Away(loaded.site.asterisk.agi_port, held) as daemon, phone_at(loaded, "555", pause=1.0) as phone:
        caller.call("5000")
        await until(lambda: len(daemon.seen) == 1, 60)
        await offer(act, "leg-one", "555", daemon.seen[0])
        await until(phone.rung, 60)
        caller.hang_up()
        await until(phone.hung_up_on, 60)
    assert await asterisk.channels() == 0


@pytest.mark.parametrize(("dialled", "back"), [("5001", "5001"), ("102", "5000"), ("*60", None)])
async def test_a_blind_transfer_keeps_the_call_and_where_it_came_from(
    loaded: LoadedSite, caller: Caller, asterisk: AsteriskProcess, act: Act, dialled: str, back: str | None
) -> None:
    async with Away(loaded.site.asterisk.agi_port, held) as daemon, phone_at(loaded, "555"):
        caller.call("5000")
        await until(lambda: len(daemon.seen) == 1, 60)
        await offer(act, "leg-one", "555", daemon.seen[0])
        await joined(asterisk, 2)
        agent = next(
            row.split("!")[0]
            for row in (await asterisk.ask("core show channels concise")).splitlines()
            if "/555-" in row
        )
        await act("BlindTransfer", f"Channel: {agent}", "Context: callhandler-phones", f"Exten: {dialled}")
        if back is None:
            await until(caller.hung_up_on, 60)
            assert len(daemon.seen) == 1
            return
        await until(lambda: len(daemon.seen) == 2, 60)
        first, second = daemon.seen
        assert second["agi_uniqueid"] == first["agi_uniqueid"]
        assert second["agi_arg_1"] == back
        assert second["agi_arg_2"] == "trunk:pstn"


async def test_a_feature_code_is_for_phones_and_is_refused_while_the_daemon_is_away(
    loaded: LoadedSite, asterisk: AsteriskProcess
) -> None:
    async with phone_at(loaded, "555") as phone:
        began = time.monotonic()
        phone.call("*60", "555", loaded.site.asterisk.sip_port)
        await until(lambda: any(data.startswith(b"SIP/2.0 503") for data in phone.text.seen), 60)
        assert time.monotonic() - began > 2.5
        assert not any(data.startswith(b"SIP/2.0 200") for data in phone.text.seen)


@pytest.mark.parametrize("way", ["rfc4733", "info"])
async def test_keys_are_understood_both_ways(loaded: LoadedSite, caller: Caller, way: str) -> None:
    pressed = asyncio.Queue[str]()

    async def asks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Environment) -> None:
        await said(reader, writer, "ANSWER")
        await said(reader, writer, "SET MUSIC ON")
        pressed.put_nowait("ready")
        pressed.put_nowait(await said(reader, writer, "WAIT FOR DIGIT 5000"))

    async with Away(loaded.site.asterisk.agi_port, asks):
        await caller.with_audio()
        caller.call("5000")
        assert await asyncio.wait_for(pressed.get(), 30) == "ready"
        await until(caller.hears, 60)
        caller.press("5", way)
        assert await asyncio.wait_for(pressed.get(), 30) == f"200 result={ord('5')}"
