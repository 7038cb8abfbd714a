"""`callhandler up` as a user runs it: what dies or hangs is replaced, Asterisk outlives the daemon, nothing is left behind."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.process import dying_with_parent
from callhandler.core.plain import Plain
from callhandler.site.describing import describe
from callhandler.site.loading import load
from callhandler.site.new import init
from tests.live.lab import SiteUp, Told, callhandler, free_base, names_of

pytestmark = pytest.mark.live
ASTERISK, DAEMON = "asterisk.conf", "daemon"


NEW = """
[numbers.5077]
enters = "say:something-new"

[prompts.something-new]
text = "Something new."
"""


class Up:
    """A running `callhandler up`."""

    def __init__(self, process: asyncio.subprocess.Process, directory: Path, base: int) -> None:
        self.base = base
        self.process = process
        self.directory = directory
        self.output = ""

    async def until(self, text: str, seconds: float) -> None:
        """Read what it prints until `text` comes, anew each time."""
        assert self.process.stdout is not None
        seen = ""
        async with asyncio.timeout(seconds):
            while text not in seen:
                chunk = await self.process.stdout.read(10_000)
                assert chunk, f"it ended, saying {self.output}"
                seen += chunk.decode()
                self.output += chunk.decode()

    def pids(self, what: str) -> list[int]:
        """The processes of this site whose command line has `what` in it, `up` itself left out."""
        found, names = [], names_of(self.directory)
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors="replace").split("\0")
                mine = any(name in word for word in words for name in names)
                if mine and any(word.endswith(what) for word in words) and "-rx" not in words:
                    found.append(int(path.parent.name))
        return [pid for pid in found if pid != self.process.pid]


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, int]:
    """A new site's folder, and its first port."""
    directory = tmp_path / "site"
    base = free_base()
    init(directory, base)
    file = directory / "callhandler.toml"
    file.write_text(file.read_text() + "\n[daemon]\nwatchdog = 2\n")
    return directory, base


@pytest.fixture
async def up(place: tuple[Path, int]) -> AsyncIterator[Up]:
    one = await started(*place, "1")
    try:
        yield one
    finally:
        await ended(one)


async def started(directory: Path, base: int, grace: str) -> Up:
    """Start `up`; conversations get `grace` seconds at the end."""
    process = await asyncio.create_subprocess_exec(
        *dying_with_parent([sys.executable, "-m", "callhandler", "up", "--site", str(directory), "--grace", grace]),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    return Up(process, directory, base)


async def ended(one: Up) -> None:
    """See to it that nothing of it runs any more."""
    if one.process.returncode is None:
        one.process.kill()
    await one.process.wait()
    await gone(one)


async def gone(up: Up) -> None:
    """Nothing of the site runs any more."""
    async with asyncio.timeout(60):
        while up.pids(ASTERISK) + up.pids(DAEMON):  # noqa: ASYNC110 - processes are watched from outside
            await asyncio.sleep(0.05)


async def test_it_says_what_to_type_into_a_phone_and_ends_gently(up: Up) -> None:
    began = time.monotonic()
    await up.until("Ready. Dial 5000", 60)
    took = time.monotonic() - began
    password = re.search(r'101 = \{[^}]*password = "([^"]+)"', (up.directory / "callhandler.toml").read_text())
    assert password is not None
    assert password[1] in up.output
    assert f"port {up.base}" in up.output
    assert took < 120
    told = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    await up.until("nothing is left running", 60)
    assert await up.process.wait() == 0
    assert time.monotonic() - told < 15.0, "nobody was here"
    await gone(up)


async def test_a_conversation_is_seen_to_its_end_when_it_is_hung_up_at_a_planned_stop(up: Up, tmp_path: Path) -> None:
    await up.until("Ready. Dial 5000", 60)
    site = site_of(up)
    async with (
        site.desk_phone("101", tmp_path / "agent", 880.0, auto_answer=True) as agent,
        site.trunk_caller("493011122299", tmp_path / "caller", 440.0) as caller,
    ):
        await caller.dial("5000")
        await caller.press("1")
        await agent.wait_for("CALL_ESTABLISHED")
        talks = time.time()
        await asyncio.sleep(2)
        up.process.send_signal(signal.SIGINT)
        await caller.wait_for("CALL_CLOSED")
        talked = time.time() - talks
        await up.until("nothing is left running", 60)
        assert await up.process.wait() == 0
    (call,) = last_calls(site)
    assert (call["outcome"], call["agent"]) == ("answered", "7001")
    assert abs(float(str(call["talked"])) - talked) < 2.0
    assert talked < 2 + 1 + 10, "grace is 1 s here"


async def test_a_conversation_that_ends_by_itself_ends_the_stop_and_new_calls_are_refused(
    place: tuple[Path, int], tmp_path: Path
) -> None:
    longer = await started(*place, "30")
    try:
        await longer.until("Ready. Dial 5000", 60)
        site = site_of(longer)
        async with (
            site.desk_phone("101", tmp_path / "agent", 880.0, auto_answer=True) as agent,
            site.trunk_caller("493011122299", tmp_path / "caller", 440.0) as caller,
            site.trunk_caller("493011122298", tmp_path / "late", 440.0) as late,
        ):
            await caller.dial("5000")
            await caller.press("1")
            await agent.wait_for("CALL_ESTABLISHED")
            longer.process.send_signal(signal.SIGINT)
            await longer.until("channels are still up", 60)
            await late.dial_only("5000")
            await late.wait_for("CALL_CLOSED")
            assert all(event.kind != "CALL_CLOSED" for event in caller.events), "the conversation goes on"
            await agent.hang_up()
            await longer.until("nothing is left running", 60)
            assert await longer.process.wait() == 0
        (call,) = last_calls(site)
        assert (call["caller_number"], call["outcome"], call["reason"]) == (
            "493011122299",
            "answered",
            "Normal Clearing",
        )
    finally:
        await ended(longer)


def site_of(up: Up) -> SiteUp:
    told: Told = json.loads(json.dumps(describe(load(up.directory))))
    return SiteUp(up.directory, up.base, told, up.process)


def last_calls(site: SiteUp) -> list[dict[str, Plain]]:
    answer = site.ask("calls", "--last", "5")
    assert isinstance(answer, list)
    return [one for one in answer if isinstance(one, dict)]


async def test_a_dead_or_hung_daemon_is_replaced_and_asterisk_stays(up: Up) -> None:
    await up.until("Ready. Dial 5000", 60)
    (asterisk,), (daemon,) = up.pids(ASTERISK), up.pids(DAEMON)
    os.kill(daemon, signal.SIGKILL)
    await up.until("The daemon is ready", 60)
    (second,) = up.pids(DAEMON)
    assert second != daemon
    os.kill(second, signal.SIGSTOP)
    await up.until("no sign of life", 60)
    await up.until("The daemon is ready", 60)
    assert up.pids(ASTERISK) == [asterisk]
    file = up.directory / "callhandler.toml"
    file.write_text(file.read_text() + NEW)
    reloaded = callhandler("--site", str(up.directory), "reload")
    assert reloaded.returncode == 0, reloaded.stderr
    os.kill(asterisk, signal.SIGKILL)
    await up.until("Asterisk is ready again", 60)
    assert up.pids(ASTERISK) not in ([], [asterisk])
    dialplan, sounds = (up.directory / "var" / part for part in ("asterisk/etc/extensions.conf", "sounds/en"))
    assert "5077" in dialplan.read_text(), "with the site as it was reloaded, not as it was at the first start"
    assert (sounds / "something-new.ulaw").is_file()


async def test_a_second_one_on_the_same_site_is_refused(up: Up) -> None:
    await up.until("Ready. Dial 5000", 60)
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "callhandler", "up", "--site", str(up.directory),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(second.communicate(), 60)
    assert second.returncode == 1
    assert f"process {up.process.pid}" in said.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_is_left_behind_when_it_is_ended_from_outside(up: Up, number: signal.Signals) -> None:
    await up.until("Ready. Dial 5000", 60)
    assert up.pids(ASTERISK)
    assert up.pids(DAEMON)
    up.process.send_signal(number)
    await asyncio.wait_for(up.process.communicate(), 60)
    await gone(up)
