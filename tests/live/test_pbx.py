"""The private Asterisk for real: it starts quickly and quietly, holds any value of a site and no more power than is needed."""

import json
import re
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.get import AsteriskProgram, ensure_asterisk
from callhandler.asterisk.pbx.place import layout
from callhandler.asterisk.pbx.telling import Silent
from callhandler.site.loading import LoadedSite, load
from callhandler.site.new import init
from tests.live.lab import free_base
from tests.live.pbx_alone import Caller, ami, running, troubles

pytestmark = pytest.mark.live


@pytest.fixture(scope="session")
def program() -> AsteriskProgram:
    return ensure_asterisk(None, Silent())


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSite:
    return init(tmp_path / "site", free_base()).loaded


async def test_it_gets_ready_has_nothing_to_complain_about_and_ends(
    loaded: LoadedSite, program: AsteriskProgram
) -> None:
    async with running(loaded, program) as asterisk:
        assert troubles(asterisk) == []
        assert "Asterisk" in await asterisk.ask("core show version")
        assert await asterisk.channels() == 0
        await asterisk.stop()
        assert asterisk.pid is None
    assert not layout(loaded.directory)["run"].joinpath("asterisk.pid").exists()


DIALPLAN = Path(__file__).parents[2] / "dialplans" / "callhandler.conf.j2"
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
    init(directory, free_base())
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
        written = set(re.findall(r"(?m)^\[(callhandler-[^\]{]+)\]", DIALPLAN.read_text()))
        optional = {"callhandler-away", "callhandler-machine"}  # with settings that this site hasn't
        assert contexts - optional == {
            "callhandler-trunk-pstn",
            *(name for name in written - optional if not name.startswith("callhandler-trunk-")),
        }
        async with ami(loaded) as act:
            assert "Response: Success" in await act("Ping")
    assert not (Path.cwd() / "x").exists()


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
        text = await act("MessageSend", "To: pjsip:101", "From: callhandler", "Base64Body: T04gSE9MRA==")
        assert "Permission" not in text, "no phone is there to get it, but it may be sent"
        assert "technology" not in text
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


async def test_reading_a_changed_site_again_leaves_calls_alone(loaded: LoadedSite, program: AsteriskProgram) -> None:
    async with running(loaded, program) as asterisk, Caller(loaded) as caller:
        caller.call("5000")
        await caller.until("180", 60)
        file = loaded.path
        file.write_text(file.read_text().replace("[phones]\n", '[phones]\n109 = { password = "a-new-phone" }\n'))
        assert set(await asterisk.reload(load(loaded.directory))) == {"pjsip.conf", "extensions.conf"}
        assert "109" in await asterisk.ask("pjsip show endpoints")
        assert await asterisk.channels() == 1
        assert await asterisk.reload(load(loaded.directory)) == ()
