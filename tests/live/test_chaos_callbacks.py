"""kill -9 of the daemon at each step of a callback, in a seeded loop, on the real Asterisk: never two calls to one number at a time, none
lost, none cut off that was under way, the order kept. What customers met is read from SIP, all else from the journal.

One Asterisk for all kills, several callbacks under way at any time. `make chaos-callbacks N=200` kills 200 times; `make test` a few.
CHAOS_SEED makes the same choices again (steps, delays, customers' moods).
"""

import asyncio
import math
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
from callhandler.errors import CallhandlerError

from .lab import SiteUp, free_base, site_running
from .robots import Manners, Visit, robot

KILLS = int(os.environ.get("CHAOS_CALLBACKS", "3"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
pytestmark = [pytest.mark.live, pytest.mark.timeout(400 + 10 * KILLS)]

UNDER_WAY = 6
PHONES = range(105, 109)
"""Callbacks that are open at any time; there are fewer agents, so that some wait."""
OVER_WITHIN = 30.0
"""Seconds of a daemon's presence within which every callback is over, however often it was killed meanwhile."""
SETTLED = 2.0
"""Seconds of each life that don't count: until then calls have not asked the new daemon yet (dialplan: Wait)."""
RING = 8
LATE = 10_000
"""Milliseconds by which a fact may be in the journal later than it happened, and more."""
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
AWKWARD = (
    Manners(refuse="486 Busy Here"),
    Manners(0.1, talk=0.4),
    Manners(0.1, keys="", talk=2.0),
    Manners(answer=None),
    *[Manners(7.0, keys="1111", pause=0.35, talk=1.3)] * 4,
    *[Manners(0.1, keys="1" * 30, pause=0.35, talk=11.0)] * 2,
)
"""Not all are bad: most let it ring, or wait, for longer than the daemon takes to come back, so that it meets attempts under way."""
EXTRA = f"""

# --- for the chaos of callbacks: a line of its own
[queues.back]
name = "Back"
fallback = "say:nobody-here"
wrap_up = 0
steps = [{{ wants = "calls_back" }}]

[callbacks]
trunk = "pstn"
attempts = 10
spacing = 2
ring = {RING}
at_once = 20
per_number = 1000
per_hour = 100000
per_day = 100000
minutes_per_day = 100000

[offers]
misses = 10
back_off_refused = 0
""" + "".join(
    f"""
[phones.{phone}]
password = "chaos-test-{phone}"

[agents.7{phone}]
name = "Agent {phone}"
pin = "618{phone}"
phone = "{phone}"
skills = {{ calls_back = 5 }}
"""
    for phone in PHONES
)


@pytest.fixture
def chaos_site(tmp_path: Path) -> Iterator[SiteUp]:
    """A site whose daemon is killed again and again, and started again at once: `up` grows slower with a daemon that dies often."""
    with site_running(tmp_path / "site", free_base(), EXTRA, patient=False) as site:
        yield site


class Killer:
    """Kills the daemon a little after the step it waits for was seen: a fact as the daemon tells it, or SIP as a customer sees it."""

    def __init__(self, client: Client) -> None:
        self.died = threading.Event()
        self.kills: list[float] = []
        self._client = client
        self._step, self._delay, self._pid = "", 0.0, 0
        self._on = True
        self._thread = threading.Thread(target=self._follow, name="killer", daemon=True)
        self._thread.start()

    def arm(self, step: str, delay: float, pid: int) -> None:
        """Wait for a step."""
        self.died.clear()
        self._delay, self._pid, self._step = delay, pid, step

    def saw(self, step: str) -> None:
        """Take note of a step; called in any thread."""
        if step == self._step:
            self._step = ""
            threading.Timer(self._delay, self.kill).start()

    def kill(self) -> None:
        """Kill the daemon now."""
        self._step = ""
        if not self.died.is_set():
            self.kills.append(time.time())
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self.died.set()

    def _follow(self) -> None:
        while self._on:
            with suppress(CallhandlerError):
                for fact in self._client.facts():
                    self.saw(type(fact).__name__)
                    if not self._on:
                        return
            time.sleep(0.02)

    def end(self) -> None:
        """Stop following, once the daemon tells its next fact."""
        self._on = False

    async def ended(self) -> None:
        """Wait for the thread, for which the daemon has to tell one more fact."""
        with suppress(CallhandlerError):
            await asyncio.to_thread(self._client.pause, f"7{PHONES[0]}", "the end")
        await asyncio.to_thread(self._thread.join, 20)


class Chaos:
    """Callbacks asked for without end, a daemon that is killed all the time, and what is counted."""

    def __init__(self, site: SiteUp) -> None:
        self.journal = site.directory / "var" / "journal.db"
        self.client = Client(site.directory / "var" / "control.sock")
        self.random = random.Random(SEED)
        self.killer = Killer(self.client)
        self.kills: Counter[str] = Counter()
        self.asked: dict[str, str] = {}
        self.asking = True
        self._moods: dict[str, list[Manners]] = {}
        self._since: dict[str, float] = {}
        self._lived, self._born = 0.0, time.monotonic()
        self._over: set[str] = set()
        self._looked = 0

    def manners(self, number: str) -> Manners:
        """What a customer does this time: something awkward at first, perhaps, in the end friendly."""
        moods = self._moods.get(number)
        return moods.pop() if moods else Manners(0.15, keys="1111", pause=0.35, talk=1.3)

    async def asks(self) -> None:
        """Keep some callbacks open, one after the other, so that their order is known."""
        number = 0
        while self.asking:
            if len(self.still_open()) >= UNDER_WAY:
                await asyncio.sleep(0.2)
                continue
            number += 1
            who = f"+1202{5_550_000 + number:07}"
            if self.random.random() < 0.5:
                self._moods[who] = [self.random.choice(AWKWARD)]
            self.asked[await self._added(who)] = who

    async def _added(self, number: str) -> str:
        """Ask for a callback, again while the daemon is away; one that was asked for just before it died is found."""
        sql = "SELECT call FROM fact WHERE kind = 'CallbackRequested' AND json_extract(details, '$.number') = ?"
        while True:
            with suppress(CallhandlerError):
                return (await asyncio.to_thread(self.client.add_callback, "back", number, "", None)).id
            await self.daemon()
            if found := self._query(sql, number):
                return str(found[0][0])

    def still_open(self) -> list[str]:
        """Which callbacks are not over; none may stay so for long."""
        sql = "SELECT call FROM fact WHERE kind = 'CallbackEnded' AND at >= ?"
        for (call,) in self._query(sql, self._looked - LATE):
            self._over.add(str(call))
        self._looked = round(time.time() * 1_000)
        left, lived = [call for call in self.asked if call not in self._over], self._lived + self._life()
        self._since = {call: self._since.get(call, lived) for call in left}
        late = [call for call, since in self._since.items() if lived - since > OVER_WITHIN]
        assert not late, f"never over: {[self.story(call) for call in late]}"
        return left

    def _life(self) -> float:
        return max(0.0, time.monotonic() - self._born - SETTLED)

    async def all_over(self) -> None:
        """Wait until no callback is open, and the last phone is back on its hook."""
        await self.daemon()
        self._born = time.monotonic()
        while True:
            if not self.still_open():
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)

    async def daemon(self) -> int:
        """Wait until the daemon is there and sees Asterisk; return its process."""
        began = time.monotonic()
        while time.monotonic() - began < 30:
            with suppress(CallhandlerError):
                status = await asyncio.to_thread(self.client.status)
                if status.asterisk_connected:
                    return status.pid
            await asyncio.sleep(0.05)
        raise AssertionError("the daemon did not come back")

    async def kill(self) -> None:
        """Kill the daemon at some step of some callback; at none, where that step does not come for a while."""
        step, delay = self.random.choice(STEPS), self.random.choice((0.0, 0.0, 0.02, 0.1))
        pid = await self.daemon()
        self._born = time.monotonic()
        self.killer.arm(step, delay, pid)
        if not await asyncio.to_thread(self.killer.died.wait, 8):
            step = "none"
            self.killer.kill()
        self.kills[step] += 1
        self._lived += self._life()
        self._born = math.inf

    def story(self, call: str) -> list[str]:
        """A call's facts, for people who look for what went wrong."""
        sql = "SELECT at, kind, leg, reason FROM fact WHERE call = ? AND kind <> 'RoutingDecided' ORDER BY seq"
        return [
            f"{at % 10**6 / 1000:.3f} {kind} {leg or ''} {reason or ''}"
            for at, kind, leg, reason in self._query(sql, call)
        ]

    def _query(self, sql: str, *values: str | int) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.journal, timeout=5)) as journal:
            return journal.execute(sql, values).fetchall()

    # --- what must be so ----------------------------------------------------------------------------------------------

    def nobody_is_lost(self) -> None:
        """Each was asked for once, talked with once, and ended once."""
        for call in self.asked:
            kinds = Counter(kind for (kind,) in self._query("SELECT kind FROM fact WHERE call = ?", call))
            once = kinds["CallbackRequested"], kinds["CallConnected"], kinds["CallbackEnded"]
            assert once == (1, 1, 1), self.story(call)

    def the_order_is_kept(self) -> None:
        """No agent is offered a callback while one waits that goes first."""
        sql = (
            "SELECT at / 1000.0, kind, call, agent, reason, json_extract(details, '$.entered'), json_extract(details, '$.due') "
            "FROM fact WHERE kind LIKE 'Callback%' OR kind IN ('AgentOffered', 'OfferEnded') ORDER BY seq"
        )
        places: dict[str, Place] = {}
        for when, kind, call, agent, reason, entered, due in self._query(sql):
            at = float(str(when))
            if kind == "CallbackRequested":
                places[str(call)] = Place((float(str(entered)), str(call)), at)
            elif call in places:
                if kind == "AgentOffered":
                    first = [one for one, place in places.items() if place.could_have(str(agent), at)]
                    ahead = [one for one in first if places[one].key < places[str(call)].key]
                    assert not ahead, f"{self.story(str(call))} before {[self.story(one) for one in ahead]}"
                places[str(call)].take(str(kind), at, str(agent), str(reason), due)


@dataclass
class Place:
    """One callback's place in line, as the journal tells it."""

    key: tuple[float, str]
    since: float
    """Since when it waits for an agent, where nothing below says that it doesn't."""
    has_agent: bool = False
    dialled: bool = False
    over: bool = False
    refused: dict[str, float] = field(default_factory=dict)

    def could_have(self, agent: str, at: float) -> bool:
        """Tell whether an agent could have been offered this one, clearly: for half a second, and not after having let it ring."""
        if self.has_agent or self.dialled or self.over:
            return False
        return at - self.since > 0.5 and at - self.refused.get(agent, 0.0) > 61.0

    def take(self, kind: str, at: float, agent: str, reason: str, due: object) -> None:
        """Take note of a fact."""
        match kind:
            case "AgentOffered":
                self.has_agent = True
            case "OfferEnded":
                self.has_agent, self.since = False, max(self.since, at)
                if reason not in ("customer not reached", "agent left", "caller left"):
                    self.refused[agent] = at
            case "CallbackDialled":
                self.dialled = True
            case "CallbackRescheduled":
                self.dialled, self.since = False, float(str(due))
            case "CallbackEnded":
                self.over = True


def never_two_at_a_time(visits: list[Visit], what: str) -> None:
    """No phone is called while it has a call."""
    by_number: dict[str, list[Visit]] = {}
    for visit in visits:
        by_number.setdefault(visit.number, []).append(visit)
    for number, those in by_number.items():
        for before, after in pairwise(those):
            assert before.ended is not None, f"{what} {number} is still rung"
            assert before.ended <= after.rang, f"two calls to {what} {number} at a time: {before.rang} {after.rang}"


def under_way(visits: list[Visit], kills: list[float]) -> list[Visit]:
    """The calls that were ringing or answered when the daemon was killed. None was cut off by us: it rang its time, or was talked with.

    Agents never hang up here; who was called hangs up by themselves.
    """
    met = [one for one in visits if any(one.rang < kill < (one.ended or math.inf) for kill in kills)]
    for visit in met:
        rang_out = visit.answered is None and (visit.ended or 0.0) - visit.rang > RING - 1
        assert visit.by_robot or rang_out, f"{visit.number} was hung up on: {visit.rang} {visit.answered} {visit.ended}"
    return met


async def test_killed_at_every_step(chaos_site: SiteUp, capsys: pytest.CaptureFixture[str]) -> None:
    site, chaos = chaos_site, Chaos(chaos_site)
    host, port = site.server.rsplit(":", 1)
    customers = await robot(site.base_port + 3, chaos.manners, chaos.killer.saw)
    phones = {str(phone): await robot(0, lambda number: Manners(0.1, keys="1" * 120, pause=0.35)) for phone in PHONES}
    began = registered = 0.0
    asking = asyncio.Task(chaos.asks(), name="asks for callbacks")
    try:
        for _ in range(KILLS):
            if time.monotonic() - registered > 100:
                registered = time.monotonic()
                for phone, agent in phones.items():
                    await agent.register(phone, f"chaos-test-{phone}", (host, int(port)))
                began = began or registered
            await chaos.kill()
            assert not asking.done(), asking.exception()
        took = time.monotonic() - began
        chaos.asking = False
        await asking
        chaos.killer.end()
        await chaos.all_over()
        chaos.nobody_is_lost()
        chaos.the_order_is_kept()
        never_two_at_a_time(customers.visits, "customer")
        met = under_way(customers.visits, chaos.killer.kills)
        for agent in phones.values():
            never_two_at_a_time(agent.visits, "agent")
        with capsys.disabled():
            kills = ", ".join(f"{step} {count}" for step, count in sorted(chaos.kills.items()))
            told = f"{KILLS} kills (seed {SEED}), one every {took / KILLS:.1f} s: {kills}"
            sys.stdout.write(
                f"\n{told}; {len(customers.visits)} calls to {len(chaos.asked)} customers, {len(met)} in a kill\n"
            )
    finally:
        asking.cancel()
        chaos.killer.end()
        for one in (customers, *phones.values()):
            one.close()
        await chaos.killer.ended()
