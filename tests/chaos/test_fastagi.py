"""Whoever knocks at the FastAGI port: the caller who waits stays, a new one is served, nothing is left over when they are gone."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from callhandler.control.client import Client
from callhandler.daemon import Daemon
from callhandler.site.loading import load
from tests.edge.fake_asterisk import FakeAgi, agi_call, header_block
from tests.edge.waiting import PATIENCE, until
from tests.edge.whole import ask, caller, running, waiting

from .chance import LONG, SEED, heartbeat

ROUNDS = 20 if LONG else 1
MOST_STALL = 0.5
"""Seconds of its own work for which the loop may stand still; a call notices more than that."""

Knock = Callable[[int, random.Random], Awaitable[FakeAgi]]


async def close_at_once(port: int, chance: random.Random) -> FakeAgi:
    """A port scan, a health check."""
    knock = await agi_call(port, b"")
    await knock.close()
    return knock


async def two_megabytes(port: int, chance: random.Random) -> FakeAgi:
    """A header without end; it is let go long before."""
    return await agi_call(port, b"agi_x: " + b"x" * (2 << 20))


async def many_headers(port: int, chance: random.Random) -> FakeAgi:
    """Two megabytes of small headers."""
    return await agi_call(port, b"a: b\n" * 400_000)


async def garbage(port: int, chance: random.Random) -> FakeAgi:
    """Anything."""
    return await agi_call(port, chance.randbytes(chance.randrange(1, 5_000)))


async def half_a_header(port: int, chance: random.Random) -> FakeAgi:
    """A real header that stops somewhere."""
    whole = header_block()
    return await agi_call(port, whole[: chance.randrange(len(whole))])


TOO_LONG: tuple[Knock, ...] = (two_megabytes, many_headers)
KNOCKS: tuple[Knock, ...] = (close_at_once, garbage, half_a_header, *TOO_LONG)


async def let_go(knock: FakeAgi) -> None:
    """It is closed, or reset with what of it nobody read."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            assert await knock.reader.read() == b""


async def one_more_call(site: Path, id_: str) -> None:
    """A new caller is served at once."""
    block = header_block(b"agi_callerid: 15550199", uniqueid=id_.encode(), channel=b"PJSIP/pstn-0000ffff")
    asterisk = await agi_call(
        load(site).site.asterisk.agi_port, block.replace(b"agi_arg_2: pstn", b"agi_arg_2: trunk:x")
    )
    assert await asterisk.command() != b""
    await asterisk.close()


async def test_a_storm_at_the_door(site: Path) -> None:
    chance = random.Random(SEED)
    port = load(site).site.asterisk.agi_port
    async with running(site) as daemon, caller(site) as told:
        await waiting(daemon)
        daemon.agi.limits = replace(
            daemon.agi.limits, header_seconds=3_600.0
        )  # what is too long isn't let go for its slowness
        async with heartbeat() as heart:
            for number in range(ROUNDS):
                knocks = [chance.choice(KNOCKS) for _ in range(60)] + list(KNOCKS)
                open_ = await asyncio.gather(*(knock(port, chance) for knock in knocks))
                await one_more_call(site, f"pbx1-9.{number}")
                long = [one for one, knock in zip(open_, knocks, strict=True) if knock in TOO_LONG]
                await asyncio.gather(*(let_go(one) for one in long))
                assert (await ask(site, Client.status)).counts.waiting >= 1
                await asyncio.gather(*(one.close() for one in open_))
        await until(lambda: daemon.agi.sessions == 1)
        assert told[-1].startswith(b"WAIT FOR DIGIT"), "who waits was not disturbed"
    assert heart.worst < MOST_STALL


async def test_a_slow_loris_costs_nobody_anything(site: Path) -> None:
    port = load(site).site.asterisk.agi_port
    async with running(site) as daemon, caller(site):
        await waiting(daemon)
        lorises = await asyncio.gather(*(agi_call(port, b"agi_network: yes\n") for _ in range(300)))
        for number in range(3):
            for one in lorises:
                one.send(b"a")
            await one_more_call(site, f"pbx1-8.{number}")
        await until(lambda: daemon.agi.sessions == 1)  # each has five seconds for its header, however busy it looks
        await asyncio.gather(*(one.close() for one in lorises))


async def test_five_hundred_calls_in_one_moment(site: Path) -> None:
    async with running(site) as daemon, caller(site):
        await waiting(daemon)
        async with heartbeat() as heart:
            calls = await asyncio.gather(*(_new(site, number) for number in range(500)))
            firsts = await asyncio.gather(*(call.command() for call in calls))
        assert all(firsts), "each is spoken with"
        assert len(daemon.switchboard.calls.here) == 501
        await asyncio.gather(*(call.close() for call in calls))
        await until(lambda: daemon.agi.sessions == 1)
    assert heart.worst < 2 * MOST_STALL


async def _new(site: Path, number: int) -> FakeAgi:
    block = header_block(uniqueid=b"pbx1-7.%d" % number, channel=b"PJSIP/pstn-%08d" % number)
    return await agi_call(
        load(site).site.asterisk.agi_port, block.replace(b"agi_arg_2: pstn", b"agi_arg_2: trunk:pstn")
    )


async def test_a_second_daemon_is_refused_and_harms_nobody(site: Path) -> None:
    import sys

    async with running(site) as daemon, caller(site) as told:
        await waiting(daemon)
        for _ in range(3 if LONG else 1):
            second = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "callhandler", "--site", str(site), "daemon", "--no-attach",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            said, _ = await asyncio.wait_for(second.communicate(), 60)
            assert second.returncode == 1
            assert b"already runs for this site" in said
        assert told[-1].startswith(b"WAIT FOR DIGIT")
        assert isinstance(daemon, Daemon)
        assert (await ask(site, Client.status)).counts.waiting == 1
        assert not (site / "var" / "journal.db.spool").exists()
