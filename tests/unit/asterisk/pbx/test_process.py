"""What the private Asterisk's console answers, read through what stands above it. A script stands for the console."""

from pathlib import Path

import pytest

from callhandler.asterisk.pbx.get import AsteriskProgram
from callhandler.asterisk.pbx.process import AsteriskProcess
from callhandler.site.new import init

COMPLAINT = "No ethernet interface found for seeding global EID. You will have to set it manually."
"""Seen on 16.28 without a network card, above every answer."""


@pytest.mark.parametrize(
    ("answer", "channels"),
    [
        ("0 active channels\n0 active calls\n2 calls processed", 0),
        ("1 active channel\n1 active call", 1),
        (f"{COMPLAINT}\n12 active channels\n6 active calls", 12),
        ("No such command", 0),
    ],
)
async def test_channels_are_counted_whatever_the_console_complains_of(
    tmp_path: Path, answer: str, channels: int
) -> None:
    console = tmp_path / "asterisk"
    console.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    console.chmod(0o700)
    program = AsteriskProgram((str(console),), (16, 28, 0), tmp_path, tmp_path, {}, None)
    assert await AsteriskProcess(init(tmp_path / "site", 5060).loaded, program).channels() == channels


async def test_memory_is_asked_back_of_the_console(tmp_path: Path) -> None:
    console, asked = tmp_path / "asterisk", tmp_path / "asked"
    console.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    console.chmod(0o700)
    program = AsteriskProgram((str(console),), (22, 10, 1), tmp_path, tmp_path, {}, None)
    asterisk = AsteriskProcess(init(tmp_path / "site", 5060).loaded, program)
    await asterisk.give_memory_back()
    assert asked.read_text().endswith("-rx malloc trim\n")
    console.unlink()
    await asterisk.give_memory_back()
