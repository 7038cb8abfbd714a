"""What is appended is in the database, in order, exactly once, whatever the database does meanwhile."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from callhandler.core.events import CallArrived, CallEnded, CallEntered, DaemonStarted, Fact, GapEnded, SiteLoaded
from callhandler.core.model import Outcome
from callhandler.errors import Refused
from callhandler.store import servers, summaries
from callhandler.store.journal import MOST, Journal
from callhandler.store.queries import facts_after, find_call, last_calls
from callhandler.store.records import CallRecord
from callhandler.store.sources import Source

Opener = Callable[..., Journal]


def fact(number: int) -> Fact:
    return GapEnded(at=float(number), seconds=1.0, reason=str(number))


async def numbers(journal: Journal) -> list[int]:
    return [int(found.row.reason or "") for found in await journal.ask(facts_after, 0, 1_000_000)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - a thread's work is waited for
            await asyncio.sleep(0.005)


def test_append_needs_no_loop_and_no_database(open_journal: Opener, site: Path) -> None:
    journal = open_journal()
    journal.append(fact(1))
    assert journal.backlog == 1
    assert not list((site / "var").iterdir())


async def test_facts_come_back_in_order_with_their_numbers(journal: Journal) -> None:
    for number in range(3 * MOST + 7):
        journal.append(fact(number))
    assert await journal.flush()
    found = await journal.ask(facts_after, 0, 10 * MOST)
    assert [stored.seq for stored in found] == list(range(1, 3 * MOST + 8))
    assert [stored.fact for stored in found] == [fact(number) for number in range(3 * MOST + 7)]
    assert {stored.row.node for stored in found} == {"pbx1"}
    assert journal.backlog == 0


async def test_facts_are_written_without_being_asked_for(journal: Journal) -> None:
    journal.append(fact(1))
    await until(lambda: journal.backlog == 0)


async def test_stopping_writes_what_is_left_and_numbers_go_on(open_journal: Opener) -> None:
    async with open_journal(settle=0.1) as journal:
        journal.append(fact(1))
    async with open_journal() as journal:
        journal.append(fact(2))
        assert [stored.seq for stored in await journal.ask(facts_after, 0)] == [1, 2]


async def test_a_second_daemon_is_refused(journal: Journal, open_journal: Opener) -> None:
    with pytest.raises(Refused, match="another daemon"):
        await open_journal().start()
    journal.append(fact(1))
    assert await journal.flush()


async def test_a_fact_nobody_can_keep_does_not_stop_those_behind_it(journal: Journal) -> None:
    journal.append(GapEnded(at=float("nan"), seconds=1.0, reason="0"))
    journal.append(fact(1))
    assert await journal.flush()
    assert [(stored.row.version, stored.fact) for stored in await journal.ask(facts_after, 0)] == [
        (0, None),
        (1, fact(1)),
    ]


# --- the database in trouble --------------------------------------------------------------------------------------------


async def test_a_full_disk(journal: Journal, site: Path) -> None:
    for number in range(50):
        journal.append(fact(number))
    assert await journal.flush()
    connection = journal._writer._database._connection
    assert connection is not None
    await journal._in_thread(lambda: connection.exec_driver_sql("PRAGMA max_page_count=1"))
    for number in range(50, 2_000):
        journal.append(fact(number))
    await until(lambda: journal.backlog == 0)
    assert await numbers(journal) == list(range(2_000))
    assert not (site / "var/journal.db.spool").exists()


async def test_a_locked_database(open_journal: Opener, site: Path) -> None:
    said: list[str] = []
    async with open_journal(alarm=said.append) as journal:
        journal.append(fact(0))
        assert await journal.flush()
        other = sqlite3.connect(site / "var/journal.db")
        other.execute("BEGIN IMMEDIATE")
        for number in range(1, 250):
            journal.append(fact(number))
        assert not await journal.flush()
        assert journal.trouble is not None
        assert (site / "var/journal.db.spool").stat().st_size > 10_000
        journal.append(fact(250))
        other.rollback()
        other.close()
        await until(lambda: journal.trouble is None and journal.backlog == 0)
        assert await numbers(journal) == list(range(251))
    assert len(said) == 2
    assert "locked" in said[0]
    assert "again" in said[1]
    assert not (site / "var/journal.db.spool").exists()


async def test_a_database_that_can_not_be_opened_at_the_start(open_journal: Opener, site: Path) -> None:
    (site / "var/journal.db").mkdir()
    async with open_journal() as journal:
        journal.append(fact(0))
        assert not await journal.flush()
        assert (await journal.recover(10.0, 0.0)).facts == (fact(0),)
        (site / "var/journal.db").rmdir()
        await until(lambda: journal.backlog == 0)
        assert await numbers(journal) == [0]


async def test_a_corrupt_database_moved_away(open_journal: Opener, site: Path) -> None:
    file = site / "var/journal.db"
    file.write_bytes(b"no database at all" * 1_000)
    async with open_journal() as journal:
        journal.append(fact(0))
        assert not await journal.flush()
        file.rename(site / "var/broken.db")
        await until(lambda: journal.backlog == 0)
        assert await numbers(journal) == [0]


async def test_a_daemon_that_died_in_trouble_left_a_spool(open_journal: Opener, site: Path) -> None:
    (site / "var/journal.db").mkdir()
    first = open_journal()
    await first.start()
    for number in range(250):
        first.append(fact(number))
    await first.stop()
    with (site / "var/journal.db.spool").open("ab") as spool:
        spool.write(b'[0, 1, "GapEnded", 1, "cut sho')
    (site / "var/journal.db").rmdir()
    async with open_journal() as journal:
        journal.append(fact(250))
        assert await numbers(journal) == list(range(251))
    assert not (site / "var/journal.db.spool").exists()


async def test_a_spool_half_caught_up_is_not_written_twice(open_journal: Opener, site: Path) -> None:
    async with open_journal() as journal:
        journal.append(fact(0))
    (site / "var/journal.db").rename(site / "var/kept.db")
    (site / "var/journal.db").mkdir()
    async with open_journal() as journal:
        for number in range(1, 201):
            journal.append(fact(number))
    (site / "var/journal.db").rmdir()
    (site / "var/kept.db").rename(site / "var/journal.db")
    spool = (site / "var/journal.db.spool").read_bytes()
    async with open_journal() as journal:
        assert await numbers(journal) == list(range(201))
    # as if the daemon had died after its second batch, the spool still there: what was in the database then is told by its numbers
    (site / "var/journal.db.spool").write_bytes(spool + b'{"after": 1}\n')
    with sqlite3.connect(site / "var/journal.db") as database:
        database.execute("DELETE FROM fact WHERE seq > 101")
    database.close()
    async with open_journal() as journal:
        journal.append(fact(201))
        assert await numbers(journal) == list(range(202))


async def test_a_commit_that_failed_and_was_kept_all_the_same(journal: Journal) -> None:
    journal.append(fact(0))
    assert await journal.flush()
    engine = journal._writer._database._engine
    assert engine is not None
    commit = engine.dialect.do_commit

    def commit_then_fail(connection: object) -> None:
        commit(connection)  # type: ignore[arg-type]  # the driver's connection
        raise sqlite3.OperationalError("disk I/O error")

    engine.dialect.do_commit = commit_then_fail  # type: ignore[method-assign]
    for number in range(1, 60):
        journal.append(fact(number))
    await until(lambda: journal.backlog == 0)
    assert await numbers(journal) == list(range(60))


async def test_more_than_memory_holds_is_counted(open_journal: Opener, site: Path) -> None:
    said: list[str] = []
    (site / "var/journal.db").mkdir()
    async with open_journal(most=10, alarm=said.append) as journal:
        for number in range(15):
            journal.append(fact(number))
        assert not await journal.flush()
        (site / "var/journal.db").rmdir()
        await until(lambda: journal.trouble is None and journal.backlog == 0)
        assert await numbers(journal) == list(range(10))
    assert "5 facts are lost" in said[-1]


async def test_a_broken_alarm_stops_nothing(open_journal: Opener, site: Path) -> None:
    def alarm(sentence: str) -> None:
        raise RuntimeError(sentence)

    (site / "var/journal.db").mkdir()
    async with open_journal(alarm=alarm) as journal:
        journal.append(fact(0))
        (site / "var/journal.db").rmdir()
        await until(lambda: journal.backlog == 0)


# --- calls and sites ----------------------------------------------------------------------------------------------------


def arrived(call: str, at: float) -> CallArrived:
    return CallArrived(
        at=at, call=call, channel="c", number="5000", caller_number="+491", caller_name="Ann", source="pstn"
    )


async def test_calls_follow_their_facts_across_restarts_and_can_be_rebuilt(open_journal: Opener) -> None:
    async with open_journal() as journal:
        journal.append(arrived("pbx1-1.0", 1.0))
        journal.append(arrived("pbx1-2.0", 2.0))
        journal.append(CallEnded(at=3.0, call="pbx1-2.0", outcome=Outcome.LEFT_IN_MENU, reason="hung up"))
        assert [record.outcome for record in await journal.ask(last_calls, 9)] == [Outcome.LEFT_IN_MENU, None]
    async with open_journal() as journal:
        entered = CallEntered(at=4.0, call="pbx1-1.0", queue="sales", entered=4.0, priority=5, bonus=0.0, wants="")
        journal.append(entered)
        journal.append(CallEnded(at=9.0, call="pbx1-1.0", outcome=Outcome.ABANDONED, reason="hung up"))
        record = await journal.ask(find_call, "pbx1-1.0")
        assert (record.arrived, record.waited, record.outcome) == (1.0, 5.0, Outcome.ABANDONED)
        before = await journal.ask(_calls)
        assert await journal.rebuild() == 2
        assert await journal.ask(_calls) == before


def _calls(source: Source) -> list[tuple[object, ...]]:
    return source.ask(lambda *columns: columns, "SELECT * FROM call ORDER BY id")


async def test_a_fact_after_the_end_changes_the_record(journal: Journal) -> None:
    journal.append(arrived("a", 1.0))
    journal.append(CallEnded(at=3.0, call="a", outcome=Outcome.LOST, reason="not in Asterisk"))
    assert await journal.flush()
    journal.append(CallEnded(at=9.0, call="a", outcome=Outcome.ANSWERED, reason="hung up"))
    record = await journal.ask(find_call, "a")
    assert (record.outcome, record.ended) == (Outcome.ANSWERED, 9.0)


async def test_a_record_that_can_not_be_computed_keeps_no_fact_back(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(call: str, facts: object) -> CallRecord:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(summaries, "record_of", broken)
    journal.append(arrived("a", 1.0))
    assert await journal.flush()
    monkeypatch.undo()
    journal.append(CallEnded(at=3.0, call="a", outcome=Outcome.LEFT_IN_MENU, reason="hung up"))
    assert (await journal.ask(find_call, "a")).outcome is Outcome.LEFT_IN_MENU


async def test_site_files_are_kept_once_without_secrets(journal: Journal) -> None:
    text = '[asterisk]\nami_secret = "hush-hush-hush"\n[agents.7001]\nname = "Ann"\npin = "123456"\n'
    await journal.keep_site("d1", 1.0, text)
    await journal.keep_site("d1", 2.0, "something else")
    journal.append(SiteLoaded(at=1.0, digest="d1", reason="start"))
    journal.append(DaemonStarted(at=1.0, program="x"))
    [kept] = await journal.ask(lambda source: source.ask(str, "SELECT text FROM site"))
    assert kept == '[asterisk]\nami_secret = "***"\n[agents.7001]\nname = "Ann"\npin = "***"\n'


async def test_few_statements_stay_prepared_however_many_facts_come_at_once(open_journal: Opener) -> None:
    servers._inserting.cache_clear()
    async with open_journal() as journal:
        for count in range(1, 2 * servers.TOGETHER):
            for number in range(count):
                journal.append(fact(number))
            await journal.flush()
        assert len(await journal.ask(facts_after, 0, 1_000_000)) == sum(range(2 * servers.TOGETHER))
    assert servers._inserting.cache_info().currsize <= servers.TOGETHER.bit_length()
