"""The machine's clock is set while somebody waits: the place, wait and promise stay as they are; and what time it is comes right."""

import time
from pathlib import Path

import pytest

from callhandler import timing
from callhandler.control.client import Client
from callhandler.core import events as e
from callhandler.daemon import Daemon
from tests.edge.waiting import until
from tests.edge.whole import CALL, ask, caller, running, waiting

HOUR = 3_600.0


class Set:
    """A machine's clock that is set by so many seconds."""

    def __init__(self) -> None:
        self.by = 0.0

    def __call__(self) -> float:
        return time.time() + self.by


def facts_of(daemon: Daemon) -> list[e.Fact]:
    """The facts from now on."""
    facts: list[e.Fact] = []
    daemon.switchboard.listen(facts.append)
    return facts


@pytest.mark.parametrize("step", [-HOUR, HOUR, -24 * HOUR, 24 * HOUR])
async def test_a_clock_set_while_somebody_waits(site: Path, step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_LOOK_EVERY", 0.05)
    machine = Set()
    async with running(site) as daemon:
        daemon._clock._wall = machine
        facts = facts_of(daemon)
        async with caller(site) as told:
            await waiting(daemon)
            machine.by = step
            before = await ask(site, lambda client: client.call(CALL))
            await until(lambda: any(isinstance(fact, e.AlarmRaised) and fact.kind == "clock" for fact in facts))
            after = await ask(site, lambda client: client.call(CALL))
            assert (after.state, after.position, after.entered) == (before.state, before.position, before.entered)
            assert (await ask(site, Client.status)).now - (after.entered or 0) < 60
            await until(lambda: told[-1].startswith(b"WAIT FOR DIGIT"))
        daemon.switchboard.end_call(daemon.switchboard.calls.here[CALL], "hung up")
        (ended,) = (fact for fact in facts if isinstance(fact, e.CallAbandoned))
        assert ended.waited < 60
        assert not any(isinstance(fact, e.CheckInBreached) for fact in facts)
        if step > 0:
            await until(lambda: abs(daemon.switchboard.clock() - machine()) < 1)
        else:
            assert daemon.switchboard.clock() > machine() + HOUR - 60, "never back"
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)


async def test_a_restart_after_the_clock_was_set_back_goes_on_where_it_was(site: Path) -> None:
    async with running(site) as daemon:
        daemon._clock.not_before(time.time() + HOUR)
        daemon.switchboard.record(e.AgentPaused(at=daemon.switchboard.clock(), agent="7001", reason="lunch", by="ann"))
        assert await daemon.journal.flush()
    async with running(site) as again:
        assert again.switchboard.clock() >= time.time() + HOUR - 60, "no fact comes before its cause"
