"""What people ask of the whole daemon, by way of its control API: agents, calls in line, and a sentence for every no."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from callhandler.cli import main
from callhandler.control.client import Client
from callhandler.control.desk import NotHere
from callhandler.core.events import Fact, SiteLoaded
from callhandler.core.model import Outcome, Status
from callhandler.core.views import AgentView
from callhandler.errors import Refused
from callhandler.store.queries import find_call
from tests.edge.fake_asterisk import FakeAmi, event
from tests.edge.waiting import until
from tests.edge.whole import CALL, ask, caller, running, waiting


@pytest.mark.parametrize(
    ("what", "kind", "says"),
    [
        (lambda client: client.login("7009", None), NotHere, "no agent 7009; agents are 7001, 7002"),
        (lambda client: client.login("7002", None), Refused, "no phone of their own; name one, such as --phone 10"),
        (lambda client: client.login("7002", "199"), Refused, "no phone 199; phones are 101, 102"),
        (lambda client: client.pause("7002", "lunch"), Refused, "7002 is logged out; log in first"),
        (lambda client: client.resume("7002"), Refused, "7002 is logged out; log in first"),
        (lambda client: client.hang_up("pbx1-9.9"), NotHere, "no call pbx1-9.9"),
        (lambda client: client.move(CALL, "sales"), NotHere, f"no call {CALL}"),
    ],
)
async def test_what_can_not_be_is_refused_with_a_sentence(
    site: Path, what: Callable[[Client], object], kind: type[Refused], says: str
) -> None:
    async with running(site):
        with pytest.raises(kind, match=says):
            await ask(site, what)


async def test_whoever_sits_down_at_a_taken_phone_logs_the_other_out(site: Path) -> None:
    async with running(site):
        before = await ask(site, Client.agents)
        await ask(site, lambda client: client.login("7002", "101"))
        after = await ask(site, Client.agents)
        again = await ask(site, lambda client: client.login("7002", None))
        out = await ask(site, lambda client: client.logout("7002"))
    assert [_seat(one) for one in before] == [(Status.AVAILABLE, "101"), (Status.LOGGED_OUT, None)]
    assert [_seat(one) for one in after] == [(Status.LOGGED_OUT, None), (Status.AVAILABLE, "101")]
    assert _seat(again) == (Status.AVAILABLE, "101"), "where the agent sits"
    assert _seat(out) == (Status.LOGGED_OUT, None)


async def test_the_command_that_logs_in_says_who_was_logged_out(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = "agent 7001 (Ann), who sat at phone 101, is logged out"
    async with running(site):
        for told in (True, False):
            assert (
                await asyncio.to_thread(main, ["agents", "login", "7002", "--phone", "101", "--site", str(site)]) == 0
            )
            assert (gone in capsys.readouterr().out) is told, "once only"


async def test_what_changes_nothing_is_no_fact_and_the_own_phone_is_the_usual_place(site: Path) -> None:
    async with running(site) as daemon:
        facts: list[Fact] = []
        daemon.switchboard.listen(facts.append)
        await ask(site, lambda client: client.login("7001", None))
        await ask(site, lambda client: client.resume("7001"))
        assert facts == []
        await ask(site, lambda client: client.pause("7001", "tea"))
        await ask(site, lambda client: client.pause("7001", "tea"))
        assert [type(fact).__name__ for fact in facts] == ["AgentPaused"]
        await ask(site, lambda client: client.login("7001", "102"))
        own = await ask(site, lambda client: client.login("7001", None))
        unchanged = await ask(site, lambda client: client.reload(dry_run=False))
    assert _seat(own) == (Status.AVAILABLE, "101")
    assert [type(fact).__name__ for fact in facts[:3]] == ["AgentPaused", "AgentLoggedIn", "AgentLoggedIn"]
    assert (unchanged.differences, unchanged.applied, unchanged.error) == ((), True, None)
    assert not any(isinstance(fact, SiteLoaded) for fact in facts)


def _seat(agent: AgentView) -> tuple[Status, str | None]:
    return agent.status, agent.phone if agent.status is not Status.LOGGED_OUT else None


async def test_a_waiting_call_is_moved_put_first_and_hung_up(site: Path, asterisk: FakeAmi) -> None:
    async with running(site) as daemon, caller(site):
        await waiting(daemon)
        before = await ask(site, lambda client: client.call(CALL))
        moved = await ask(site, lambda client: client.move(CALL, "support"))
        with pytest.raises(NotHere, match="no queue nowhere; queues are sales, support"):
            await ask(site, lambda client: client.move(CALL, "nowhere"))
        first = await ask(site, lambda client: client.prioritise(CALL, 1, None))
        await ask(site, lambda client: client.hang_up(CALL))
        await until(lambda: [one["Channel"] for one in asterisk.sent("Hangup")] == [CALL])
        asterisk.send(
            event("Hangup", Uniqueid=CALL, Channel="PJSIP/pstn-00000001", Cause=16, Cause_txt="Normal Clearing")
        )
        await until(lambda: CALL not in daemon.switchboard.calls.here)
        record = await daemon.journal.ask(find_call, CALL)
    assert (moved.queue, moved.entered) == ("support", before.entered)
    assert (first.priority, first.bonus) == (1, before.bonus)
    assert record.outcome is Outcome.WITHDRAWN
    assert record.reason.startswith("hung up by ")
    assert [visit.queue for visit in record.visits] == ["sales", "support"]
