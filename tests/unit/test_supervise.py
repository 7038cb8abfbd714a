"""`up` tells how it ends what it has started, and nothing of the kind where nothing was. A sleeping program stands for the daemon."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from callhandler.asterisk.pbx.get import AsteriskProgram
from callhandler.site.new import init
from callhandler.supervise import Supervisor


class Told:
    """A teller that keeps what it is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def progress(self, what: str, done: int, total: int) -> None:
        raise AssertionError(f"nothing is fetched: {what}, {done} of {total}")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def supervisor(tmp_path: Path, told: Told) -> Supervisor:
    program = AsteriskProgram((str(tmp_path / "asterisk"),), (22, 10, 1), tmp_path, tmp_path, {}, None)
    return Supervisor(init(tmp_path / "site").loaded, program, told, grace=5.0, daemon=["sleep", "60"])


async def test_where_nothing_was_started_nothing_is_told_to_end(supervisor: Supervisor, told: Told) -> None:
    supervisor.end()
    await supervisor.run()
    assert told.sentences == []


async def test_what_was_started_is_told_to_end(supervisor: Supervisor, told: Told) -> None:
    starting = asyncio.create_task(supervisor.daemon.start())
    while supervisor.daemon.pid is None:  # noqa: ASYNC110 - a process is waited for
        await asyncio.sleep(0.01)
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    supervisor.end()
    await supervisor.run()
    assert told.sentences == ["Ending: no new calls are taken (Ctrl-C again ends everything now)"]
    assert supervisor.daemon.pid is None
