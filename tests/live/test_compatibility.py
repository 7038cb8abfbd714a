"""An Asterisk that lacks something says so at start, and what is asked of every Asterisk holds on this one, whichever it is.

`make test-older` runs all live tests on Asterisk 16 (docs/compatibility.md).
"""

import asyncio
from pathlib import Path

import pytest

from callhandler.asterisk import lacking, wire
from callhandler.asterisk.pbx.get import ensure_asterisk
from callhandler.asterisk.pbx.telling import Silent

from .lab import SiteUp

pytestmark = pytest.mark.live


def unwrapped(text: str) -> str:
    """What a terminal's width broke into lines, in one."""
    return " ".join(text.split())


def test_what_is_missing_is_said_at_start(site_up: SiteUp) -> None:
    program = ensure_asterisk(None, Silent())
    told = unwrapped((site_up.directory / "var" / "up.out").read_text())
    logged = (site_up.directory / "var" / "log" / "callhandler.log").read_text()
    assert told.index(f"Asterisk {program.version_text} is ready")
    for sentence in program.lacks:
        assert sentence in told.partition("is ready")[0], "before anybody can call"
    for sentence in lacking.of_version(program.version):
        assert sentence in logged
    assert ("this Asterisk lacks something" in logged) == bool(program.lacks)
    checked = site_up.ask("check")
    assert isinstance(checked, dict)
    rows = checked["findings"]
    assert isinstance(rows, list)
    found = [row["sentence"] for row in rows if isinstance(row, dict) and row["key"] == "asterisk.program"]
    assert found == program.lacks


async def test_no_key_but_the_one_that_means_something_leaves_asterisk(site_up: SiteUp, tmp_path: Path) -> None:
    """As the daemon's own user is told, in the very words on the wire."""
    ami = site_up.told["ami"]
    reader, writer = await asyncio.open_connection(ami["host"], ami["port"])
    try:
        writer.write(f"Action: Login\r\nUsername: {ami['user']}\r\nSecret: {ami['secret']}\r\n\r\n".encode())
        async with site_up.trunk_caller("493011190001", tmp_path / "caller", 440.0) as caller:
            await caller.dial("5000")
            await asyncio.sleep(1.0)
            await caller.press("7931")
            heard = b""
            async with asyncio.timeout(20):
                while b"Digit: 1\r\n" not in heard:
                    heard += await reader.read(65_536)
            await caller.hang_up()
        async with asyncio.timeout(20):
            while b"Event: Hangup\r\n" not in heard:
                heard += await reader.read(65_536)
    finally:
        writer.close()
    events = heard.decode(errors="replace").split("\r\n\r\n")
    names = {event.partition("\r\n")[0].removeprefix("Event: ") for event in events if event.startswith("Event: ")}
    assert names <= wire.EVENTS, "only what is read is sent"
    keys = [event for event in events if event.startswith("Event: DTMF")]
    assert keys
    assert all("\r\nDigit: 1\r\n" in event for event in keys)
