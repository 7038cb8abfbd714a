"""Who is kept ringing, from FastAGI to the journal: how long it was, what it came to, and where a caller goes on when the daemon ends."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from callhandler.asterisk import door as doors
from callhandler.control.client import Client
from callhandler.core import events as e
from callhandler.core.model import Outcome, RingEnd
from callhandler.core.views import CallState
from callhandler.daemon import Daemon
from callhandler.site.loading import load
from callhandler.store.queries import facts_after, find_call
from tests.edge.fake_asterisk import FakeAgi, FakeAmi, agi_call, event, header_block
from tests.edge.waiting import until
from tests.edge.whole import CALL, ask, caller, running, waiting

RING = b'SET VARIABLE "CH_KEEP" "1"'
HERE = {"Uniqueid": CALL, "Channel": "PJSIP/pstn-00000001"}


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A machine without any time, for anybody; the function gives it some."""
    few = doors.FEW
    monkeypatch.setattr(doors, "FEW", 0)
    monkeypatch.setattr(doors, "LATE", -1.0)

    def relieved() -> None:
        monkeypatch.setattr(doors, "FEW", few)
        monkeypatch.setattr(doors, "LATE", 60.0)

    return relieved


async def from_trunk(site: Path, state: bytes = b"Ring", call: str = CALL) -> FakeAgi:
    """A call from the trunk, in which the test answers for Asterisk; `state` is its channel's."""
    lines = b"agi_callerid: 15550100", b"agi_arg_3: " + state
    block = header_block(*lines, uniqueid=call.encode()).replace(b"agi_arg_2: pstn", b"agi_arg_2: trunk:pstn")
    return await agi_call(load(site).site.asterisk.agi_port, block)


def rings(daemon: Daemon) -> bool:
    call = daemon.switchboard.calls.here.get(CALL)
    return call is not None and call.rings_since is not None


async def kept_ringing(site: Path, daemon: Daemon) -> None:
    """A call comes and is left to the dialplan, which has it ring."""
    call = await from_trunk(site)
    assert await call.answer() == RING
    assert await call.command() == b"", "it has no session while it rings"
    await call.close()
    await until(lambda: rings(daemon) and not daemon.agi.sessions)


async def let_in(asterisk: FakeAmi, times: int = 1) -> None:
    """Wait until Asterisk has been told to have the call ask again."""
    await until(lambda: len(asterisk.sent("Redirect")) == times)
    said = asterisk.sent("Redirect")[-1]
    assert (said["Channel"], said["Context"], said["Exten"]) == (HERE["Channel"], "callhandler-entry", "s")


async def asterisk_away(asterisk: FakeAmi, daemon: Daemon) -> None:
    """Asterisk can't be told anything until it starts; the call is there all the while."""
    asterisk.channels = [HERE]
    await asterisk.stop()
    await until(lambda: daemon.switchboard.link is None)


async def being_answered(site: Path, daemon: Daemon, asterisk: FakeAmi, relieved: Callable[[], None]) -> FakeAgi:
    """A call that rang until the machine was relieved, and waits for Asterisk to say that it answered it."""
    await kept_ringing(site, daemon)
    relieved()
    await let_in(asterisk)
    call = await from_trunk(site)
    assert await call.command() == b"ANSWER"
    return call


def ended(asterisk: FakeAmi, cause: int = 16) -> None:
    asterisk.send(event("Hangup", Uniqueid=CALL, Channel="PJSIP/pstn-00000001", Cause=cause))


async def story(daemon: Daemon) -> list[e.Fact]:
    """What the journal says of the call, of what this file is about."""
    await daemon.journal.flush()
    kinds = (e.CallArrived, e.CallKeptRinging, e.CallRang, e.CallEntered, e.CallEnded, e.ItemOpened)
    return [one.fact for one in await daemon.journal.ask(facts_after, 0) if isinstance(one.fact, kinds)]


def told(facts: list[e.Fact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


async def test_who_is_let_in_has_rung_for_as_long_as_it_took(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        (seen,) = await ask(site, Client.calls)
        status = await ask(site, Client.status)
        assert asterisk.sent("Redirect") == []
        late()
        await let_in(asterisk)
        async with caller(site) as said:
            await waiting(daemon)
        facts = await story(daemon)
        record = await daemon.journal.ask(find_call, CALL)
    assert (seen.state, status.counts.calls, status.counts.ringing) == (CallState.RINGING, 1, 1)
    assert RING not in said
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEntered"]
    _, began, rang, entered = facts
    assert isinstance(began, e.CallKeptRinging) and isinstance(rang, e.CallRang) and isinstance(entered, e.CallEntered)
    assert began.late is True
    assert (rang.reason, rang.rang) == (RingEnd.LET_IN, pytest.approx(rang.at - began.at, abs=0.002))
    assert entered.entered >= rang.at - 0.001, "the wait in line begins there (what is kept is rounded)"
    assert record.rang == pytest.approx(rang.rang, abs=0.002)


async def test_who_rings_though_the_machine_is_on_time_found_no_room(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "FEW", 0)
    monkeypatch.setattr(doors, "ROOM", 1.0)
    monkeypatch.setattr(doors, "LATE", 60.0)
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        _, began, *_ = await story(daemon)
    assert isinstance(began, e.CallKeptRinging)
    assert began.late is False


async def test_who_is_answered_only_after_the_longest_time_is_told_apart(
    site: Path, late: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callhandler.scripts.inbound.LONGEST_RINGING", 0.05)
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        await asyncio.sleep(0.06)
        async with caller(site):
            await waiting(daemon)
        facts = await story(daemon)
    (rang,) = [fact for fact in facts if isinstance(fact, e.CallRang)]
    assert rang.reason is RingEnd.LONGEST
    assert rang.rang >= 0.05


async def test_of_who_is_answered_at_once_nothing_is_written(site: Path) -> None:
    async with running(site) as daemon, caller(site):
        await waiting(daemon)
        facts = await story(daemon)
    assert told(facts) == ["CallArrived", "CallEntered"]


async def test_whom_asterisk_answered_while_no_daemon_was_there_is_not_made_to_ring_again(
    site: Path, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        call = await from_trunk(site, b"Up", "pbx1-1.2")
        assert await call.command() == b"ANSWER"
        await call.close()


async def by_agi_first(call: FakeAgi, asterisk: FakeAmi) -> None:
    call.send(b"HANGUP\n")
    assert await call.command() == b"", "the session is over"
    ended(asterisk)


async def by_ami_first(call: FakeAgi, asterisk: FakeAmi) -> None:
    ended(asterisk)
    assert await call.command() == b"", "the session is over"


async def abandoned(daemon: Daemon) -> None:
    """The call, which has hung up while it rang, is written down as such, once."""
    await until(lambda: not daemon.switchboard.calls.here)
    facts = await story(daemon)
    record = await daemon.journal.ask(find_call, CALL)
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEnded", "ItemOpened"]
    assert [fact.reason for fact in facts if isinstance(fact, e.CallRang)] == [RingEnd.CALLER_LEFT]
    assert (record.outcome, record.queue, record.waited) == (Outcome.ABANDONED, None, 0.0)
    assert record.rang == pytest.approx(facts[2].at - facts[1].at, abs=0.002)


async def test_who_hangs_up_while_it_rings_has_abandoned(
    site: Path, asterisk: FakeAmi, late: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callhandler.switchboard.SHORT_ABANDON", -1.0)
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        ended(asterisk)
        await abandoned(daemon)
        late()
        await asyncio.sleep(0.1)
    assert asterisk.sent("Redirect") == [], "nobody is there to be let in"


async def dead_already(call: FakeAgi, asterisk: FakeAmi) -> None:
    call.send(b"HANGUP\n")
    call.send(b"511 Command Not Permitted on a dead channel\n")
    ended(asterisk)


async def unanswered(call: FakeAgi, asterisk: FakeAmi) -> None:
    ended(asterisk)
    await call.close()


@pytest.mark.parametrize("hangs_up", [dead_already, unanswered])
async def test_who_hangs_up_before_it_is_told_to_ring_has_abandoned_too(
    site: Path,
    asterisk: FakeAmi,
    late: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    hangs_up: Callable[[FakeAgi, FakeAmi], Awaitable[None]],
) -> None:
    monkeypatch.setattr("callhandler.switchboard.SHORT_ABANDON", -1.0)
    async with running(site) as daemon:
        call = await from_trunk(site)
        assert await call.command() == RING
        await until(lambda: rings(daemon))
        await hangs_up(call, asterisk)
        await abandoned(daemon)
        await until(lambda: not daemon.agi.sessions)
        await call.close()


async def test_whose_end_asterisk_told_before_the_call_came_is_written_down_once(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        ended(asterisk)
        await until(lambda: CALL in daemon.switchboard._ended)
        call = await from_trunk(site)
        assert await call.answer(b"511 Command Not Permitted on a dead channel\n") == RING
        await until(lambda: CALL not in daemon.switchboard._ended and not daemon.switchboard.calls.here)
        facts = await story(daemon)
        await call.close()
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEnded"]
    assert [fact.outcome for fact in facts if isinstance(fact, e.CallEnded)] == [Outcome.ABANDONED_SHORT]


async def test_of_many_who_came_and_hung_up_in_a_stall_nobody_rings_for_ever(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    """Their ends are seen before their sessions, which have waited to be taken."""
    async with running(site) as daemon:
        ended(asterisk)
        asterisk.send(
            b"".join(event("Hangup", Uniqueid=f"pbx1-2.{n}", Channel="PJSIP/x", Cause=16) for n in range(3_000))
        )
        await until(lambda: "pbx1-2.2999" in daemon.switchboard._ended)
        call = await from_trunk(site)
        assert await call.answer(b"511 Command Not Permitted on a dead channel\n") == RING
        await until(lambda: not daemon.agi.sessions)
        assert not daemon.switchboard.calls.here
        await call.close()


async def test_a_daemon_that_stops_answers_nobody_who_rings_and_the_next_lets_them_in(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as first:
        await kept_ringing(site, first)
    asterisk.channels = [HERE]
    async with running(site) as second:
        assert rings(second)
        await asyncio.sleep(0.1)
        assert asterisk.sent("Redirect") == [], "there is still no time"
        late()
        await let_in(asterisk)
        async with caller(site) as said:
            await waiting(second)
        facts = await story(second)
    assert b"ANSWER" in said and RING not in said
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEntered"]


async def test_a_daemon_that_stops_lets_nobody_in_into_the_room_that_those_leave_whom_it_lets_go(
    site: Path, asterisk: FakeAmi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "FEW", 2)
    monkeypatch.setattr(doors, "LATE", -1.0)
    monkeypatch.setattr(doors, "_TICK", 0.001)
    async with contextlib.AsyncExitStack() as waits, running(site) as daemon:
        await waits.enter_async_context(caller(site, call="pbx1-1.2"))
        await waiting(daemon, "pbx1-1.2")
        monkeypatch.setattr(doors, "FEW", 1)  # what room there is is taken until it stops
        call = await from_trunk(site)
        assert await call.answer() == RING
        await until(lambda: rings(daemon) and daemon.agi.sessions == 1)
        await call.close()
        assert asterisk.sent("Redirect") == []
    assert asterisk.sent("Redirect") == [], "it would ask a daemon that is gone, and the next one out of turn"


async def test_a_planned_end_lets_the_network_have_back_who_rings(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        daemon.ending.begin()
        await let_in(asterisk)
        async with caller(site) as said:
            await until(lambda: said)
            await until(lambda: not daemon.agi.sessions)
        assert said == [b'SET VARIABLE "CH_AWAY" "refuse"']
        ended(asterisk, 34)
        async with asyncio.timeout(30):
            assert await daemon.until_told() == 0
        facts = await story(daemon)
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEnded", "ItemOpened"], "who got nobody"
    assert [fact.reason for fact in facts if isinstance(fact, e.CallRang)] == [RingEnd.WITHDRAWN]
    assert [fact.outcome for fact in facts if isinstance(fact, e.CallEnded)] == [Outcome.WITHDRAWN]


async def test_who_is_given_back_to_the_network_is_not_let_in_besides(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        daemon.ending.begin()
        await let_in(asterisk)
        late()
        await until(lambda: not daemon._door._watching)
        assert len(asterisk.sent("Redirect")) == 1, "the second one would begin the time anew after which it is refused"


async def test_a_planned_end_while_asterisk_cannot_be_told_gives_them_back_once_it_can(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        await asterisk_away(asterisk, daemon)
        daemon.ending.begin()
        await asterisk.start()
        await let_in(asterisk)


async def test_a_planned_end_lets_stay_who_is_being_answered(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        call = await being_answered(site, daemon, asterisk, late)
        daemon.ending.begin()
        call.send(b"200 result=0\n")
        assert await call.command() != b"", (
            "an answered channel can't be given back: it would hear music until the daemon is gone"
        )
        facts = await story(daemon)
        await call.close()
    assert [fact.reason for fact in facts if isinstance(fact, e.CallRang)] == [RingEnd.LET_IN]


@pytest.mark.parametrize("hangs_up", [by_agi_first, by_ami_first])
async def test_who_hangs_up_while_being_answered_was_let_in_and_is_told_of_once(
    site: Path, asterisk: FakeAmi, late: Callable[[], None], hangs_up: Callable[[FakeAgi, FakeAmi], Awaitable[None]]
) -> None:
    async with running(site) as daemon:
        call = await being_answered(site, daemon, asterisk, late)
        await hangs_up(call, asterisk)
        await until(lambda: not daemon.switchboard.calls.here)
        facts = await story(daemon)
        await call.close()
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEnded"]
    assert [fact.reason for fact in facts if isinstance(fact, e.CallRang)] == [RingEnd.LET_IN]
    assert [fact.outcome for fact in facts if isinstance(fact, e.CallEnded)] == [Outcome.LEFT_IN_MENU]


async def test_a_lost_link_ends_no_ringing_and_who_was_gone_when_it_is_back_is_lost_once(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async def link_lost_and_back(*channels: dict[str, str]) -> None:
        asterisk.channels = list(channels)
        asterisk.drop()
        await until(lambda: daemon.switchboard.link is None)
        await until(lambda: daemon.switchboard.link is not None)

    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        await link_lost_and_back(HERE)
        assert rings(daemon)
        await link_lost_and_back()
        facts = await story(daemon)
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEnded"]
    assert [fact.reason for fact in facts if isinstance(fact, e.CallRang)] == [RingEnd.LOST]


async def test_nobody_is_let_in_while_asterisk_cannot_be_told_so(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    async with running(site) as daemon:
        await kept_ringing(site, daemon)
        await asterisk_away(asterisk, daemon)
        late()
        await asyncio.sleep(0.1)
        assert rings(daemon)
        await asterisk.start()
        await let_in(asterisk)
        async with caller(site):
            await waiting(daemon)
        facts = await story(daemon)
    assert told(facts) == ["CallArrived", "CallKeptRinging", "CallRang", "CallEntered"]


async def test_who_comes_while_asterisk_is_asked_what_is_there_is_not_taken_for_gone(
    site: Path, asterisk: FakeAmi, late: Callable[[], None]
) -> None:
    asked: list[dict[str, str]] = []

    def later(question: dict[str, str]) -> None:
        asked.append(question)

    async with running(site) as daemon:
        asterisk.answers["DeviceStateList"] = later
        asterisk.drop()
        await until(lambda: asked)
        await kept_ringing(site, daemon)
        answer = asterisk._answer("DeviceStateList", asked[0])
        assert answer is not None
        asterisk.send(answer)
        await until(lambda: daemon.switchboard.link is not None)
        assert rings(daemon), "it came after Asterisk had said who is there"
        ended(asterisk)
        await until(lambda: not daemon.switchboard.calls.here)
        facts = await story(daemon)
    assert [fact.reason for fact in facts if isinstance(fact, e.CallRang)] == [RingEnd.CALLER_LEFT]
