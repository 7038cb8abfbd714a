"""The daemon as a child: readiness is waited for, silence is punished, other processes' words don't count."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callhandler import daemon_process
from callhandler.daemon_process import DaemonProcess
from callhandler.errors import CallhandlerError
from callhandler.supervise import Backoff
from tests.edge.waiting import until

SAYING = """
import os, socket, sys, time
def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(text.encode(), os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
"""
GOOD = (
    SAYING + "say('READY=1')\nwhile True:\n    say('WATCHDOG=1'); time.sleep(int(os.environ['WATCHDOG_USEC']) / 4e6)\n"
)
SILENT_LATER = SAYING + "say('READY=1\\nSTATUS=fine')\ntime.sleep(60)\n"
DIES = "import sys; sys.exit('no such database')"
FOREIGN = (
    SAYING + "import subprocess\nif os.fork() == 0:\n    say('READY=1'); os._exit(0)\ntime.sleep(1); sys.exit(3)\n"
)


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[list[DaemonProcess]]:
    found: list[DaemonProcess] = []
    yield found
    for child in found:
        await child.kill()
        child.close()


def child(children: list[DaemonProcess], tmp_path: Path, code: str, watchdog: float = 5.0) -> DaemonProcess:
    made = DaemonProcess([sys.executable, "-c", code], tmp_path / "log" / "out", watchdog)
    children.append(made)
    return made


async def test_it_is_started_when_it_says_so_and_ends_when_told_to(
    children: list[DaemonProcess], tmp_path: Path
) -> None:
    one = child(children, tmp_path, GOOD)
    await one.start()
    assert one.pid is not None
    await one.stop(within=30)
    assert one.pid is None


async def test_one_that_is_ready_before_it_is_known_to_run_is_heard(
    children: list[DaemonProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails if a word was lost that came while the event loop was busy with other things: a busy machine does that."""
    started = asyncio.create_subprocess_exec
    said = tmp_path / "said"

    async def slowly(*argv: str, **more: Any) -> asyncio.subprocess.Process:
        said.unlink(missing_ok=True)
        process = await started(*argv, **more)
        await until(said.exists)
        await asyncio.sleep(0.01)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    monkeypatch.setattr(daemon_process, "_READY_WITHIN", 3.0)
    one = child(children, tmp_path, SAYING + f"say('READY=1')\nopen({str(said)!r}, 'w').close()\ntime.sleep(60)\n")
    for _ in range(2):
        await one.start()
        await one.kill()


async def test_a_sign_of_life_keeps_it_alive_and_silence_kills_it(
    children: list[DaemonProcess], tmp_path: Path
) -> None:
    alive, silent = child(children, tmp_path, GOOD, 3.0), child(children, tmp_path, SILENT_LATER, 3.0)
    await alive.start()
    await silent.start()
    ended = asyncio.create_task(alive.ended())
    assert "no sign of life" in await silent.ended()
    assert silent.pid is None
    assert not ended.done()
    os.kill(alive.pid or 0, signal.SIGKILL)
    assert "signal SIGKILL" in await ended


async def test_one_that_ends_while_starting_says_why(children: list[DaemonProcess], tmp_path: Path) -> None:
    with pytest.raises(CallhandlerError, match="no such database"):
        await child(children, tmp_path, DIES).start()


async def test_only_the_child_itself_is_listened_to(children: list[DaemonProcess], tmp_path: Path) -> None:
    with pytest.raises(CallhandlerError, match="ended while starting"):
        await child(children, tmp_path, FOREIGN).start()


def test_starts_are_tried_less_and_less_often_until_one_lasts() -> None:
    backoff = Backoff()
    waits = [backoff.after(alive=0) for _ in range(9)]
    assert waits == sorted(waits)
    assert waits[0] == 0.1
    assert waits[-1] == 5.0
    assert backoff.after(alive=61) == 0.1
