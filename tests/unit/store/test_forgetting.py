"""What is older than a site keeps is deleted, and nothing that is still needed."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

from callhandler.core import events as e
from callhandler.core.model import Outcome
from callhandler.store.inbox import item_facts
from callhandler.store.journal import Journal
from callhandler.store.queries import facts_after, last_calls
from callhandler.store.recovery import recover

DAY = 86_400.0
NOW = 1_795_000_000.0


def a_call(call: str, at: float, *more: e.Fact, over: bool = True) -> list[e.Fact]:
    arrived = e.CallArrived(
        at=at, call=call, channel="c", number="5000", caller_number="+491", caller_name="", source="pstn"
    )
    ended = e.CallEnded(at=at + 60, call=call, outcome=Outcome.ABANDONED, reason="hung up")
    return [arrived, *more, *([ended] if over else [])]


def opened(call: str, at: float) -> e.ItemOpened:
    return e.ItemOpened(at=at, call=call, queue="sales", item="missed", number="+491", reason="abandoned")


def done(call: str, at: float) -> e.ItemDone:
    return e.ItemDone(at=at, call=call, by="ann", reason="")


async def written(journal: Journal, facts: list[e.Fact]) -> None:
    for fact in facts:
        journal.append(fact)
    assert await journal.flush()


async def calls(journal: Journal) -> set[str]:
    return {record.id for record in await journal.ask(last_calls, 10_000)}


async def facts(journal: Journal) -> list[e.Fact]:
    return [stored.fact for stored in await journal.ask(facts_after, 0, 100_000) if stored.fact is not None]


async def test_calls_that_were_over_long_ago_are_forgotten_with_all_their_facts(journal: Journal) -> None:
    old, young = a_call("old", NOW - 41 * DAY), a_call("young", NOW - 39 * DAY)
    await written(journal, old + young)
    await journal.forget(NOW, 40, pause=0)
    assert await calls(journal) == {"young"}
    assert await facts(journal) == young


async def test_what_is_needed_stays(journal: Journal) -> None:
    at = NOW - 50 * DAY
    needed = [
        *a_call("lasts", at, over=False),
        *a_call("waits for a person", at), opened("waits for a person", at + 60),
        *a_call("heard of since", at), e.MessageMailed(at=NOW - DAY, call="heard of since", queue="q", file="f", to="a@b"),
    ]  # fmt: skip
    gone = [
        *a_call("seen to", at), opened("seen to", at + 60), done("seen to", at + 90),
        *a_call("asked for by nobody", NOW - 100 * DAY), opened("asked for by nobody", NOW - 100 * DAY),
    ]  # fmt: skip
    await written(journal, gone + needed + a_call("today", NOW - 60))
    items = await journal.ask(item_facts, NOW - 90 * DAY)
    await journal.forget(NOW, 40, pause=0)
    assert await calls(journal) == {"lasts", "waits for a person", "heard of since", "today"}
    assert await facts(journal) == needed + a_call("today", NOW - 60)
    assert await journal.ask(item_facts, NOW - 90 * DAY) == items


async def test_the_state_is_rebuilt_as_before(journal: Journal) -> None:
    at = NOW - 60 * DAY
    ancient: list[e.Fact] = [
        e.AgentLoggedIn(at=at, agent="7001", phone="101", by="7001"),
        e.AgentLoggedIn(at=at + 1, agent="7002", phone="102", by="7002"),
        e.AgentLoggedOut(at=at + 2, agent="7002", by="7002"),
        e.PhoneReachable(at=at + 3, phone="101"),
        e.EmergencyClosed(at=at + 4, reason="fire", by="ann"),
        e.AlarmRaised(at=at + 5, kind="disk", reason="full"),
        e.AgentLoggedIn(at=at + 6, agent="7001", phone="103", by="7001"),
        e.SiteLoaded(at=at + 7, digest="d", reason="start"),
        e.WrapUpEnded(at=at + 8, agent="7001"),
    ]
    await written(journal, ancient)
    before = await journal.ask(recover, NOW, NOW)
    await journal.forget(NOW, 40, pause=0)
    assert await journal.ask(recover, NOW, NOW) == before
    assert await facts(journal) == [ancient[place] for place in (1, 2, 4, 6, 7, 8)]


async def test_numbers_are_never_given_twice(site: Path, open_journal: Callable[..., Journal]) -> None:
    async with open_journal() as journal:
        await written(journal, [*a_call("old", NOW - 60 * DAY), e.PhoneReachable(at=NOW - 59 * DAY, phone="101")])
        await journal.forget(NOW, 40, pause=0)
    async with open_journal() as journal:
        await written(journal, a_call("new", NOW))
        assert [stored.seq for stored in await journal.ask(facts_after, 0)] == [3, 4, 5]


async def test_site_files_stay_while_a_fact_names_them(journal: Journal) -> None:
    for number, age in enumerate((90, 80, 70)):
        await journal.keep_site(f"digest{number}", NOW - age * DAY, "text")
        await written(journal, [e.SiteLoaded(at=NOW - age * DAY, digest=f"digest{number}", reason="start")])
    await journal.forget(NOW, 40, pause=0)
    assert await journal.ask(lambda source: source.ask(str, "SELECT digest FROM site")) == ["digest2"]


async def test_what_comes_late_about_a_forgotten_call_makes_no_call_of_it(journal: Journal) -> None:
    await written(journal, [*a_call("old", NOW - 60 * DAY), e.PhoneReachable(at=NOW, phone="101")])
    await journal.forget(NOW, 40, pause=0)
    await written(journal, [done("old", NOW)])
    assert await calls(journal) == set()


async def test_random_histories_keep_what_is_young_while_facts_come_in(journal: Journal, site: Path) -> None:
    random = Random(4)
    ages = {f"c{number}": random.uniform(0, 80) for number in range(400)}
    for call, age in ages.items():
        await written(journal, a_call(call, NOW - age * DAY))
    async with asyncio.timeout(90):
        forgetting = asyncio.get_running_loop().create_task(journal.forget(NOW, 40, pause=0))
        while not forgetting.done():
            await written(journal, [e.PhoneReachable(at=NOW, phone="101")])
        await forgetting
    young = {call for call, age in ages.items() if NOW - age * DAY + 60 >= NOW - 40 * DAY}
    assert await calls(journal) == young
    database = sqlite3.connect(site / "var/journal.db")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    assert {getattr(fact, "call", "phone") for fact in await facts(journal)} == {*young, "phone"}
