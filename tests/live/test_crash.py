"""kill -9 of the daemon with 20 callers waiting and 5 talking: nobody is dropped, the order is kept, the line is taken up again.

What callers and agents met is read from SIP and heard from RTP; only the line's order is asked from the daemon itself.
"""

import asyncio
import itertools
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .hearing import silences
from .lab import SiteUp, callhandler, free_base, listening, site_running
from .sipp import Crowd, Dialled

pytestmark = pytest.mark.live

TALKING, WAITING = 5, 20
PHONES = [str(105 + index) for index in range(TALKING)]
EXTRA = """

# --- for the crash test: a line of its own, served by five agents
[queues.rush]
name = "Rush"
fallback = "say:nobody-here"
wrap_up = 0
steps = [{ wants = "rush" }]

[numbers.5010]
enters = "queue:rush"
""" + "".join(
    f"""
[phones.{phone}]
password = "crash-test-{phone}"

[agents.70{phone[1:]}]
name = "Agent {phone}"
pin = "6183{phone[1:]}"
phone = "{phone}"
skills = {{ rush = 5 }}
"""
    for phone in PHONES
)


@pytest.fixture
def crash_site(tmp_path: Path) -> Iterator[SiteUp]:
    """A site whose daemon may be killed."""
    with site_running(tmp_path / "site", free_base(), EXTRA) as site:
        yield site


def state_of(site: SiteUp) -> dict[str, list[str]]:
    """Caller numbers by what the daemon says of them; the waiting in their order. Empty while it is away."""
    done = callhandler("--site", str(site.directory), "calls", "--json")
    if done.returncode == 3:
        return {}
    assert done.returncode == 0, done.stderr
    states: dict[str, list[tuple[int, str]]] = {}
    for call in json.loads(done.stdout):
        states.setdefault(call["state"], []).append((call["position"] or 0, call["caller_number"]))
    return {state: [number for _, number in sorted(places)] for state, places in states.items()}


async def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.1)


async def test_a_killed_daemon_costs_nobody_the_line(crash_site: SiteUp, tmp_path: Path) -> None:
    site = crash_site
    numbers = [f"49300000{index:03d}" for index in range(TALKING + WAITING)]
    with Crowd(site, tmp_path / "sipp") as crowd:
        for index, phone in enumerate(PHONES):
            # Long enough to talk through the crash, ending one after another; then short.
            crowd.phone(phone, 0.2, [talk_of(phone), *[1.5 + index * 0.1] * 10])
        await until(lambda: free_phones(site) >= TALKING, 60, "phones registered")
        crowd.callers([Dialled(number, "5010", index * 0.12, 90) for index, number in enumerate(numbers[:-1])])
        async with site.trunk_caller(numbers[-1], tmp_path / "last", 440.0) as last:
            with listening(last) as ear:
                await until(lambda: len(state_of(site).get("waiting", [])) == WAITING - 1, 60, "the line is full")
                await last.dial("5010")
                answered = time.time()
                await until(lambda: len(state_of(site).get("waiting", [])) == WAITING, 60, "and one more")
                before = state_of(site)
                # Who dialled a tenth of a second apart may arrive the other way round on a busy machine.
                talking, line = before["talking"], before["waiting"]
                assert len(talking) == TALKING
                assert sorted(talking + line) == numbers

                starts = ready_count(site)
                os.kill(site.daemon_pid(), signal.SIGKILL)
                await until(lambda: ready_count(site) > starts, 60, "the daemon is back")
                await until(lambda: state_of(site) == before, 60, "all taken up again, in the old order")
                await asyncio.sleep(1)
                assert silences(ear.heard(answered + 0.5, time.time()), 1.0) == [], "music through the crash"
                assert not any(call.ended for call in crowd.seen()), "nobody was dropped"
            crowd.callers_done(90)
            await last.hang_up()
        seen = crowd.seen()
    assert len(seen) == len(numbers) - 1
    assert all(call.talk is not None and not call.by_caller for call in seen), "everyone talked, and the agents hung up"
    talks = {call.number: call.talk for call in seen if call.talk is not None}
    for number in talking:
        talk = talks[number]
        assert talk.until is not None
        assert abs(talk.until - talk.since - talk_of(talk.phone)) < 2.0, "conversations went on untouched"
    rung = {call.number: call.rings[0].at for call in seen}
    # Two phones that ring at the same moment are told of by two processes, either of them first.
    for earlier, later in itertools.combinations(line[:-1], 2):
        assert rung[earlier] < rung[later] + 0.1, "first come, first served, through the crash"
    assert gaps(site) == ["GapBegan", "GapEnded"]


def talk_of(phone: str) -> float:
    return 16.0 + PHONES.index(phone) * 0.5


def free_phones(site: SiteUp) -> int:
    agents = site.ask("agents")
    assert isinstance(agents, list)
    return sum(isinstance(agent, dict) and agent["device"] == "free" for agent in agents)


def ready_count(site: SiteUp) -> int:
    """How often `up` has told that the daemon is ready."""
    return (site.directory / "var" / "up.out").read_text(errors="replace").count("The daemon is ready")


def gaps(site: SiteUp) -> list[str]:
    """What the journal says of the time that nobody watched."""
    with closing(sqlite3.connect(site.directory / "var" / "journal.db")) as journal:
        return [kind for (kind,) in journal.execute("SELECT kind FROM fact WHERE kind LIKE 'Gap%' ORDER BY seq")]
