"""Questions to the journal, asked as the CLI does: of a file, whoever writes it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from callhandler.core.events import (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentOffered,
    AgentPaused,
    AgentResumed,
    CallAbandoned,
    CallArrived,
    CallConnected,
    CallEnded,
    CallEntered,
    EmergencyClosed,
    Fact,
    OfferEnded,
    RoutingDecided,
    TalkEnded,
    WrapUpEnded,
    WrapUpStarted,
)
from callhandler.core.model import OfferEnd, Outcome
from callhandler.errors import Refused
from callhandler.store.journal import Journal
from callhandler.store.queries import (
    decisions_of,
    facts_of,
    find_call,
    last_calls,
    last_seq,
)
from callhandler.store.recovery import LastTalk, recover
from callhandler.store.sources import open_source, sqlite_file

URL = "sqlite:///var/journal.db"
DAY = 86_400.0
A, B, LIVE = "pbx1-1700000000.0", "pbx1-1700000000.7", "pbx1-1700009999.1"


def call(name: str, at: float, number: str) -> CallArrived:
    return CallArrived(
        at=at, call=name, channel="c", number="5000", caller_number=number, caller_name="", source="pstn"
    )


def entered(name: str, at: float) -> CallEntered:
    return CallEntered(at=at, call=name, queue="sales", entered=at, priority=5, bonus=0.0, wants="")


def leg(name: str, agent: str = "7001") -> dict[str, str]:
    return {"call": name, "leg": f"{name}/1", "agent": agent, "queue": "sales"}


def a_day() -> list[Fact]:
    """One agent logs in the day before, takes a call, misses one, rests; a second stays away; a call lasts."""
    return [
        AgentLoggedIn(at=DAY - 100, agent="7001", phone="101", by="7001"),
        EmergencyClosed(at=DAY - 60, reason="fire", by="ann"),
        AgentLoggedIn(at=DAY + 1, agent="7002", phone="102", by="7002"),
        AgentLoggedOut(at=DAY + 2, agent="7002", by="7002"),
        call(A, DAY + 10, "+491"),
        entered(A, DAY + 20),
        RoutingDecided(at=DAY + 20, call=A, queue="sales", agent="7001", snapshot='{"why": "longest idle"}'),
        AgentOffered(at=DAY + 20, phone="101", ring=15.0, **leg(A)),
        CallConnected(at=DAY + 25, waited=5.0, **leg(A)),
        TalkEnded(at=DAY + 65, talked=40.0, reason="caller", **leg(A)),
        WrapUpStarted(at=DAY + 65, agent="7001", call=A, queue="sales", until=DAY + 75),
        CallEnded(at=DAY + 65, call=A, outcome=Outcome.ANSWERED, reason="caller"),
        WrapUpEnded(at=DAY + 75, agent="7001"),
        call(B, DAY + 100, "+492"),
        entered(B, DAY + 100),
        AgentOffered(at=DAY + 100, phone="101", ring=15.0, **leg(B)),
        OfferEnded(at=DAY + 115, reason=OfferEnd.NO_ANSWER, **leg(B)),
        CallAbandoned(at=DAY + 130, call=B, queue="sales", waited=30.0, reason="caller"),
        CallEnded(at=DAY + 130, call=B, outcome=Outcome.ABANDONED, reason="caller"),
        AgentPaused(at=DAY + 140, agent="7001", reason="lunch", by="7001"),
        AgentResumed(at=DAY + 190, agent="7001", by="7001"),
        call(LIVE, DAY + 195, "+493"),
        entered(LIVE, DAY + 196),
    ]


@pytest.fixture
async def written(site: Path, open_journal: Callable[..., Journal]) -> Path:
    async with open_journal() as journal:
        for fact in a_day():
            journal.append(fact)
    return site


async def test_calls(written: Path) -> None:
    with open_source(URL, written) as source:
        assert [found.id for found in last_calls(source, 2)] == [LIVE, B]
        assert last_seq(source) == len(a_day())
        assert [found.fact for found in facts_of(source, B)] == [
            fact for fact in a_day() if getattr(fact, "call", None) == B
        ]
        assert [decided.agent for decided in decisions_of(source, A)] == ["7001"]
        assert (find_call(source, A).talked, find_call(source, LIVE).queue) == (40.0, "sales")


async def test_a_call_by_the_beginning_of_its_id(written: Path) -> None:
    with open_source(URL, written) as source:
        assert find_call(source, "pbx1-17000099").id == LIVE
        assert find_call(source, "1700009999").id == LIVE
        with pytest.raises(
            Refused, match=r"several calls begin with pbx1-1700000000: pbx1-1700000000\.7, pbx1-1700000000\.0"
        ):
            find_call(source, "pbx1-1700000000")
        for nothing in ("", "%", "pbx2", "' OR 1=1 --"):
            with pytest.raises(Refused, match="knows no call"):
                find_call(source, nothing)


async def test_of_many_calls_that_begin_alike_some_are_named(tmp_path: Path) -> None:
    async with Journal(URL, "pbx1", tmp_path) as journal:
        for at in range(7):
            journal.append(
                CallArrived(
                    at=at,
                    call=f"pbx1-17.{at}",
                    channel="c",
                    number="1",
                    caller_number="",
                    caller_name="",
                    source="phone:1",
                )
            )
    with open_source(URL, tmp_path) as source, pytest.raises(Refused, match=r"\.6, .*\.2 and more$"):
        find_call(source, "pbx1-17")


async def test_what_the_state_is_rebuilt_from(written: Path) -> None:
    with open_source(URL, written) as source:
        found = recover(source, DAY + 300, DAY)
    kinds = [(type(fact).__name__, getattr(fact, "agent", None), getattr(fact, "call", None)) for fact in found.facts]
    assert kinds == [
        ("AgentLoggedIn", "7001", None),
        ("EmergencyClosed", None, None),
        ("AgentLoggedIn", "7002", None),
        ("AgentLoggedOut", "7002", None),
        ("CallConnected", "7001", A),
        ("TalkEnded", "7001", A),
        ("WrapUpStarted", "7001", A),
        ("WrapUpEnded", "7001", None),
        ("AgentOffered", "7001", B),
        ("OfferEnded", "7001", B),
        ("AgentPaused", "7001", None),
        ("AgentResumed", "7001", None),
        ("CallArrived", None, LIVE),
        ("CallEntered", None, LIVE),
    ]
    assert found.last_at == DAY + 196
    assert found.last_talks == {"+491": LastTalk("7001", DAY + 65)}
    assert found.calls_today == {"7001": 1}
    with open_source(URL, written) as source:
        later = recover(source, 9 * DAY, 8 * DAY)
    assert (later.last_talks, later.calls_today) == ({}, {})


async def test_an_empty_journal(journal: Journal) -> None:
    found = await journal.recover(1.0, 0.0)
    assert (found.facts, found.last_at, found.last_talks, found.calls_today) == ((), None, {}, {})


async def test_a_record_kept_in_an_older_form_is_computed_again(
    site: Path, open_journal: Callable[..., Journal]
) -> None:
    async with open_journal() as journal:
        for fact in a_day():
            journal.append(fact)
        whole = await journal.ask(find_call, A)
        connection = journal._writer._database._connection
        assert connection is not None

        def spoil() -> None:
            with connection.begin():
                connection.exec_driver_sql("UPDATE call SET record = '{}'")

        await journal._in_thread(spoil)
        assert await journal.ask(find_call, A) == whole


def test_reading_beside_a_writer_and_after_its_death(site: Path) -> None:
    writer = f"""
import asyncio, os, sys
from pathlib import Path
from callhandler.core.events import DaemonStarted
from callhandler.store.journal import Journal
async def main():
    async with Journal({URL!r}, "pbx1", Path({str(site)!r})) as journal:
        journal.append(DaemonStarted(at=1.0, program="x"))
        await journal.flush()
        print("written", flush=True)
        sys.stdin.readline()
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", writer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"written\n"
        with open_source(URL, site) as source:
            assert last_seq(source) == 1
        child.stdin.close()
        child.wait(20)
    with open_source(URL, site) as source:
        assert last_seq(source) == 1
    (site / "var/journal.db-shm").unlink(missing_ok=True)
    with open_source(URL, site) as source:
        assert last_seq(source) == 1


def test_no_journal_and_no_database(site: Path) -> None:
    with pytest.raises(Refused, match="no journal yet"), open_source(URL, site):
        pass
    (site / "var/journal.db").write_bytes(b"no database at all" * 1_000)
    with (
        pytest.raises(Refused, match=r"can't be read: file is not a database; move the file"),
        open_source(URL, site) as source,
    ):
        last_seq(source)


def test_a_file_with_an_odd_name(tmp_path: Path) -> None:
    odd = tmp_path / "a b?mode=rw#%41"
    odd.mkdir()
    assert sqlite_file("sqlite:///x.db", odd) == odd / "x.db"
    assert sqlite_file("sqlite+aiosqlite:////x.db", odd) == Path("/x.db")
    assert sqlite_file("postgresql+asyncpg://u@h/journal", odd) is None


def test_reading_needs_neither_sqlalchemy_nor_pydantic() -> None:
    heavy = "{'sqlalchemy', 'sqlmodel', 'pydantic', 'alembic', 'asyncio', 'structlog'}"
    code = f"import sys, callhandler.store.queries, callhandler.store.waits; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
