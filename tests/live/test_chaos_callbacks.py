"""kill -9 of the daemon at each step of a callback, in a seeded loop, on the real Asterisk: never two calls to one number at a time, none
lost, the order kept. What customers met is read from SIP, the order from the journal.

`make chaos-callbacks N=200` runs 200 kills; `make test` a few. CHAOS_SEED makes the same again.
"""

import asyncio
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from callhandler.control.client import Client
from callhandler.core.events import Fact
from callhandler.errors import CallhandlerError

from .lab import SiteUp, free_base, site_running
from .robots import Manners, Robot, Visit, robot

ROUNDS = int(os.environ.get("CHAOS_CALLBACKS", "8"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
pytestmark = [pytest.mark.live, pytest.mark.timeout(90 + 45 * ROUNDS)]

CUSTOMERS = 3
"""Callbacks of one round; there are two agents, so that one waits."""
STEPS = (
    "CallbackRequested",
    "AgentOffered",
    "CallbackAnnounced",
    "CallbackDialled",
    "rang",
    "answered",
    "CallbackAccepted",
    "CallConnected",
    "TalkEnded",
    "CallbackAttemptEnded",
    "CallbackEnded",
)
EXTRA = """

# --- for the chaos of callbacks: a line of its own
[queues.back]
name = "Back"
fallback = "say:nobody-here"
wrap_up = 0
steps = [{ wants = "calls_back" }]

[callbacks]
trunk = "pstn"
attempts = 8
spacing = 2
ring = 5
per_number = 1000
per_hour = 100000
per_day = 100000
minutes_per_day = 100000

[phones.105]
password = "chaos-test-105"

[phones.106]
password = "chaos-test-106"

[agents.7005]
name = "Agent 105"
pin = "618355"
phone = "105"
skills = { calls_back = 5 }

[agents.7006]
name = "Agent 106"
pin = "618366"
phone = "106"
skills = { calls_back = 5 }

[offers]
misses = 10
back_off_refused = 0
"""


@pytest.fixture
def chaos_site(tmp_path: Path) -> Iterator[SiteUp]:
    """A site whose daemon is killed again and again."""
    with site_running(tmp_path / "site", free_base(), EXTRA) as site:
        yield site


@dataclass
class Killer:
    """Kills the daemon once, a little after a step was seen: facts as the daemon tells them, or SIP as the customer sees it."""

    step: str
    delay: float
    pid: int
    done: threading.Event = field(default_factory=threading.Event)

    def saw(self, step: str) -> None:
        """Take note of a step; called in any thread."""
        if step == self.step and not self.done.is_set():
            self.done.set()
            threading.Timer(self.delay, self._kill).start()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def follow(self, socket: Path, ready: threading.Event) -> None:
        """Read facts as they happen until the daemon is gone."""
        with suppress(CallhandlerError):
            facts: Iterator[Fact] = Client(socket).facts()
            ready.set()
            for fact in facts:
                self.saw(type(fact).__name__)


class Chaos:
    """The rounds and what is counted in them."""

    def __init__(self, site: SiteUp) -> None:
        self.site = site
        self.client = Client(site.directory / "var" / "control.sock")
        self.random = random.Random(SEED)
        self.killer = Killer("", 0.0, 0)
        self.moods: dict[str, list[Manners]] = {}
        self.kills: Counter[str] = Counter()
        self.customers: Robot
        self._number = 0

    def manners(self, number: str) -> Manners:
        """What a customer does this time: something awkward at first, perhaps, in the end friendly."""
        moods = self.moods.get(number, [])
        return moods.pop(0) if moods else Manners(0.15, keys="1111", pause=0.5, talk=3.0)

    def saw(self, step: str) -> None:
        """Tell this round's killer of a step that the customer sees."""
        self.killer.saw(step)

    def next_number(self) -> str:
        """A number that nobody was called at yet."""
        self._number += 1
        number = f"+1202{5550000 + self._number:07}" if self._number < 10_000 else ""
        awkward = [
            Manners(refuse="486 Busy Here"),
            Manners(0.1, talk=0.4),
            Manners(0.1, keys="", talk=2.0),
            Manners(answer=None),
        ]
        if self.random.random() < 0.25:
            self.moods[number] = [self.random.choice(awkward)]
        return number

    async def round(self) -> list[str]:
        """Ask for some callbacks, kill the daemon at some step, and wait until all are over."""
        killer = self.killer = Killer(self.random.choice(STEPS), self.random.choice((0.0, 0.0, 0.02, 0.1)), self._pid())
        ready = threading.Event()
        following = threading.Thread(target=killer.follow, args=(self.site.directory / "var" / "control.sock", ready))
        following.start()
        await asyncio.to_thread(ready.wait, 5)
        await asyncio.sleep(0.1)
        asked = [self.next_number() for _ in range(CUSTOMERS)]
        calls = []
        for number in asked:
            calls.append(await self._added(number))
        await self._until_over(calls)
        self.kills[killer.step if killer.done.is_set() else "none"] += 1
        killer.done.set()
        if killer.pid == self._pid():  # this step did not happen in this round: nobody was killed
            os.kill(killer.pid, signal.SIGKILL)
            await self._back()
        await asyncio.to_thread(following.join, 20)
        return calls

    async def _added(self, number: str) -> str:
        """Ask for a callback, again and again while the daemon is away; one that was asked for just before it died is found."""
        while True:
            try:
                return (await asyncio.to_thread(self.client.add_callback, "back", number, "", None)).id
            except CallhandlerError:
                await self._back()
                found = self._asked(number)
                if found is not None:
                    return found

    def _asked(self, number: str) -> str | None:
        sql = "SELECT call FROM fact WHERE kind = 'CallbackRequested' AND json_extract(details, '$.number') = ?"
        rows = self._query(sql, number)
        return str(rows[0][0]) if rows else None

    async def _until_over(self, calls: list[str]) -> None:
        began = time.monotonic()
        while True:
            over = {call for (call,) in self._query("SELECT call FROM fact WHERE kind = 'CallbackEnded'")}
            if over.issuperset(calls):
                return
            assert time.monotonic() - began < 60, (
                f"never over: {[self.story(call) for call in calls if call not in over]}"
            )
            await asyncio.sleep(0.2)

    async def _back(self) -> None:
        began = time.monotonic()
        while True:
            with suppress(CallhandlerError):
                if (await asyncio.to_thread(self.client.status)).asterisk_connected:
                    return
            assert time.monotonic() - began < 30, "the daemon did not come back"
            await asyncio.sleep(0.1)

    def _pid(self) -> int:
        began = time.monotonic()
        while True:
            with suppress(CallhandlerError):
                status = self.client.status()
                if status.asterisk_connected:
                    return status.pid
            assert time.monotonic() - began < 30, "the daemon did not come back"
            time.sleep(0.1)

    def story(self, call: str) -> list[str]:
        """A call's facts, for people who look for what went wrong."""
        sql = "SELECT at, kind, leg, reason FROM fact WHERE call = ? AND kind <> 'RoutingDecided' ORDER BY seq"
        return [
            f"{at % 10**6 / 1000:.3f} {kind} {leg or ''} {reason or ''}"
            for at, kind, leg, reason in self._query(sql, call)
        ]

    def _query(self, sql: str, *values: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.site.directory / "var" / "journal.db", timeout=5)) as journal:
            return journal.execute(sql, values).fetchall()

    # --- what must be so ----------------------------------------------------------------------------------------------

    def check(self, calls: list[str], visits: list[Visit]) -> None:
        """Hold a round's callbacks to their promises."""
        by_number: dict[str, list[Visit]] = {}
        for visit in visits:
            by_number.setdefault(visit.number, []).append(visit)
        for number, those in by_number.items():
            for before, after in pairwise(those):
                assert before.ended is not None, f"{number} is still rung"
                assert before.ended <= after.rang, f"two calls to {number} at a time: {before.rang} {after.rang}"
        for call in calls:
            story = self.story(call)
            ends = [line for line in story if " CallbackEnded " in line]
            assert len(ends) == 1, story
            assert sum(" CallConnected " in line for line in story) == 1, f"talked once: {story}"
            asked_once = [line for line in story if " CallbackRequested " in line]
            assert len(asked_once) == 1, story
        first_offers = self._query(
            f"SELECT call, min(seq) FROM fact WHERE kind = 'AgentOffered' AND call IN ({','.join('?' * len(calls))}) "
            "GROUP BY call ORDER BY 2",
            *calls,
        )
        assert [call for call, _ in first_offers] == calls, "offered to agents in the order of the line"


async def test_killed_at_every_step(chaos_site: SiteUp, capsys: pytest.CaptureFixture[str]) -> None:
    site, chaos = chaos_site, Chaos(chaos_site)
    host, port = site.server.rsplit(":", 1)
    chaos.customers = await robot(site.base_port + 3, chaos.manners, chaos.saw)
    agents = [await robot(0, lambda number: Manners(0.1, keys="1" * 120, pause=0.9)) for _ in range(2)]
    try:
        registered = 0.0
        for _ in range(ROUNDS):
            seen = len(chaos.customers.visits)
            if time.monotonic() - registered > 100:
                registered = time.monotonic()
                for phone, agent in zip(("105", "106"), agents, strict=True):
                    await agent.register(phone, f"chaos-test-{phone}", (host, int(port)))
            calls = await chaos.round()
            chaos.check(calls, chaos.customers.visits[seen:])
        with capsys.disabled():
            dialled, customers = len(chaos.customers.visits), CUSTOMERS * ROUNDS
            kills = ", ".join(f"{step} {count}" for step, count in sorted(chaos.kills.items()))
            sys.stdout.write(f"\n{ROUNDS} kills (seed {SEED}): {kills}; {dialled} calls to {customers} customers\n")
    finally:
        for one in (chaos.customers, *agents):
            one.close()
        await asyncio.sleep(0.05)
