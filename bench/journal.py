"""How fast the journal writes, how long it holds up the event loop, and how quickly it reads. `python bench/journal.py [FACTS]`.

Prints a table and writes bench/out/journal.json. The peers write the same rows in the ways one would write them first.
"""

import asyncio
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Session, create_engine

from callhandler.core.events import (
    AgentLoggedIn,
    AgentOffered,
    CallArrived,
    CallConnected,
    CallEnded,
    CallEntered,
    Fact,
    KeyPressed,
    MenuEntered,
    RoutingDecided,
    TalkEnded,
    WrapUpEnded,
    WrapUpStarted,
)
from callhandler.core.model import Outcome
from callhandler.store.encoding import encode
from callhandler.store.figures import agent_figures, queue_figures
from callhandler.store.journal import Journal
from callhandler.store.queries import find_call, last_calls
from callhandler.store.recovery import recover
from callhandler.store.sources import open_source
from callhandler.store.tables import FactRow

URL = "sqlite:///journal.db"
SNAPSHOT = json.dumps({"candidates": [{"agent": str(7001 + n), "verdict": "is talking"} for n in range(4)]})
CALLS_A_SECOND = 0.5
START = 1_795_000_000.0


def a_call(number: int) -> Iterator[Fact]:
    """Yield the facts of an ordinary call."""
    at, call, agent = START + number / CALLS_A_SECOND, f"pbx1-{int(START) + number}.{number}", str(7001 + number % 40)
    own = {"call": call, "leg": f"{call}/1", "agent": agent, "queue": "sales"}
    if number < 40:
        yield AgentLoggedIn(at=at, agent=agent, phone=str(101 + number), by=agent)
    yield CallArrived(
        at=at,
        call=call,
        channel="PJSIP/pstn-1",
        number="5000",
        caller_number=f"+4930{number % 9973}",
        caller_name="Ann",
        source="pstn",
    )
    yield MenuEntered(at=at + 1, call=call, menu="main")
    yield KeyPressed(at=at + 4, call=call, menu="main", key="1", led_to="queue:sales")
    yield CallEntered(at=at + 4, call=call, queue="sales", entered=at + 4, priority=5, bonus=0.0, wants="english")
    yield RoutingDecided(at=at + 4, call=call, queue="sales", agent=None, snapshot=SNAPSHOT)
    yield RoutingDecided(at=at + 14, call=call, queue="sales", agent=agent, snapshot=SNAPSHOT)
    yield AgentOffered(at=at + 14, phone="101", ring=15.0, **own)
    yield CallConnected(at=at + 17, waited=13.0, **own)
    yield TalkEnded(at=at + 60, talked=43.0, reason="caller hung up", **own)
    yield WrapUpStarted(at=at + 60, agent=agent, call=call, queue="sales", until=at + 75)
    yield CallEnded(at=at + 60, call=call, outcome=Outcome.ANSWERED, reason="caller hung up", cause=16)
    yield WrapUpEnded(at=at + 75, agent=agent)


def facts(count: int) -> list[Fact]:
    found: list[Fact] = []
    number = 0
    while len(found) < count:
        found += a_call(number)
        number += 1
    return found[:count]


async def stalls(into: list[float]) -> None:
    """Note by how much a timer of 1 ms comes late."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        into.append(max(0.0, time.perf_counter() - before - 0.001))


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)] if values else 0.0


def outcome(count: int, seconds: float, late: list[float]) -> dict[str, float]:
    return {"facts_a_second": count / seconds, "stall_p99_ms": p99(late) * 1000, "stall_max_ms": max(late) * 1000}


async def sustained(directory: Path, some: list[Fact]) -> dict[str, float]:
    """Write as fast as it goes, never more than 1,000 facts ahead."""
    async with Journal(URL, "pbx1", directory) as journal:
        late: list[float] = []
        watch = asyncio.get_running_loop().create_task(stalls(late))
        start = time.perf_counter()
        for place in range(0, len(some), 500):
            for fact in some[place : place + 500]:
                journal.append(fact)
            while journal.backlog > 1_000:  # noqa: ASYNC110 - a thread's work is waited for
                await asyncio.sleep(0.001)
        await journal.flush()
        seconds = time.perf_counter() - start
        watch.cancel()
    return outcome(len(some), seconds, late)


async def paced(directory: Path, some: list[Fact], rate: int) -> dict[str, float]:
    """Write at a steady rate, as 180 calls a second would, and see what the loop feels and what it costs."""
    async with Journal(URL, "pbx1", directory) as journal:
        late: list[float] = []
        watch = asyncio.get_running_loop().create_task(stalls(late))
        start, cpu = time.perf_counter(), time.process_time()
        for place, fact in enumerate(some):
            while (wait := start + place / rate - time.perf_counter()) > 0:  # noqa: ASYNC110 - the pace of calls
                await asyncio.sleep(min(wait, 0.005))
            journal.append(fact)
        await journal.flush()
        seconds, used = time.perf_counter() - start, time.process_time() - cpu
        watch.cancel()
    return {
        "facts_a_second": len(some) / seconds,
        "cpu_share": used / seconds,
        "stall_p99_ms": p99(late) * 1000,
        "stall_max_ms": max(late) * 1000,
    }


async def orm_a_fact(directory: Path, some: list[Fact]) -> dict[str, float]:
    """A session and a commit for each fact, on the event loop: the way of the tutorials."""
    async with Journal(URL, "pbx1", directory):
        pass
    engine = create_engine(f"sqlite:///{directory / 'journal.db'}")
    late: list[float] = []
    watch = asyncio.get_running_loop().create_task(stalls(late))
    start = time.perf_counter()
    for place, fact in enumerate(some):
        with Session(engine) as session:
            session.add(FactRow(**encode(fact, "pbx1")._replace(seq=place + 1)._asdict()))
            session.commit()
        await asyncio.sleep(0)
    seconds = time.perf_counter() - start
    watch.cancel()
    engine.dispose()
    return outcome(len(some), seconds, late)


async def aiosqlite_hundreds(directory: Path, some: list[Fact]) -> dict[str, float]:
    """Core inserts of 100 over the asyncio driver; facts alone, no calls computed."""
    async with Journal(URL, "pbx1", directory):
        pass
    engine = create_async_engine(f"sqlite+aiosqlite:///{directory / 'journal.db'}")
    late: list[float] = []
    watch = asyncio.get_running_loop().create_task(stalls(late))
    start = time.perf_counter()
    async with engine.connect() as connection:
        for place in range(0, len(some), 100):
            rows = [
                encode(fact, "pbx1")._replace(seq=place + n + 1)._asdict()
                for n, fact in enumerate(some[place : place + 100])
            ]
            await connection.execute(insert(FactRow), rows)
            await connection.commit()
    seconds = time.perf_counter() - start
    watch.cancel()
    await engine.dispose()
    return outcome(len(some), seconds, late)


def reading(directory: Path, calls: int) -> dict[str, float]:
    """Ask what the daemon asks at a start and the CLI asks at any time."""
    end = START + calls / CALLS_A_SECOND
    wanted = f"pbx1-{int(START) + calls // 2}.{calls // 2}"
    with open_source(URL, directory) as source:
        questions: dict[str, Callable[[], object]] = {
            "recover": lambda: recover(source, end, end - 43_200),
            "last_20_calls": lambda: last_calls(source, 20),
            "one_call": lambda: find_call(source, wanted),
            "agents_of_a_day": lambda: agent_figures(source, end - 86_400, end),
            "queues_of_a_day": lambda: queue_figures(source, end - 86_400, end),
        }
        found = {}
        for name, question in questions.items():
            start = time.perf_counter()
            question()
            found[f"{name}_ms"] = (time.perf_counter() - start) * 1000
    return found


def grow(directory: Path, times: int) -> None:
    """Put the same calls again before those that are there, under other names, until the journal is `times` as long."""
    database = sqlite3.connect(directory / "journal.db")
    facts_ = "kind, version, node, leg, agent, queue, reason, details"
    calls = (
        "node, number, caller_number, caller_name, source, queue, agent, outcome, reason, waited, talked, held, record"
    )
    copy_facts = f"INSERT INTO fact (seq, at, call, {facts_}) SELECT seq - ?, at - ?, call || ?, {facts_} FROM fact WHERE seq > ?"
    copy_calls = (
        f"INSERT INTO call (id, arrived, ended, talked_until, {calls}) "
        f"SELECT id || ?, arrived - ?, ended - ?, talked_until - ?, {calls} FROM call WHERE ended IS NOT NULL AND arrived >= ?"
    )
    with database:
        [(count,)] = database.execute("SELECT count(*) FROM fact").fetchall()
        first = count * (times - 1)
        database.execute("UPDATE fact SET seq = seq + ?", (first,))
        for copy in range(1, times):
            earlier, name = copy * 2 * 86_400_000, f"-{copy}"
            database.execute(copy_facts, (copy * count, earlier, name, first))
            database.execute(copy_calls, (name, earlier, earlier, earlier, int(START * 1000)))
    database.close()


async def reopen(directory: Path) -> dict[str, float]:
    journal = Journal(URL, "pbx1", directory)
    start = time.perf_counter()
    await journal.start()
    seconds = time.perf_counter() - start
    await journal.stop()
    return {"open_ms": seconds * 1000}


async def measure(count: int, folder: Path) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    some = facts(count)
    places = {name: folder / name for name in ("journal", "paced", "orm", "aiosqlite")}
    for place in places.values():
        place.mkdir()
    figures = {"sustained": await sustained(places["journal"], some)}
    figures["2500 facts a second"] = await paced(places["paced"], some[:12_500], 2_500)
    figures["reading"] = await reopen(places["journal"]) | reading(places["journal"], count // 12)
    await asyncio.to_thread(grow, places["journal"], 10)
    figures[f"reading {10 * count:,} facts"] = await reopen(places["journal"]) | reading(places["journal"], count // 12)
    file = places["journal"] / "journal.db"
    figures["size"] = {"bytes_a_fact": file.stat().st_size / count / 10}
    peers = {
        "SQLModel session and commit a fact": await orm_a_fact(places["orm"], some[:2_000]),
        "aiosqlite, Core inserts of 100, no calls": await aiosqlite_hundreds(places["aiosqlite"], some[:20_000]),
    }
    return figures, peers


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        figures, peers = asyncio.run(measure(count, Path(folder)))
    print(f"{count} facts, SQLite {sqlite3.sqlite_version}, Python {platform.python_version()}, {os.cpu_count()} cores")
    for name, values in (figures | peers).items():
        print(f"{name:42}", "  ".join(f"{key} {value:,.2f}" for key, value in values.items()))
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "facts": count,
    }
    out = Path(__file__).parent / "out" / "journal.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(
        json.dumps({"name": "journal", "machine": machine, "figures": figures, "peers": peers}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
