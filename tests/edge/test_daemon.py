"""The whole daemon in this process, on a fake Asterisk: who may start, what a reload and a restart leave as it was, who fails open."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from callhandler.control.client import Client
from callhandler.core.model import Status
from callhandler.core.views import CallState
from callhandler.daemon import Daemon
from callhandler.errors import CallhandlerError, Refused
from callhandler.site.loading import load
from tests.edge.alone import free_port
from tests.edge.fake_asterisk import SECRET, FakeAgi, FakeAmi, agi_call, fake_ami, header_block
from tests.edge.waiting import until

T = TypeVar("T")
CALL = "pbx1-1.1"
SPEAKS = "import sys, wave; w = wave.open(sys.argv[1], 'wb'); w.setparams((1, 2, 8000, 0, 'NONE', '')); w.writeframes(b'\\0\\x40' * 800)"
SITE = """
[company]
name = "Test"
operator = "queue:sales"
[asterisk]
ami_port = {ami}
agi_port = {agi}
ami_secret = "{secret}"
[speech]
command = ["{python}", "-c", "{speaks}", "{{file}}"]
[phones.101]
password = "a-password-of-101"
[phones.102]
password = "a-password-of-102"
[agents.7001]
name = "Ann"
pin = "481516"
phone = "101"
[queues.sales]
name = "Sales"
fallback = "hangup"
[numbers.5000]
enters = "queue:sales"
"""


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAmi]:
    async with fake_ami(devices={"PJSIP/101": "INUSE", "PJSIP/102": "INUSE"}) as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, asterisk: FakeAmi) -> Path:
    values = {"ami": asterisk.port, "agi": free_port(), "secret": SECRET, "python": sys.executable, "speaks": SPEAKS}
    file = tmp_path / "callhandler.toml"
    file.touch(0o600)
    file.write_text(SITE.format(**values).replace(SPEAKS, SPEAKS.replace("\\", "\\\\")))
    return tmp_path


@contextlib.asynccontextmanager
async def running(site: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(load(site))
    try:
        await daemon.start()
        await until(lambda: daemon.switchboard.link is not None)
        yield daemon
    finally:
        await daemon.stop()


async def ask(site: Path, what: Callable[[Client], T]) -> T:
    return await asyncio.to_thread(lambda: what(Client(site / "var" / "control.sock")))


def edit(site: Path, old: str, new: str) -> None:
    file = site / "callhandler.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@contextlib.asynccontextmanager
async def caller(site: Path, *lines: bytes) -> AsyncIterator[list[bytes]]:
    """A call from the trunk, whose Asterisk does all it is told and in which no key is ever pressed; gives what it was told."""
    block = header_block(b"agi_callerid: 15550100", *lines).replace(b"agi_arg_2: pstn", b"agi_arg_2: trunk:pstn")
    asterisk = await agi_call(load(site).site.asterisk.agi_port, block)
    told: list[bytes] = []
    obeying = asyncio.get_running_loop().create_task(_obey(asterisk, told))
    try:
        yield told
    finally:
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)
        await asterisk.close()


async def _obey(asterisk: FakeAgi, told: list[bytes]) -> None:
    while line := await asterisk.command(60.0):
        told.append(line)
        if not line.startswith(b"WAIT FOR DIGIT"):
            asterisk.send(b"200 result=0\n")


async def waiting(daemon: Daemon) -> None:
    await until(lambda: (call := daemon.switchboard.calls.here.get(CALL)) is not None and call.queue == "sales")


async def test_a_second_daemon_is_refused_at_once_and_the_first_goes_on(site: Path) -> None:
    async with running(site) as first:
        second = Daemon(load(site))
        with pytest.raises(Refused, match="already runs for this site"):
            await second.start()
        async with asyncio.timeout(5):
            await second.stop()
        assert (await ask(site, Client.status)).pid
        assert await first.journal.flush()
        assert not (site / "var" / "journal.db.spool").exists()


async def test_a_port_that_is_taken_is_said_in_one_sentence(site: Path) -> None:
    taken = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", load(site).site.asterisk.agi_port)
    daemon = Daemon(load(site))
    with pytest.raises(CallhandlerError, match=r"the FastAGI port \d+ can't be had"):
        await daemon.start()
    async with asyncio.timeout(5):
        await daemon.stop()
    taken.close()


async def test_a_reload_keeps_who_waits_in_their_place_and_their_music_on(site: Path) -> None:
    async with running(site) as daemon, caller(site) as told:
        await waiting(daemon)
        await until(lambda: told and told[-1].startswith(b"WAIT FOR DIGIT"))
        before = await ask(site, lambda client: client.call(CALL))
        edit(site, 'name = "Ann"', 'name = "Anna"')
        edit(site, 'fallback = "hangup"', 'fallback = "hangup"\nwrap_up = 3')
        result = await ask(site, lambda client: client.reload(dry_run=False))
        after = await ask(site, lambda client: client.call(CALL))
    assert result.applied and result.error is None
    assert result.differences == ("agents.7001.name: 'Ann' -> 'Anna'", "queues.sales.wrap_up: 15.0 -> 3.0")
    assert (after.state, after.entered, after.position) == (CallState.WAITING, before.entered, 1)
    assert told[-1].startswith(b"WAIT FOR DIGIT"), "nothing interrupted the music"
    assert sum(line.startswith(b"SET MUSIC") for line in told) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('enters = "queue:sales"', 'enters = "queue:slaes"', "slaes"),
        ("[company]", "[company", "not valid TOML"),
        ('name = "Ann"', 'name = "Anna"\nsurname = "Bell"', "surname"),
        ("[speech]\n", '[speech]\n[prompts.new]\nfile = "prompts/nowhere.wav"\n[speechless]\n', "speechless"),
        ('[queues.sales]\n', '[prompts.new]\nfile = "prompts/nowhere.wav"\n[queues.sales]\ngreeting = "new"\n', "nowhere.wav"),
    ],
)  # fmt: skip
async def test_a_reload_that_fails_leaves_the_old_in_force(site: Path, old: str, new: str, says: str) -> None:
    async with running(site) as daemon:
        before = await ask(site, Client.status)
        edit(site, old, new)
        result = await ask(site, lambda client: client.reload(dry_run=False))
        after = await ask(site, Client.status)
        assert not result.applied
        assert says in (result.error or "")
        assert after.site_digest == before.site_digest
        assert daemon.switchboard.line.plan.queues.keys() == {"sales"}


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("[asterisk]\nping = 5", "asterisk.ping: 10.0 -> 5.0"),
        ('[daemon]\nlog = "var/log/other.log"\n[asterisk]', "daemon.log: "),
        ('[mqtt]\nhost = "127.0.0.1"\n[asterisk]', "mqtt: added"),
    ],
)
async def test_what_only_a_start_takes_up_is_refused_before_asterisk_is_told(site: Path, new: str, says: str) -> None:
    async with running(site) as daemon:
        before = await ask(site, Client.status)
        edit(site, "[asterisk]", new)
        edit(site, 'name = "Ann"', 'name = "Anna"')
        result = await ask(site, lambda client: client.reload(dry_run=False))
        assert (await ask(site, Client.status)).site_digest == before.site_digest
        assert daemon.switchboard.line.plan.agents["7001"].name == "Ann"
    assert not result.applied
    assert says in (result.error or "")
    assert "Ann" not in (result.error or "")
    assert any("Anna" in line for line in result.differences)


async def test_what_people_chose_survives_a_restart(site: Path) -> None:
    async with running(site):
        await ask(site, lambda client: client.login("7001", "102"))
        await ask(site, lambda client: client.pause("7001", "lunch"))
        await ask(site, lambda client: client.emergency_close("fire drill"))
    async with running(site):
        (agent,) = await ask(site, Client.agents)
        status = await ask(site, Client.status)
    assert (agent.status, agent.phone, agent.reason) == (Status.ON_BREAK, "102", "lunch")
    assert status.emergency == "fire drill"


async def test_a_lookup_that_hangs_costs_its_deadline_and_no_more(site: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "customers.csv")  # opening it to read waits for ever, as a dead network drive does
    edit(site, "[speech]", '[lookup]\ncsv = "customers.csv"\ndeadline = 0.2\n[speech]')
    async with running(site) as daemon, caller(site):
        async with asyncio.timeout(5):
            await waiting(daemon)
        assert (await ask(site, Client.status)).counts.waiting == 1
        with (tmp_path / "customers.csv").open("w") as end:  # let go the thread that reads it
            end.write("number\n")
