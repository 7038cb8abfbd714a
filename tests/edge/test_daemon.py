"""The whole daemon on a fake Asterisk: who may start, what a reload and a restart leave as it was, who fails open."""

import asyncio
import os
from pathlib import Path

import pytest

from callhandler.asterisk.sounds import Programs, SoundsMade, make_sounds
from callhandler.cli import main as command_line
from callhandler.cli import up
from callhandler.control.client import Client
from callhandler.core.events import CallArrived, CallEnded, DaemonStopped
from callhandler.core.model import Outcome, Status
from callhandler.core.views import CallState
from callhandler.daemon import Daemon, _run
from callhandler.doctor import gather
from callhandler.errors import CallhandlerError, Refused
from callhandler.site.loading import LoadedSite, load
from callhandler.store.queries import facts_after, last_calls
from callhandler.store.sources import open_source
from tests.edge.waiting import until
from tests.edge.whole import CALL, ask, caller, edit, running, waiting


async def test_a_second_daemon_is_refused_at_once_and_the_first_goes_on(site: Path) -> None:
    async with running(site) as first:
        second = Daemon(load(site))
        with pytest.raises(Refused, match="already runs for this site"):
            await second.start()
        async with asyncio.timeout(30):
            await second.stop()
        assert (await ask(site, Client.status)).pid
        assert await first.journal.flush()
        assert not (site / "var" / "journal.db.spool").exists()


async def test_beside_a_daemon_the_command_is_refused_before_it_writes_anything(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(site):
        await _refused(site)
    assert "already runs for this site" in capsys.readouterr().err


async def test_beside_up_whose_daemon_is_away_for_a_moment_too(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lock := site / "var" / "up.lock").parent.mkdir(exist_ok=True)
    lock.touch(mode=0o644)
    with up._alone(site):
        assert lock.stat().st_mode & 0o777 == 0o600, "nobody else can hold it and keep `up` away"
        await _refused(site)
    assert f"callhandler up is running for {site} already" in capsys.readouterr().err


async def _refused(site: Path) -> None:
    before = _paths(site)
    assert await asyncio.to_thread(command_line, ["--site", str(site), "daemon"]) == 1
    assert _paths(site) == before


def _paths(site: Path) -> set[Path]:
    return set(site.rglob("*"))


async def test_a_port_that_is_taken_is_said_in_one_sentence(site: Path) -> None:
    taken = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", load(site).site.asterisk.agi_port)
    async with asyncio.timeout(30):
        with pytest.raises(CallhandlerError, match=r"the FastAGI port \d+ can't be had"):
            await _run(load(site))
    taken.close()
    with open_source("sqlite:///var/journal.db", site) as journal:
        *_, stopped = facts_after(journal, 0)
    assert isinstance(stopped.fact, DaemonStopped)
    assert "can't be had" in stopped.fact.reason


async def test_a_reload_keeps_who_waits_in_their_place_and_their_music_on(site: Path) -> None:
    async with running(site) as daemon, caller(site) as told:
        await waiting(daemon)
        await until(lambda: told and told[-1].startswith(b"WAIT FOR DIGIT"))
        before = await ask(site, lambda client: client.call(CALL))
        edit(site, 'name = "Ann"', 'name = "Anna"')
        edit(site, 'name = "Sales"', 'name = "Sales"\nwrap_up = 3')
        result = await ask(site, lambda client: client.reload(dry_run=False))
        after = await ask(site, lambda client: client.call(CALL))
    assert result.applied and result.error is None
    assert result.differences == ("agents.7001.name: 'Ann' -> 'Anna'", "queues.sales.wrap_up: 15.0 -> 3.0")
    assert (after.state, after.entered, after.position) == (CallState.WAITING, before.entered, 1)
    assert told[-1].startswith(b"WAIT FOR DIGIT"), "nothing interrupted the music"
    assert sum(line.startswith(b"SET MUSIC") for line in told) == 1


async def test_while_a_planned_end_is_under_way_the_daemon_says_so(site: Path) -> None:
    async with running(site) as daemon, caller(site):
        await waiting(daemon)
        before = await ask(site, Client.status)
        daemon.ending.begin()
        after = await ask(site, Client.status)
    assert (before.ending, after.ending, after.counts.waiting) == (False, True, 1)


async def test_what_was_read_is_in_force_though_the_file_is_saved_anew_in_the_middle_of_a_reload(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saved_anew(new: LoadedSite, programs: Programs) -> SoundsMade:
        new.path.unlink()  # as some editors do
        return make_sounds(new, programs)

    async with running(site) as daemon:
        edit(site, 'name = "Sales"', 'name = "Sold"')
        monkeypatch.setattr("callhandler.reloading.make_sounds", saved_anew)
        result = await ask(site, lambda client: client.reload(dry_run=False))
        assert (result.applied, result.error) == (True, None), "Asterisk has the new one by now"
        assert daemon.switchboard.line.plan.queues["sales"].name == "Sold"


async def test_a_reload_tells_the_warnings_that_come_with_it_and_no_others(site: Path) -> None:
    async with running(site):
        edit(site, 'pin = "481516"', 'pin = "4815"')
        result = await ask(site, lambda client: client.reload(dry_run=False))
        edit(site, 'name = "Ann"', 'name = "Anna"')
        nothing_new = await ask(site, lambda client: client.reload(dry_run=False))
    assert result.applied and nothing_new.applied
    assert result.differences == (
        "agents.7001.pin: changed",
        "agents.7001.pin: has 4 digits: 6 or more resist guessing",
    )
    assert nothing_new.differences == ("agents.7001.name: 'Ann' -> 'Anna'",)


async def test_a_reload_says_who_is_logged_out_with_the_phone_that_it_removes(site: Path) -> None:
    async with running(site):
        await ask(site, lambda client: client.login("7002", "102"))
        edit(site, '[phones.102]\npassword = "a-password-of-102"\n', "")
        tried = await ask(site, lambda client: client.reload(dry_run=True))
        assert {one.id: one.phone for one in await ask(site, Client.agents)}["7002"] == "102"
        result = await ask(site, lambda client: client.reload(dry_run=False))
        after = {one.id: one for one in await ask(site, Client.agents)}
    told = ("phones.102: removed", "phones.102: agent 7002 (Bob) is logged in there, and is logged out with it")
    assert (result.applied, tried.differences, result.differences) == (True, told, told)
    assert (after["7002"].status, after["7002"].phone) == (Status.LOGGED_OUT, None)


async def test_a_reload_says_who_is_called_back_by_nobody_without_the_table_callbacks(site: Path) -> None:
    table = '[trunks.pstn]\nhost = "127.0.0.1"\n[callbacks]\ntrunk = "pstn"\ncaller_number = "15550199"\n'
    edit(site, "[company]", f"{table}[company]")
    async with running(site):
        one = await ask(site, lambda client: client.add_callback("sales", "+12125550142", "Cy", None))
        edit(site, '[callbacks]\ntrunk = "pstn"\ncaller_number = "15550199"\n', "")
        result = await ask(site, lambda client: client.reload(dry_run=False))
        nothing_new = await ask(site, lambda client: client.reload(dry_run=False))
        with pytest.raises(Refused, match=r"no table \[callbacks\]"):
            await ask(site, lambda client: client.run_callback(one.id))
    left = "callbacks: 1 open callback is called by nobody without this table"
    assert result.applied
    assert [line.partition(": put")[0] for line in result.differences] == ["callbacks: removed", left]
    assert nothing_new.differences == ()


async def test_what_is_older_than_the_site_keeps_is_forgotten_after_a_reload_too(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callhandler.daemon.FORGET_EVERY", 0.05)
    async with running(site) as daemon:
        at = daemon.switchboard.clock() - 100 * 86_400
        old = CallArrived(
            at=at, call="old", channel="c", number="5000", caller_number="", caller_name="", source="trunk:pstn"
        )
        daemon.journal.append(old)
        daemon.journal.append(CallEnded(at=at, call="old", outcome=Outcome.LEFT_IN_MENU, reason="hung up"))
        assert [one.id for one in await daemon.journal.ask(last_calls, 9)] == ["old"]
        edit(site, "[company]", "[journal]\nkeep = 99\n[company]")
        assert (await ask(site, lambda client: client.reload(dry_run=False))).applied
        async with asyncio.timeout(30):
            while await daemon.journal.ask(last_calls, 9):  # noqa: ASYNC110 - a thread's work is waited for
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('enters = "queue:sales"', 'enters = "queue:slaes"', "slaes"),
        ("[company]", "[company", "not valid TOML"),
        ('name = "Ann"', 'name = "Anna"\nsurname = "Bell"', "surname"),
        ("[speech]\n", '[speech]\n[prompts.new]\nfile = "prompts/nowhere.wav"\n[speechless]\n', "speechless"),
        ('[agents.7001]\n', '[[queues.sales.steps]]\nwants = "nobodys"\n[agents.7001]\n', "nobody has the skill `nobodys`"),
        ('[queues.sales]\n', '[prompts.new]\nfile = "prompts/nowhere.wav"\n[queues.sales]\ngreeting = "new"\n', "nowhere.wav"),
        ('command = ["cp"', 'command = ["espek-ng"', "speech.command: there is no program `espek-ng`, and"),
        ('command = ["cp"', 'command = ["false"', "more: the speech program `false` failed with exit code 1"),
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
        assert (result.error or "").count("\n") <= 1, "a line for each mistake, not for each prompt"
        assert after.site_digest == before.site_digest
        assert daemon.switchboard.line.plan.queues.keys() == {"sales", "support"}


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
        seen = await asyncio.to_thread(lambda: gather._daemon(load(site)))
    assert not result.applied
    assert says in seen.refuses
    assert says in (result.error or "")
    assert "Ann" not in (result.error or "")
    assert any("Anna" in line for line in result.differences)


async def test_what_people_chose_survives_a_restart(site: Path) -> None:
    async with running(site):
        await ask(site, lambda client: client.login("7001", "102"))
        await ask(site, lambda client: client.pause("7001", "lunch"))
        await ask(site, lambda client: client.emergency_close("fire drill"))
    async with running(site):
        agent, _ = await ask(site, Client.agents)
        status = await ask(site, Client.status)
    assert (agent.status, agent.phone, agent.reason) == (Status.ON_BREAK, "102", "lunch")
    assert status.emergency == "fire drill"


async def test_a_lookup_that_hangs_costs_its_deadline_and_no_more(site: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "customers.csv")  # opening it to read waits for ever, as a dead network drive does
    edit(site, "[speech]", '[lookup]\ncsv = "customers.csv"\ndeadline = 0.2\n[speech]')
    async with running(site) as daemon, caller(site):
        async with asyncio.timeout(30):
            await waiting(daemon)
        assert (await ask(site, Client.status)).counts.waiting == 1
        with (tmp_path / "customers.csv").open("w") as end:  # let go the thread that reads it
            end.write("number\n")
