"""`callhandler doctor` on a real Asterisk: a healthy site is found healthy, and each thing that is broken is found and named."""

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from callhandler.asterisk import lacking
from callhandler.asterisk.pbx.get import AsteriskProgram, ensure_asterisk
from callhandler.asterisk.pbx.modules import LISTED
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.prepare import attach
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.asterisk.pbx.telling import Silent
from callhandler.daemon_process import DaemonProcess
from callhandler.doctor.examine import examine
from callhandler.doctor.verdict import State, Verdict
from callhandler.site.loading import LoadedSite, load
from callhandler.site.new import init
from tests.live.lab import free_base
from tests.live.pbx_alone import running

pytestmark = pytest.mark.live
ABOUT_PEOPLE = {"phones", "agents", "sounds"}
"""What nobody has mended yet on a new site: no phone is registered, and Asterisk speaks English only."""


class Running:
    """A site with its Asterisk and its daemon, each of which can be taken away."""

    def __init__(self, loaded: LoadedSite, asterisk: AsteriskProcess, daemon: DaemonProcess) -> None:
        self.loaded = loaded
        self.directory = loaded.directory
        self.asterisk = asterisk
        self.daemon = daemon
        self.etc = layout(loaded.directory)["etc"]

    async def verdicts(self) -> dict[str, Verdict]:
        found = await asyncio.to_thread(examine, self.directory)
        return {verdict.check: verdict for verdict in found}

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.etc / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def program() -> AsteriskProgram:
    return ensure_asterisk(None, Silent())


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedSite:
    return init(tmp_path_factory.mktemp("doctor") / "site", free_base(), "Doctor & Sons").loaded


@pytest.fixture
async def site(loaded: LoadedSite, program: AsteriskProgram) -> AsyncIterator[Running]:
    asterisk = AsteriskProcess(loaded, program)
    argv = [sys.executable, "-m", "callhandler", "daemon", "--site", str(loaded.directory)]
    daemon = DaemonProcess(argv, loaded.directory / "var" / "log" / "daemon.out", 60.0)
    try:
        await asterisk.start()
        await daemon.start()
        yield Running(loaded, asterisk, daemon)
    finally:
        await daemon.stop(5.0)
        daemon.close()
        await asterisk.stop()


def troubles(verdicts: dict[str, Verdict]) -> dict[str, State]:
    return {name: verdict.state for name, verdict in verdicts.items() if verdict.state is not State.OK}


async def linked(site: Running) -> dict[str, Verdict]:
    """The verdicts once the daemon has found its Asterisk."""
    async with asyncio.timeout(60):
        while (verdicts := await site.verdicts())["daemon link"].state is not State.OK:  # noqa: ASYNC110 - looked at from outside
            await asyncio.sleep(0.1)
    return verdicts


def aged(program: AsteriskProgram, verdicts: Mapping[str, Verdict]) -> set[str]:
    """What is said of an Asterisk that lacks something, and must be."""
    lacks = lacking.of_version(program.version, LISTED)
    assert all(sentence in verdicts["asterisk version"].sentence for sentence in lacks)
    return {"asterisk version"} if lacks else set()


async def test_a_healthy_site_is_found_healthy(site: Running, program: AsteriskProgram) -> None:
    verdicts = await linked(site)
    assert set(troubles(verdicts)) == ABOUT_PEOPLE | aged(program, verdicts)
    assert {verdict.state for verdict in verdicts.values()} == {State.OK, State.WARNING}
    assert "user 101" in verdicts["phones"].remedy
    assert f"port {site.loaded.site.asterisk.sip_port}" in verdicts["phones"].remedy


async def test_the_command_speaks_json_and_leaves_no_trace_in_the_journal(site: Running) -> None:
    await linked(site)
    told = await _command(site, "doctor", "--json")
    assert told["ok"] is True
    rows = told["verdicts"]
    assert isinstance(rows, list)
    assert set(rows[0]) == {"check", "state", "sentence", "remedy"}
    calls = await _command(site, "calls", "--json", "--last", "5")
    assert calls["list"] == []
    assert not site.asterisk.log.read_text().count("ERROR[")


async def test_asterisk_away_and_daemon_away(site: Running) -> None:
    await site.daemon.stop(5.0)
    verdicts = await site.verdicts()
    assert {"daemon", "fastagi"} == {name for name, state in troubles(verdicts).items() if state is State.ERROR}
    assert verdicts["daemon"].remedy == f"callhandler up --site {site.directory}"
    await site.asterisk.stop()
    verdicts = await site.verdicts()
    errors = {name for name, state in troubles(verdicts).items() if state is State.ERROR}
    assert errors == {"asterisk", "ami login", "daemon", "fastagi"}
    assert verdicts["configuration"].state is State.OK


async def test_a_daemon_that_hangs(site: Running) -> None:
    pid = site.daemon.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        verdicts = await site.verdicts()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert verdicts["daemon"].state is State.ERROR
    assert "in time" in verdicts["daemon"].sentence
    assert verdicts["daemon"].remedy.startswith(f"kill -9 {pid} ")
    assert verdicts["ports"].state is State.OK


async def test_an_asterisk_that_hangs(site: Running) -> None:
    pid = site.asterisk.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        verdicts = await site.verdicts()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert verdicts["asterisk"].remedy.startswith(f"kill -9 {pid} ")
    assert verdicts["ami login"].state is State.ERROR


async def test_another_secret(site: Running) -> None:
    site.edit("manager.conf", site.loaded.site.asterisk.ami_secret.get_secret_value(), "quite another one")
    await site.asterisk.ask("manager reload")
    verdicts = await site.verdicts()
    assert verdicts["ami login"].state is State.ERROR
    assert verdicts["ami login"].remedy == f"callhandler reload --site {site.directory}"
    await _follow(verdicts["ami login"])
    assert (await site.verdicts())["ami login"].state is State.OK


@pytest.mark.parametrize(
    ("old", "new", "check", "named"),
    [
        ("write = call,originate", "write = call,originate,command,system", "ami excess", "command, system"),
        ("write = call,originate", "write = call", "ami rights", "Originate"),
        ("read = call,system", "read = system", "ami events", "Hangup"),
    ],
)
async def test_rights(site: Running, old: str, new: str, check: str, named: str) -> None:
    site.edit("manager.conf", old, new)
    await site.asterisk.ask("manager reload")
    verdicts = await site.verdicts()
    assert verdicts[check].state is State.ERROR
    assert named in verdicts[check].sentence
    await _follow(verdicts[check])
    assert (await site.verdicts())[check].state is State.OK


async def test_a_short_writetimeout(site: Running) -> None:
    site.edit("manager.conf", "writetimeout = 5000", "writetimeout = 100")
    assert (await site.verdicts())["ami writetimeout"].state is State.WARNING


async def test_a_dialplan_that_was_edited(site: Running) -> None:
    site.edit("extensions.conf", "Hangup(26)", "Hangup(17)")
    verdicts = await site.verdicts()
    assert verdicts["dialplan"].state is State.WARNING
    assert verdicts["configuration"].state is State.WARNING
    await site.asterisk.ask("dialplan reload")
    verdicts = await site.verdicts()
    assert verdicts["dialplan"].state is State.ERROR
    assert "callhandler-offer,s,6 differs" in verdicts["dialplan"].sentence
    site.edit("extensions.conf", "Hangup(17)", "Hangup(26)")
    verdicts = await site.verdicts()
    assert verdicts["dialplan"].remedy.endswith("-rx 'dialplan reload'")
    await _follow(verdicts["dialplan"])
    assert (await site.verdicts())["dialplan"].state is State.OK


async def test_sounds_that_are_gone(site: Running) -> None:
    sounds = layout(site.directory)["lib"] / "sounds" / "en"
    sounds.unlink()
    prompt = site.directory / "var" / "sounds" / "en" / "welcome.ulaw"
    prompt.unlink()
    verdicts = await site.verdicts()
    assert verdicts["sounds"].state is State.ERROR
    assert verdicts["prompts"].state is State.ERROR
    assert prompt.stem in verdicts["prompts"].sentence
    assert verdicts["sounds"].remedy == verdicts["prompts"].remedy
    await _follow(verdicts["prompts"])
    after = await site.verdicts()
    assert after["prompts"].state is State.OK
    assert after["sounds"].state is State.WARNING


async def test_a_module_that_was_unloaded(site: Running) -> None:
    await site.asterisk.ask("module unload func_lock.so")
    verdicts = await site.verdicts()
    assert verdicts["modules"].state is State.ERROR
    assert "func_lock" in verdicts["modules"].sentence
    await _follow(verdicts["modules"])
    assert (await site.verdicts())["modules"].state is State.OK


async def test_files_that_others_can_read(site: Running) -> None:
    for path, bad in ((site.loaded.path, 0o644), (site.etc, 0o755)):
        path.chmod(bad)
        verdicts = await site.verdicts()
        assert verdicts["file modes"].state is State.ERROR
        await _follow(verdicts["file modes"])
        assert (await site.verdicts())["file modes"].state is State.OK


async def test_a_site_file_that_was_changed(site: Running) -> None:
    text = site.loaded.path.read_text()
    site.loaded.path.write_text(text.replace("Front desk", "Reception desk"))
    try:
        verdicts = await site.verdicts()
        assert verdicts["site in force"].state is State.WARNING
        assert verdicts["configuration"].state is State.WARNING
        assert "pjsip.conf" in verdicts["configuration"].sentence
        await _follow(verdicts["site in force"])
        after = await site.verdicts()
        assert (after["site in force"].state, after["configuration"].state) == (State.OK, State.OK)
    finally:
        site.loaded.path.write_text(text)


OPERATORS = {
    "manager.conf": """[general]
enabled = yes
bindaddr = 127.0.0.1
port = {port}
[admin]
secret = an operator's own
read = all
write = all
#include callhandler_manager.conf
""",
    "extensions.conf": """[from-internal]
exten => 1,1,NoOp()
#include callhandler_extensions.conf
""",
}


async def test_beside_an_operators_own_asterisk(loaded: LoadedSite, program: AsteriskProgram, tmp_path: Path) -> None:
    """The operator's is a private one of another site, with a configuration that includes what was rendered for ours."""
    theirs = layout(loaded.directory)["etc"]
    wrapper = tmp_path / "asterisk"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(program.argv)} -C {theirs / "asterisk.conf"} "$@"\n')
    wrapper.chmod(0o700)
    port = loaded.site.asterisk.ami_port
    ours = init(tmp_path / "ours", free_base()).loaded
    text = ours.path.read_text()
    for old, new in (
        (f"ami_port = {ours.site.asterisk.ami_port}", f'ami_port = {port}\nprogram = "{wrapper}"'),
        ('name = "Example', 'name = "Ours'),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    ours.path.write_text(text)
    ours = load(ours.path)
    attached = attach(ours, lacking.ANY_VERSION)
    async with running(loaded, program) as asterisk:
        for name, own in OPERATORS.items():
            (theirs / name).write_text(own.format(port=port))
        for name in ("callhandler_manager.conf", "callhandler_extensions.conf"):
            shutil.copy(attached.folder / name, theirs / name)
        await asterisk.ask("core reload")
        found = {verdict.check: verdict for verdict in await asyncio.to_thread(examine, ours.directory)}
        (theirs / "extensions.conf").write_text("[from-internal]\nexten => 1,1,NoOp()\n")
        await asterisk.ask("dialplan reload")
        without = {verdict.check: verdict for verdict in await asyncio.to_thread(examine, ours.directory)}
    troubles = {name for name, verdict in found.items() if verdict.state is not State.OK}
    assert troubles - {"sounds", "music"} - aged(program, found) == {
        "journal", "prompts", "daemon", "daemon version", "daemon link", "fastagi", "site in force", "journal backlog",
        "publishers", "alarms", "phones", "agents", "ami exposure",
    }  # fmt: skip
    assert "admin" in found["ami exposure"].sentence
    assert "#include callhandler_extensions.conf" in without["includes"].remedy
    assert without["dialplan"].state is State.ERROR


@pytest.fixture
def squatter(loaded: LoadedSite) -> Iterator[None]:
    """Another program that holds the FastAGI port."""
    import socket

    with socket.create_server(("127.0.0.1", loaded.site.asterisk.agi_port)):
        yield


async def test_a_stranger_on_the_fastagi_port(squatter: None, loaded: LoadedSite) -> None:
    found = {verdict.check: verdict for verdict in await asyncio.to_thread(examine, loaded.directory)}
    assert found["ports"].state is State.ERROR
    assert f"process {os.getpid()}" in found["ports"].sentence


async def _command(site: Running, *words: str) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "callhandler", *words, "--site", str(site.directory), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    told = json.loads(output)
    return told if isinstance(told, dict) else {"list": told}


async def _follow(verdict: Verdict) -> None:
    """Do what a remedy says, as an operator would: type it."""
    program = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = verdict.remedy.replace("callhandler ", f"{sys.executable} -m callhandler ", 1)
    process = await asyncio.create_subprocess_shell(
        command if verdict.remedy.startswith("callhandler ") else verdict.remedy,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PATH": program},
    )
    output = b""
    with contextlib.suppress(TimeoutError):
        output, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, output.decode()
