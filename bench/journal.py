"""How fast the journal writes, how long it holds up the event loop, what a call takes on disk, and how soon it is open after kill -9.

Facts are those of ordinary calls, 400 at a time, two routing decisions among them as the core writes them for 12 agents; calls are
computed into records as ever. The journal runs as in the daemon: on uvloop, its thread with the same turns, the program itself left out
of Python's garbage search. Peers write the same rows in the ways one would write them first.
`python -m bench.journal [--quick]` prints a table and writes bench/out/journal.json.
"""

import argparse
import asyncio
import gc
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from itertools import count, islice
from pathlib import Path
from statistics import median

import uvloop
from sqlalchemy import Engine, insert
from sqlmodel import Session, create_engine

from bench.common import machine, report
from callhandler.core import events as e
from callhandler.core.line import Line
from callhandler.core.model import AgentPlan, Device, Outcome, Plan, Queue, Step, Strategy, Where
from callhandler.core.skills import parse
from callhandler.daemon import THREADS_TURN
from callhandler.store.encoding import Row, encode
from callhandler.store.journal import Journal
from callhandler.store.queries import find_call, last_calls
from callhandler.store.recovery import recover
from callhandler.store.sources import open_source
from callhandler.store.tables import FactRow

URL = "sqlite:///journal.db"
START = 1_795_000_000.0
AT_ONCE = 400
"""Calls under way, and agents."""
CALLS_A_SECOND = 5.0
RUNS = 5
SUSTAINED = 21_000
"""Facts offered each second for a minute: 20,000 and a twentieth more, so that what is on the way at its end doesn't count."""
Values = dict[str, float]


@cache
def decisions() -> tuple[e.RoutingDecided, e.RoutingDecided]:
    """Have the core decide for a call whom nobody can take yet, and again when an agent becomes free."""
    phones = {f"70{n:02}": f"1{n:02}" for n in range(12)}
    queue = Queue("sales", "Sales", (Step(parse("english >= 3"), 30.0), Step()), Strategy.LONGEST_IDLE, wrap_up=15.0)
    people = {agent: AgentPlan(agent, f"Agent {agent}", {"english": 5}, (), phone) for agent, phone in phones.items()}
    line = Line(Plan({"sales": queue}, people, frozenset(phones.values())), True)
    line.resume(START)
    for agent, phone in phones.items():
        line.see_phone(phone, Device.FREE, START)
        line.step(e.AgentLoggedIn(at=START, agent=agent, phone=phone, by=agent), START)
        line.step(e.AgentPaused(at=START, agent=agent, reason="lunch", by=agent), START)
    entered = e.CallEntered(at=START, call="a", queue="sales", entered=START, priority=5, bonus=0.0, wants="english")
    steps = (entered, e.AgentResumed(at=START, agent="7003", by="7003"))
    found = [outcome for fact in steps for outcome in line.step(fact, START) if isinstance(outcome, e.RoutingDecided)]
    return found[0], found[-1]


def a_call(number: int) -> Iterator[e.Fact]:
    """Yield the facts of an ordinary call."""
    at, call, agent = START + number / CALLS_A_SECOND, f"pbx1-{int(START) + number}.{number}", str(7001 + number % 400)
    own = {"call": call, "leg": f"{call}/1", "agent": agent, "queue": "sales"}
    caller = f"+4930{number % 9973}"
    nobody, somebody = decisions()
    if number < AT_ONCE:
        yield e.AgentLoggedIn(at=at, agent=agent, phone=agent[1:], by=agent)
    yield e.CallArrived(
        at=at, call=call, channel=f"PJSIP/pstn-{number:08x}", number="5000", caller_number=caller, caller_name="Ann",
        source="pstn",
    )  # fmt: skip
    yield e.CallSent(at=at, call=call, to="menu:main", reason="number 5000")
    yield e.MenuEntered(at=at + 1, call=call, menu="main")
    yield e.KeyPressed(at=at + 4, call=call, menu="main", key="1", led_to="queue:sales")
    yield e.AttributeSet(at=at + 4, call=call, name="reason", value="sales")
    yield e.CallSent(at=at + 4, call=call, to="queue:sales", reason="key 1")
    yield e.CallEntered(at=at + 4, call=call, queue="sales", entered=at + 4, priority=5, bonus=0.0, wants="english")
    yield e.EstimateMade(at=at + 4, call=call, queue="sales", method="head of line", seconds=40.0, ahead=3, most=120.0)
    yield replace(nobody, at=at + 4, call=call)
    yield e.CheckedIn(at=at + 62, call=call, where=Where.IN_LINE, due=at + 64, started=at + 58, said="thanks-1 place")
    yield replace(somebody, at=at + 70, call=call, agent=agent)
    yield e.AgentOffered(at=at + 70, phone=agent[1:], ring=15.0, **own)
    yield e.CallConnected(at=at + 73, waited=69.0, **own)
    yield e.TalkEnded(at=at + 173, talked=100.0, reason="caller hung up", **own)
    yield e.WrapUpStarted(at=at + 173, agent=agent, call=call, queue="sales", until=at + 188)
    yield e.CallEnded(at=at + 173, call=call, outcome=Outcome.ANSWERED, reason="caller hung up", cause=16)
    yield e.WrapUpEnded(at=at + 188, agent=agent)


def facts() -> Iterator[e.Fact]:
    """Yield facts for ever, those of 400 calls in turn."""
    numbers = count()
    calls = [a_call(next(numbers)) for _ in range(AT_ONCE)]
    while True:
        for place, call in enumerate(calls):
            fact = next(call, None)
            if fact is None:
                calls[place] = a_call(next(numbers))
                fact = next(calls[place])
            yield fact


@asynccontextmanager
async def watched(into: Values) -> AsyncIterator[None]:
    """Measure time, processor time and by how much a timer of 1 ms comes late."""
    late: list[float] = []

    async def beat() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append(max(0.0, time.perf_counter() - before - 0.001))

    watch = asyncio.get_running_loop().create_task(beat())
    start, cpu = time.perf_counter(), time.process_time()
    yield
    into["seconds"] = time.perf_counter() - start
    into["cpu_share"] = (time.process_time() - cpu) / into["seconds"]
    watch.cancel()
    late.sort()
    into["stall_p99_ms"], into["stall_max_ms"] = late[int(len(late) * 0.99)] * 1000, late[-1] * 1000


async def full_speed(directory: Path, seconds: float) -> Values:
    """Write as fast as it goes, never more than 2,000 facts ahead."""
    found: Values = {}
    some, written = facts(), 0
    async with Journal(URL, "pbx1", directory) as journal, watched(found):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for fact in islice(some, 100):
                journal.append(fact)
            written += 100
            await asyncio.sleep(0)
            while journal.backlog > 2_000:  # noqa: ASYNC110 - a thread's work is waited for
                await asyncio.sleep(0.001)
        await journal.flush()
    return {"facts_a_second": written / found.pop("seconds"), **found}


async def paced(journal: Journal, rate: int, seconds: float, some: Iterator[e.Fact]) -> Values:
    """Offer facts at a steady rate, 2 ms' worth at a time.

    `facts_a_second` counts what is in the database when the time is over; what is still on the way then is `behind_at_the_end`, and how
    long it takes to be there `drained_ms`. A rate is sustained when what is behind doesn't grow: the most of it in each quarter is given.
    """
    found: Values = {}
    offered = 0
    most = [0, 0, 0, 0]
    async with watched(found):
        start = time.perf_counter()
        while (now := time.perf_counter() - start) < seconds:
            due = int(now * rate) - offered
            for fact in islice(some, due):
                journal.append(fact)
            offered += due
            quarter = int(4 * now / seconds)
            most[quarter] = max(most[quarter], journal.backlog)
            await asyncio.sleep(0.002)
        behind = journal.backlog
    took, over = found.pop("seconds"), time.perf_counter()
    await journal.flush()
    return {
        "facts_a_second": (offered - behind) / took, "offered_a_second": offered / took,
        **{f"most_behind_in_quarter_{quarter}": behind for quarter, behind in enumerate(most, 1)},
        "behind_at_the_end": behind, "drained_ms": (time.perf_counter() - over) * 1000, **found,
    }  # fmt: skip


async def alone(directory: Path, rate: int, seconds: float) -> Values:
    async with Journal(URL, "pbx1", directory) as journal:
        return await paced(journal, rate, seconds, facts())


async def until_killed(directory: Path, rate: int, seconds: float) -> None:
    """Write at a rate, tell of it, and go on writing until somebody ends this process."""
    some = facts()
    async with Journal(URL, "pbx1", directory) as journal:
        print(json.dumps(await paced(journal, rate, seconds, some)), flush=True)
        await paced(journal, rate, 3_600.0, some)


def sustained(directory: Path, rate: int, seconds: float) -> Values:
    """Have another process write for so long, and kill it in the middle of writing."""
    command = [sys.executable, "-m", "bench.journal", "until-killed", str(directory), str(rate), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        found: Values = json.loads(child.stdout.readline())
        time.sleep(0.5)
        child.kill()
    return found


async def after_kill(directory: Path) -> Values:
    """Open the journal that a killed process left, ask it what a start asks, and write on."""
    log = (directory / "journal.db-wal").stat().st_size
    journal = Journal(URL, "pbx1", directory)
    start = time.perf_counter()
    await journal.start()
    opened = time.perf_counter()
    found = await journal.recover(START + 86_400.0, START)
    recovered = time.perf_counter()
    journal.append(e.DaemonStarted(at=START, program="bench"))
    await journal.commit()
    written = time.perf_counter()
    await journal.stop()
    database = sqlite3.connect(directory / "journal.db")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    [(all_facts, calls)] = database.execute("SELECT count(*), (SELECT count(*) FROM call) FROM fact").fetchall()
    database.close()
    size = (directory / "journal.db").stat().st_size
    return {
        "facts": all_facts, "log_bytes": log, "open_ms": (opened - start) * 1000, "facts_replayed": len(found.facts),
        "recover_ms": (recovered - opened) * 1000, "first_commit_ms": (written - recovered) * 1000,
        "bytes_a_fact": size / all_facts, "bytes_a_call": size / calls,
    }  # fmt: skip


def reading(directory: Path) -> Values:
    """Ask what the CLI asks."""
    with open_source(URL, directory) as source:
        questions: dict[str, Callable[[], object]] = {
            "recover": lambda: recover(source, START + 86_400.0, START),
            "last_20_calls": lambda: last_calls(source, 20),
            "one_call": lambda: find_call(source, f"pbx1-{int(START) + 100}.100"),
        }
        found = {}
        for name, question in questions.items():
            start = time.perf_counter()
            question()
            found[f"{name}_ms"] = (time.perf_counter() - start) * 1000
    return found


async def orm_a_fact(directory: Path, seconds: float) -> Values:
    """A session and a commit for each fact, on the event loop: the way of the tutorials."""

    def write(rows: Iterator[Row]) -> int:
        with Session(engine) as session:
            session.add(FactRow(**next(rows)._asdict()))
            session.commit()
        return 1

    async with Journal(URL, "pbx1", directory):
        engine = create_engine(f"sqlite:///{directory / 'journal.db'}")
    return await peer(write, seconds, engine)


async def core_hundreds(directory: Path, seconds: float) -> Values:
    """SQLAlchemy's Core, a hundred facts in a transaction, in a thread; no calls computed."""

    def write(rows: Iterator[Row]) -> int:
        with engine.begin() as connection:
            connection.execute(insert(FactRow), [row._asdict() for row in islice(rows, 100)])
        return 100

    async with Journal(URL, "pbx1", directory):
        engine = create_engine(f"sqlite:///{directory / 'journal.db'}")
    return await peer(lambda rows: asyncio.to_thread(write, rows), seconds, engine)


async def peer(write: Callable[[Iterator[Row]], int | Awaitable[int]], seconds: float, engine: Engine) -> Values:
    rows = (encode(fact, "pbx1", seq) for seq, fact in enumerate(facts(), 1))
    found: Values = {}
    written = 0
    async with watched(found):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            done = write(rows)
            written += done if isinstance(done, int) else await done
            await asyncio.sleep(0)
    engine.dispose()
    return {"facts_a_second": written / found.pop("seconds"), **found}


def repeated(measure: Callable[[Path], Coroutine[object, object, Values]], runs: int) -> Values:
    """Measure several times, each in a new folder; return medians, and the spread of the speed."""
    found: list[Values] = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            found.append(uvloop.run(measure(Path(folder))))
    speeds = [one["facts_a_second"] for one in found]
    spread = {"slowest_run": min(speeds), "fastest_run": max(speeds)}
    return {key: median(one[key] for one in found) for key in found[0]} | spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="0.4 s each, and 2 s for the long run")
    quick = parser.parse_args().quick
    seconds, long = (0.4, 2.0) if quick else (5.0, 60.0)
    figures = {
        "full speed": repeated(lambda folder: full_speed(folder, seconds), RUNS),
        "2,500 a second": repeated(lambda folder: alone(folder, 2_500, seconds), RUNS),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures[f"{SUSTAINED:,} a second for {long:.0f} s"] = sustained(folder, SUSTAINED, long)
        figures["reopened after kill -9"] = uvloop.run(after_kill(folder))
        figures["questions"] = reading(folder)
    peers = {
        "SQLModel session and commit a fact": repeated(lambda folder: orm_a_fact(folder, seconds), RUNS),
        "SQLAlchemy Core by hundreds in a thread, no calls": repeated(lambda f: core_hundreds(f, seconds), RUNS),
    }
    print("; ".join(f"{key} {value}" for key, value in machine().items()))
    for title, values in (figures | peers).items():
        print(f"{title:50}", "  ".join(f"{key} {value:,.2f}" for key, value in values.items()))
    report("journal", figures, peers, quick=quick)


if __name__ == "__main__":
    sys.setswitchinterval(THREADS_TURN)
    gc.collect()
    gc.freeze()  # as the daemon does
    if sys.argv[1:2] == ["until-killed"]:
        uvloop.run(until_killed(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
    else:
        main()
