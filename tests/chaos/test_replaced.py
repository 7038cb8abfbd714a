"""A daemon that hangs for a minute (SIGSTOP) where it is run as it should be: `up` replaces it after `watchdog`, and the minute is over
then. Who waits keeps music, place and words within the limit; who calls meanwhile is answered by the next daemon.

Part of `make chaos`; what is played in each round of test_daemon.py besides is the same blow in every other state of a call.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.live.lab import SiteUp, free_base, site_running
from tests.live.robots import Manners

from .chance import LONG, SEED
from .phones import Dialled
from .stage import AT_MOST, EXTRA, WATCHDOG, Lost, Stage, agent_of, number_of, staged

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
A_MINUTE = 60.0
FIRST_WORD = 20.0
"""Seconds within which who waits has been spoken to; `check_in_aim` is 12."""
STARTS_WITHIN = 10.0
"""Seconds that the next daemon may take to start, on a machine that does other things too."""


@pytest.fixture
def watched_site(tmp_path: Path) -> Iterator[SiteUp]:
    """A site whose daemon `up` watches over."""
    with site_running(tmp_path / "site", free_base(), EXTRA) as site:
        yield site


def words(stage: Stage, call: Dialled) -> list[tuple[float, float]]:
    """When each word to a caller began and ended, by the journal."""
    sql = "SELECT json_extract(details, '$.started'), at / 1000.0 FROM fact WHERE kind = 'CheckedIn' AND call = ? ORDER BY seq"
    return [(float(str(began)), float(str(over))) for began, over in stage.query(sql, stage.call_of(call.caller))]


def longest_silence(stage: Stage, call: Dialled) -> float:
    """The longest time without a word to a caller, from entering the line to the last word that was said."""
    sql = "SELECT at / 1000.0 FROM fact WHERE kind = 'CallEntered' AND call = ? ORDER BY seq LIMIT 1"
    [(entered,)] = stage.query(sql, stage.call_of(call.caller))
    said = [(0.0, float(str(entered))), *words(stage, call)]
    return max(following - over for (_, over), (following, _) in pairwise(said))


async def callers(stage: Stage, count: int) -> list[Dialled]:
    """Some who wait in the line, a second and more apart, so that their words are due at different times."""
    found = []
    for _ in range(count):
        found.append(await stage.dial(number_of("line")))
        await stage.waits(found[-1], "waiting")
        await asyncio.sleep(stage.random.uniform(1.0, 2.5))
    return found


async def taken(stage: Stage, expected: list[Dialled]) -> Dialled:
    """The agent is free: one of these callers is given through, and talks. Returns who it was."""
    since = time.time()
    visit = await stage.rung("line", since - 1.0)
    voice = stage.desks["line"].voice(visit)
    await stage.until(
        lambda: any(one.voice.hears(voice.says, since - 1.0) for one in expected),
        5,
        "somebody hears the agent",
        "order",
    )
    call = next(one for one in expected if one.voice.hears(voice.says, since - 1.0))
    stage.desks["line"].hang_up(visit)
    await stage.until(lambda: call.ended, 5, "the caller is let go", "conversation")
    return call


if LONG:

    async def test_stopped_for_a_minute_and_replaced(watched_site: SiteUp, capsys: pytest.CaptureFixture[str]) -> None:
        async with staged(watched_site, SEED, lambda number: Manners()) as stage:
            pid = await stage.there()
            await asyncio.to_thread(stage.client.pause, agent_of("line"), "chaos")
            waiting = await callers(stage, 4)
            await stage.until(
                lambda: all(words(stage, one) for one in waiting), FIRST_WORD, "everybody has heard a word"
            )
            stage.struck, stage.speechless, stage.replaced = time.time(), WATCHDOG + 1.0, True
            os.kill(pid, signal.SIGSTOP)
            late = []
            for _ in range(2):
                late.append(await stage.dial(number_of("line")))
                await asyncio.sleep(WATCHDOG / 3)
            await stage.there(other_than=pid)
            stage.back = time.time()
            away = stage.back - stage.struck
            assert WATCHDOG / 2 - 1.0 < away < WATCHDOG + STARTS_WITHIN < A_MINUTE, f"replaced after {away:.1f} s"
            with pytest.raises(ProcessLookupError):  # nothing is left that could go on after the minute
                os.kill(pid, signal.SIGCONT)
            for call in late:
                await stage.waits(call, "waiting")
            answered = time.time() - stage.back
            await stage.until(
                lambda: all(words(stage, one) and words(stage, one)[-1][0] > stage.back for one in (*waiting, *late)),
                AT_MOST,
                "everybody hears a word from the next daemon",
                "word",
            )
            silences = [longest_silence(stage, one) for one in (*waiting, *late)]
            if stage.query("SELECT 1 FROM fact WHERE kind = 'CheckInBreached'") or max(silences) > AT_MOST:
                raise Lost("word", f"silences of {silences}")
            for call in waiting:
                await stage.never_silent(call, "in line")
            await asyncio.to_thread(stage.client.resume, agent_of("line"))
            order = [await taken(stage, [*waiting, *late]) for _ in (*waiting, *late)]
            assert order[: len(waiting)] == waiting, "those who waited before go first, in their order"
            with capsys.disabled():
                sys.stdout.write(
                    f"\nSIGSTOP: replaced after {away:.1f} s (watchdog {WATCHDOG} s), {len(late)} new callers in line "
                    f"{answered:.1f} s later; longest silence {max(silences):.1f} s of {AT_MOST:g} s\n"
                )
