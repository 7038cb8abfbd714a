"""The stage of the chaos tests: a site with one line and one agent for each part that is played, its phones, and what is looked up there.

What people met is read from SIP and RTP; the journal is asked for facts that nobody can hear.
"""

import asyncio
import itertools
import os
import random
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass

from callhandler.control.client import Client
from callhandler.core.views import CallState, CallView, StatusView
from callhandler.errors import CallhandlerError
from tests.live.lab import SiteUp
from tests.live.robots import Address, Manners, Robot, Visit, robot

from .chance import LONG
from .phones import Desk, Dialled, Trunk, desk, trunk

PARTS = ("talk", "hold", "line", "menu", "greet", "ring", "offer", "answer", "blind", "target", "ghost", "back",
         "ext", "asks", "asked", "promise", "wrap")  # fmt: skip
"""Each has a queue of its name, a number 5101, 5102 ... that enters it, and an agent 7101 ... at phone 201 ... who alone serves it."""
AT_MOST = 40.0
"""Seconds within which everyone who waits hears a word."""
WATCHDOG, STOPPED = (10, 5.0) if LONG else (3, 2.0)
"""Seconds after which a daemon that hangs is replaced, and for which one is stopped that goes on by itself."""
UNWATCHED = 60.0
"""Seconds for which a daemon is stopped that nobody replaces."""
HEARD_WITHIN = 3.0
_callers = itertools.count(1)
OUTSIDE = "+12025550177"
"""A number outside that calls overflow to."""
WRAP_UP = {"wrap": 6.0}
"""Seconds; none in the other queues."""
LONGEST_GAP = 1.2
"""Seconds without a packet that count as silence: the phones speak ten times a second, and the machine is shared."""


def number_of(part: str) -> str:
    """The number that enters a part's queue."""
    return str(5101 + PARTS.index(part))


def agent_of(part: str) -> str:
    """The agent of a part."""
    return str(7101 + PARTS.index(part))


def phone_of(part: str) -> str:
    """The phone of a part's agent."""
    return str(201 + PARTS.index(part))


EXTRA = f"""
# --- for the tests of chaos
[daemon]
watchdog = {WATCHDOG}

[waiting]
check_in_at_most = {AT_MOST}
check_in_aim = 12

[offers]
misses = 10
back_off_refused = 0

[callbacks]
trunk = "pstn"
attempts = 8
spacing = 2
ring = 5
per_number = 1000
at_once = 20
per_hour = 100000
per_day = 100000
minutes_per_day = 100000

[prompts.chaos]
text = "This is the test of chaos. It says a sentence or two, so that somebody can be in the middle of it when things go wrong."

[prompts.std-message]
text = "Speak."

[menus.chaos]
prompt = "chaos"
timeout = 20
keys.1 = "queue:menu"

[menus.greeted]
prompt = "chaos"
timeout = 20
keys.1 = "queue:greet"

[numbers.5150]
enters = "menu:chaos"

[numbers.5151]
enters = "menu:greeted"
greeting = "chaos"

[numbers.5152]
enters = "message:line"

[numbers.5153]
enters = "phone:{phone_of("ext")}"

[numbers.5154]
enters = "outside:{OUTSIDE}"
""" + "".join(
    f"""
[queues.{part}]
name = "{part}"
fallback = "say:nobody-here"
wrap_up = {WRAP_UP.get(part, 0)}
ring = 60
messages = true
steps = [{{ wants = "plays_{part}" }}]

[numbers.{number_of(part)}]
enters = "queue:{part}"

[phones.{phone_of(part)}]
password = "chaos-test-{phone_of(part)}"

[agents.{agent_of(part)}]
name = "Agent {part}"
pin = "6183{phone_of(part)[1:]}"
phone = "{phone_of(part)}"
skills = {{ plays_{part} = 5 }}
"""
    for part in PARTS
)
EXTRA_UNWATCHED = EXTRA.replace(f"watchdog = {WATCHDOG}", f"watchdog = {2 * UNWATCHED}")
"""The same with a daemon that may hang, as one that neither `up` nor systemd runs."""

PATIENCE: dict[str, float | None] = {"ring": None, "answer": None, "ext": None}
"""Phones answer by themselves after a tenth of a second, but for these."""


class Lost(AssertionError):
    """Something that must not be lost was. `what` is counted: conversation, waiting caller, order, word, callback, fact."""

    def __init__(self, what: str, story: str) -> None:
        super().__init__(f"{what}: {story}")
        self.what = what


def friendly(number: str) -> Manners:
    """How people outside take a call: they press 1 as often as they are asked, talk and hang up; who is overflowed to stays."""
    return Manners(0.15) if number == OUTSIDE else Manners(0.15, keys="1111", pause=0.5, talk=3.0)


@dataclass
class Stage:
    """One site and its people, for as many rounds as are played."""

    site: SiteUp
    random: random.Random
    client: Client
    trunk: Trunk
    desks: dict[str, Desk]
    customers: Robot
    server: Address
    began: float = 0.0
    struck: float = 0.0
    back: float = 0.0
    speechless: float = 0.0
    """Seconds for which a word that ended may have no music behind it: for as long as a daemon hangs."""
    replaced: bool = False
    """Whether it was another daemon that came back: what was being said when the old one hung is not in the journal then."""
    registered: float = 0.0

    # --- people -------------------------------------------------------------------------------------------------------

    async def registers(self) -> None:
        """Phones register again in time."""
        if time.monotonic() - self.registered > 100:
            self.registered = time.monotonic()
            for part, phone in self.desks.items():
                await phone.register(phone_of(part), f"chaos-test-{phone_of(part)}", self.server)

    async def dial(self, number: str) -> Dialled:
        """Somebody new calls."""
        return await self.trunk.dial(f"4930{next(_callers):07d}", number)

    async def rung(self, part: str, since: float, seconds: float = 15.0, *, answered: bool = True) -> Visit:
        """Wait until a part's phone is rung, and has answered."""

        def found() -> Visit | None:
            visits = [one for one in self.desks[part].visits if one.rang >= since and one.ear is not None]
            return visits[-1] if visits and (visits[-1].answered or not answered) else None

        await self.until(lambda: found() is not None, seconds, f"the phone of {part} is rung")
        visit = found()
        assert visit is not None
        return visit

    async def together(self, call: Dialled, part: str, visit: Visit, seconds: float = HEARD_WITHIN) -> None:
        """Wait until caller and agent hear each other."""
        voice, since = self.desks[part].voice(visit), time.time()
        await self.until(
            lambda: call.voice.hears(voice.says, since) and voice.hears(call.voice.says, since),
            seconds,
            f"the caller and the agent of {part} hear each other",
            "conversation",
        )

    async def waits(self, call: Dialled, *states: str) -> None:
        """Wait until the daemon says that a call is in one of some states."""

        async def is_so() -> bool:
            return any(one.caller_number == call.caller and one.state in states for one in await self.calls())

        await self.until(is_so, 15, f"{call.caller} is {' or '.join(states)}", "waiting caller")

    async def id_of(self, call: Dialled) -> str:
        """Wait until the daemon knows a call; returns its id."""
        await self.waits(call, *CallState)
        return next(one.id for one in await self.calls() if one.caller_number == call.caller)

    async def never_silent(self, call: Dialled, where: str) -> None:
        """Somebody who waits has heard something all the time since the blow, but for who was spoken to as the daemon began to hang."""
        gap, at = call.voice.longest_gap(self.struck, time.time())
        if gap > LONGEST_GAP and not self.replaced:
            await self.until(
                lambda: self._spoken_to(call), 3, f"a word to {call.caller} explains {gap:.2f} s of silence"
            )
        if gap > LONGEST_GAP + self.speechless:
            after = f"{at - self.struck:.2f} s after the blow, {at - self.back:.2f} s after the daemon's return"
            raise Lost("waiting caller", f"{gap:.2f} s of silence {where}, {after}")

    def _spoken_to(self, call: Dialled) -> bool:
        """Whether somebody was being spoken to when the daemon was struck."""
        sql = "SELECT 1 FROM fact WHERE kind = 'CheckedIn' AND call = ? AND json_extract(details, '$.started') <= ? AND at >= ?"
        return bool(self.query(sql, self.call_of(call.caller), self.struck, int(self.struck * 1000)))

    async def until(
        self,
        true: Callable[[], object],
        seconds: float,
        what: str,
        kind: str = "waiting caller",
    ) -> None:
        """Wait until something is so; what else was lost is counted as `kind`."""
        began = time.monotonic()
        while True:
            is_so = true()
            if asyncio.iscoroutine(is_so):
                is_so = await is_so
            if is_so:
                return
            if time.monotonic() - began > seconds:
                raise Lost(kind, f"not within {seconds:g} s: {what}")
            await asyncio.sleep(0.05)

    # --- the daemon ---------------------------------------------------------------------------------------------------

    async def calls(self) -> tuple[CallView, ...]:
        """The calls that are here, as the daemon says; none while it is away."""
        with suppress(CallhandlerError):
            return await asyncio.to_thread(self.client.calls)
        return ()

    async def status(self) -> StatusView | None:
        """What the daemon says of itself."""
        with suppress(CallhandlerError):
            return await asyncio.to_thread(self.client.status)
        return None

    async def there(self, other_than: int = 0, seconds: float = 40.0) -> int:
        """Wait until a daemon is there and sees Asterisk; returns its process."""
        began = time.monotonic()
        while (status := await self.status()) is None or not status.asterisk_connected or status.pid == other_than:
            assert time.monotonic() - began < seconds, f"no daemon within {seconds:g} s"
            await asyncio.sleep(0.05)
        return status.pid

    async def killed(self) -> None:
        """kill -9."""
        self.speechless, self.replaced = 0.0, True
        pid = await self.there()
        os.kill(pid, signal.SIGKILL)
        await self.there(other_than=pid)

    async def stopped(self, seconds: float) -> None:
        """The process is stopped for a while, less than the watchdog waits."""
        self.speechless, self.replaced = seconds, False
        pid = await self.there()
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
        assert await self.there() == pid, "it was stopped for less than the watchdog waits"

    async def hung(self) -> None:
        """The process is stopped for good: the watchdog has to notice."""
        self.speechless, self.replaced = WATCHDOG + 1.0, True
        pid = await self.there()
        os.kill(pid, signal.SIGSTOP)
        await self.there(other_than=pid)

    # --- the journal --------------------------------------------------------------------------------------------------

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the journal."""
        with closing(sqlite3.connect(self.site.directory / "var" / "journal.db", timeout=5)) as journal:
            return journal.execute(sql, values).fetchall()

    def story(self, call: str) -> list[str]:
        """A call's facts, for people who look for what went wrong."""
        sql = "SELECT at, kind, leg, reason FROM fact WHERE call = ? AND kind <> 'RoutingDecided' ORDER BY seq"
        rows = self.query(sql, call)
        return [
            f"{float(str(at)) % 10**6 / 1000:.3f} {kind} {leg or ''} {reason or ''}" for at, kind, leg, reason in rows
        ]

    def call_of(self, caller: str) -> str:
        """The id of a caller's call."""
        rows = self.query(
            "SELECT call FROM fact WHERE kind = 'CallArrived' AND json_extract(details, '$.caller_number') = ?", caller
        )
        if len(rows) != 1:
            raise Lost("fact", f"{caller} arrived {len(rows)} times")
        return str(rows[0][0])


@asynccontextmanager
async def staged(site: SiteUp, seed: int, manners: Callable[[str], Manners]) -> AsyncIterator[Stage]:
    """The people of a site, there and registered, until the end."""
    host, port = site.server.rsplit(":", 1)
    server = (host, int(port))
    customers = await robot(site.base_port + 3, manners)
    callers = await trunk(server)
    desks = {
        part: await desk(phone_of(part), f"chaos-test-{phone_of(part)}", server, PATIENCE.get(part, 0.1))
        for part in PARTS
    }
    stage = Stage(
        site,
        random.Random(seed),
        Client(site.directory / "var" / "control.sock"),
        callers,
        desks,
        customers,
        server,
        registered=time.monotonic(),
    )
    try:
        yield stage
    finally:
        for phone in desks.values():
            for visit in phone.visits:
                if visit.answered is not None:
                    phone.hang_up(visit)
        for one in (*desks.values(), customers, callers):
            one.close()
        await asyncio.sleep(0.1)
