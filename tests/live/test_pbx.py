"""The private Asterisk for real: it starts quickly and quietly, holds any value of a site, and keeps calls while the daemon is away.

No daemon runs here: a few lines of AGI stand in for it, so that what is seen is the dialplan's doing alone.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.get import AsteriskProgram, ensure_asterisk
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.asterisk.pbx.telling import Silent
from callhandler.site.loading import LoadedSite, load
from callhandler.site.new import init
from tests.live.sip_text import TextPhone, first_line

pytestmark = pytest.mark.live
BASE = 32_100
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, dict[str, str]], Awaitable[None]]


@pytest.fixture(scope="session")
def program() -> AsteriskProgram:
    return ensure_asterisk(None, Silent())


@contextlib.asynccontextmanager
async def running(loaded: LoadedSite, program: AsteriskProgram) -> AsyncIterator[AsteriskProcess]:
    asterisk = AsteriskProcess(loaded, program)
    await asterisk.start()
    try:
        yield asterisk
    finally:
        await asterisk.stop()


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSite:
    return init(tmp_path / "site", BASE).loaded


def troubles(asterisk: AsteriskProcess) -> list[str]:
    return [line for line in asterisk.log.read_text().splitlines() if re.search(r"\] (WARNING|ERROR)\[", line)]


async def until(true: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - Asterisk is watched from outside
            await asyncio.sleep(0.02)


class Away:
    """A stand-in for the daemon that can be there or not; it counts the calls that ask for it."""

    def __init__(self, port: int, script: Script) -> None:
        self.seen: list[dict[str, str]] = []
        self.times: list[float] = []
        self._port = port
        self._script = script

    async def __aenter__(self) -> "Away":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        environment = {}
        while line := (await reader.readline()).strip().decode():
            key, _, value = line.partition(": ")
            environment[key] = value
        self.seen.append(environment)
        self.times.append(time.monotonic())
        with contextlib.suppress(ConnectionError):
            await self._script(reader, writer, environment)
        writer.close()


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> str:
    writer.write(command.encode() + b"\n")
    return (await reader.readline()).decode().strip()


class Caller:
    """Somebody who calls over the trunk and sees the answers."""

    def __init__(self, loaded: LoadedSite) -> None:
        self.address = ("127.0.0.1", loaded.site.asterisk.sip_port)
        self.phone = TextPhone()

    async def __aenter__(self) -> "Caller":
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self.phone, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def call(self, number: str, user: str = "4930123456") -> None:
        self.phone.invite(number.encode(), b"Jo", user.encode(), self.address)

    def statuses(self) -> list[str]:
        return [first_line(data).decode()[8:11] for data in self.phone.seen if data.startswith(b"SIP/2.0 ")]

    async def until(self, status: str, seconds: float) -> None:
        await until(lambda: status in self.statuses(), seconds)

    def hung_up_on(self) -> bool:
        return any(data.startswith(b"BYE ") for data in self.phone.seen)


async def test_it_is_ready_within_four_seconds_and_has_nothing_to_complain_about(
    loaded: LoadedSite, program: AsteriskProgram
) -> None:
    started = time.monotonic()
    async with running(loaded, program) as asterisk:
        assert time.monotonic() - started < 4
        assert troubles(asterisk) == []
        assert "Asterisk" in await asterisk.ask("core show version")
        assert await asterisk.channels() == 0
        stopping = time.monotonic()
        await asterisk.stop()
        assert time.monotonic() - stopping < 4
        assert asterisk.pid is None
    assert not layout(loaded.directory)["run"].joinpath("asterisk.pid").exists()


NASTY = [
    'semi;colon"quote',
    "a;--b--;comment",
    "${SHELL(touch x)}$[1+1]",
    "back\\slash\\;end\\",
    "[section](template)",
    "#include x",
    "= > , ^ & | < >",
    "Grüße 電話 ☎",
    ";start",
]


async def test_nothing_in_a_site_becomes_anything_but_itself(tmp_path: Path, program: AsteriskProgram) -> None:
    directory = tmp_path / 'si;te "x" ${HOME} ü'
    init(directory, BASE)
    file = directory / "callhandler.toml"
    phones = "\n".join(
        f"{200 + number} = {{ name = {json.dumps(value)}, password = {json.dumps(f'{value}-12345678')} }}"
        for number, value in enumerate(NASTY)
    )
    text = file.read_text()
    text = re.sub(r"(?m)^ami_secret = .*$", lambda _: f"ami_secret = {json.dumps('; secret ${X} ' + NASTY[0])}", text)
    file.write_text(text.replace("[phones]\n", f"[phones]\n{phones}\n"))
    loaded = load(directory)
    async with running(loaded, program) as asterisk:
        assert troubles(asterisk) == []
        for number, value in enumerate(NASTY):
            shown = await asterisk.ask(f"pjsip show auth {200 + number}")
            assert re.search(r"(?m)^ *password +: (.*)$", shown)[1] == f"{value}-12345678"
            endpoint = await asterisk.ask(f"pjsip show endpoint {200 + number}")
            assert re.search(r"(?m)^ *context +: (.*)$", endpoint)[1] == "callhandler-phones"
        contexts = set(re.findall(r"Context '([^']+)'", await asterisk.ask("dialplan show")))
        assert contexts == {
            *(f"callhandler-{name}" for name in ("trunk-pstn", "phones", "source", "entry", "offer", "after", "phone"))
        }
        async with ami(loaded) as act:
            assert "Response: Success" in await act("Ping")
    assert not (Path.cwd() / "x").exists()


@contextlib.asynccontextmanager
async def ami(loaded: LoadedSite) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    place = loaded.site.asterisk
    reader, writer = await asyncio.open_connection(place.ami_host, place.ami_port)
    await reader.readline()

    async def act(action: str, *headers: str) -> str:
        writer.write("\r\n".join([f"Action: {action}", "ActionID: 1", *headers, "", ""]).encode())
        while True:
            message = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
            if message.startswith("Response:") and "ActionID: 1" in message:
                return message

    secret = place.ami_secret.get_secret_value()
    assert "Success" in await act("Login", f"Username: {place.ami_user}", f"Secret: {secret}", "Events: off")
    try:
        yield act
    finally:
        writer.close()
        await writer.wait_closed()


async def test_the_ami_user_can_do_what_the_daemon_does_and_nothing_else(
    loaded: LoadedSite, program: AsteriskProgram
) -> None:
    async with running(loaded, program), ami(loaded) as act:
        originate = ("Channel: PJSIP/101", "Context: callhandler-offer", "Exten: s", "Priority: 1", "Async: true")
        for action, *headers in (
            ("Ping",),
            ("Status",),
            ("DeviceStateList",),
            ("Getvar", "Variable: VERSION(ASTERISK_VERSION_NUM)"),
            ("Originate", *originate),
        ):
            assert "Response: Success" in await act(action, *headers), action
        for action, *headers in (
            ("Command", "Command: core show version"),
            ("GetConfig", "Filename: manager.conf"),
            ("Reload",),
            ("DBGet", "Family: x", "Key: y"),
            ("UpdateConfig", "SrcFilename: x", "DstFilename: x"),
            ("ModuleLoad", "Module: app_system.so", "LoadType: load"),
            ("Getvar", "Variable: SHELL(id)"),
            ("Originate", "Channel: PJSIP/101", "Application: System", "Data: id"),
        ):
            assert "Response: Error" in await act(action, *headers), action


async def test_a_number_that_is_not_the_sites_does_not_exist(loaded: LoadedSite, program: AsteriskProgram) -> None:
    async with running(loaded, program), Caller(loaded) as caller:
        for number in ("7001", "101", "*60", "s", "from", "0900123", "5000x", "5000%3B", "%24%7BEXTEN%7D"):
            caller.phone.seen.clear()
            caller.call(number)
            await caller.until("404", 3)


async def test_without_a_daemon_an_unanswered_call_rings_on_and_is_then_answered(
    loaded: LoadedSite, program: AsteriskProgram
) -> None:
    async with running(loaded, program) as asterisk, Caller(loaded) as caller:
        began = time.monotonic()
        caller.call("5000")
        await caller.until("180", 3)
        await caller.until("200", 30)
        assert 12 < time.monotonic() - began < 28
        await asyncio.sleep(1)
        assert "default" in await asterisk.ask("core show channels verbose") or await asterisk.channels() == 1
        assert not caller.hung_up_on()


async def test_a_daemon_that_dies_is_asked_again_and_the_call_keeps_its_id(
    loaded: LoadedSite, program: AsteriskProgram
) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: dict[str, str]) -> None:
        await said(reader, writer, "ANSWER")
        await said(reader, writer, "SET MUSIC ON")

    async with running(loaded, program), Caller(loaded) as caller:
        async with Away(loaded.site.asterisk.agi_port, dies) as daemon:
            caller.call("5000")
            await caller.until("200", 3)
            await until(lambda: len(daemon.seen) == 3, 10)
            assert len({one["agi_uniqueid"] for one in daemon.seen}) == 1
            assert {(one["agi_arg_1"], one["agi_arg_2"]) for one in daemon.seen} == {("5000", "trunk:pstn")}
            assert daemon.seen[0]["agi_uniqueid"].startswith(f"{loaded.site.asterisk.node}-")
            assert all(2.5 < b - a < 4 for a, b in zip(daemon.times, daemon.times[1:], strict=False)), (
                "it must not spin"
            )
        assert not caller.hung_up_on()


async def test_a_proper_end_ends_the_call(loaded: LoadedSite, program: AsteriskProgram) -> None:
    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: dict[str, str]) -> None:
        await said(reader, writer, "ANSWER")
        await said(reader, writer, 'SET VARIABLE CH_DONE "1"')

    async with running(loaded, program) as asterisk, Caller(loaded) as caller:
        async with Away(loaded.site.asterisk.agi_port, ends) as daemon:
            caller.call("5000")
            await until(caller.hung_up_on, 5)
            assert len(daemon.seen) == 1
        assert await asterisk.channels() == 0


async def test_a_phone_that_does_not_answer_brings_the_caller_back_with_how_that_ended(
    loaded: LoadedSite, program: AsteriskProgram
) -> None:
    async def to_a_phone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: dict[str, str]) -> None:
        if seen.get("agi_arg_3"):
            await said(reader, writer, 'SET VARIABLE CH_DONE "1"')
            return
        await said(reader, writer, "ANSWER")
        for name, value in (("CH_PHONE", "104${EXTEN}"), ("CH_RING", "5"), ("CH_DONE", "1")):
            await said(reader, writer, f'SET VARIABLE {name} "{value}"')
        for command in ("SET CONTEXT callhandler-phone", "SET EXTENSION s", "SET PRIORITY 1"):
            await said(reader, writer, command)

    async with running(loaded, program), Caller(loaded) as caller:
        async with Away(loaded.site.asterisk.agi_port, to_a_phone) as daemon:
            caller.call("5000")
            await until(caller.hung_up_on, 10)
        assert [one.get("agi_arg_3", "") for one in daemon.seen] == ["", "CHANUNAVAIL"]
        assert daemon.seen[0]["agi_uniqueid"] == daemon.seen[1]["agi_uniqueid"]


async def test_reading_a_changed_site_again_leaves_calls_alone(loaded: LoadedSite, program: AsteriskProgram) -> None:
    async with running(loaded, program) as asterisk, Caller(loaded) as caller:
        caller.call("5000")
        await caller.until("180", 3)
        file = loaded.path
        file.write_text(file.read_text().replace("[phones]\n", '[phones]\n109 = { password = "a-new-phone" }\n'))
        done = await asterisk.reload(load(loaded.directory))
        assert set(done.changed) == {"pjsip.conf", "extensions.conf"}
        assert done.need_restart == ()
        assert "109" in await asterisk.ask("pjsip show endpoints")
        assert await asterisk.channels() == 1
        assert (await asterisk.reload(load(loaded.directory))).changed == ()
