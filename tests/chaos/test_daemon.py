"""The daemon is killed (-9), stopped for a while, or hangs, with real calls in every state a call can be in: what is lost is counted.

`make chaos` plays many rounds (CHAOS_ROUNDS), `make test` two. CHAOS_SEED makes the same choices again.
"""

import asyncio
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.live.lab import SiteUp, free_base, site_running
from tests.live.robots import Manners

from .chance import LONG, SEED
from .more_parts import EVERY
from .parts import Part
from .stage import AT_MOST, EXTRA, EXTRA_UNWATCHED, STOPPED, UNWATCHED, Lost, Stage, friendly, number_of, staged

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "2"))
pytestmark = [pytest.mark.live, pytest.mark.timeout(120 + 60 * ROUNDS)]
ONLY = os.environ.get("CHAOS_PARTS", "")
SAID_WITHIN = 2.0
"""Seconds after its return within which a daemon that hung speaks to those who should have been spoken to."""


@pytest.fixture(scope="module")
def chaos_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    """A site whose daemon is struck again and again."""
    with site_running(tmp_path_factory.mktemp("chaos") / "site", free_base(), EXTRA) as site:
        yield site


async def step(part: AsyncIterator[None]) -> Exception | None:
    """Let a part go on to its next yield or its end; what it lost is returned."""
    try:
        await anext(part)
    except StopAsyncIteration:
        return None
    except Exception as error:
        return error
    return None


async def play(
    stage: Stage, blow: Callable[[], Awaitable[None]], parts: tuple[Part, ...]
) -> list[tuple[str, Exception]]:
    """One round: all parts at once, a blow in the middle. Returns what was lost in which part."""
    playing = {part.__name__: part(stage) for part in parts}
    lost: list[tuple[str, Exception]] = []

    async def act() -> None:
        errors = await asyncio.gather(*(step(one) for one in playing.values()))
        for name, error in zip(list(playing), errors, strict=True):
            if error is not None:
                lost.append((name, error))
                del playing[name]

    await stage.there()
    await stage.registers()
    stage.began = time.time()
    await act()
    stage.struck = time.time()
    await asyncio.gather(blow(), act())
    stage.back = time.time()
    await act()
    lost += await afterwards(stage)
    return lost


async def afterwards(stage: Stage) -> list[tuple[str, Exception]]:
    """Nobody is here any more, every call has one end, and nobody waited longer without a word than was promised."""
    lost: list[tuple[str, Exception]] = []
    for call in stage.trunk.calls:
        stage.trunk.hang_up(call)

    async def nobody() -> bool:
        return not await stage.calls() and stage.site.channels() == []

    try:
        await stage.until(nobody, 10, "all calls and channels are gone", "ghost")
        await asyncio.sleep(0.3)
        for call in stage.trunk.calls:
            if call.dialled < stage.began:
                continue
            story = stage.story(stage.call_of(call.caller))
            if sum(" CallEnded " in line for line in story) != 1:
                raise Lost("fact", f"not one end: {story}")
        sql = "SELECT call, details FROM fact WHERE kind = 'CheckInBreached' AND at BETWEEN ? AND ?"
        for since, until in _promised(stage):
            for row in stage.query(sql, int(since * 1000), int(until * 1000)):
                raise Lost("word", f"{row} {stage.story(str(row[0]))}")
    except Lost as error:
        lost.append(("afterwards", error))
    return lost


def _promised(stage: Stage) -> list[tuple[float, float]]:
    """The times in which nobody's silence may become too long: all, but for those of a daemon that hung longer than that."""
    if stage.speechless < AT_MOST:
        return [(stage.began, time.time())]
    return [(stage.began, stage.struck), (stage.back + SAID_WITHIN, time.time())]


async def test_struck_in_every_state(chaos_site: SiteUp, capsys: pytest.CaptureFixture[str]) -> None:
    counted: Counter[str] = Counter()
    stories: list[str] = []
    blows: Counter[str] = Counter()
    parts = tuple(part for part in EVERY if not ONLY or part.__name__ in ONLY.split(","))
    async with staged(chaos_site, SEED, friendly) as stage:
        choices: tuple[Callable[[], Awaitable[None]], ...] = (
            stage.killed,
            stage.hung,
            lambda: stage.stopped(STOPPED),
        )
        names = ("kill -9", "hung", f"stopped {STOPPED:g} s")
        for number in range(ROUNDS):
            began = time.monotonic()
            which = number % len(choices)
            blows[names[which]] += 1
            for name, error in await play(stage, choices[which], parts):
                counted[error.what if isinstance(error, Lost) else "trouble"] += 1
                story = str(error) if isinstance(error, Lost) else "".join(traceback.format_exception(error))
                stories.append(f"round {number + 1} ({names[which]}), {name}: {story}")
            with capsys.disabled():
                sys.stdout.write(
                    f"\nround {number + 1}: {names[which]}, {time.monotonic() - began:.1f} s, lost: {dict(counted)}"
                )
        with capsys.disabled():
            told = ", ".join(f"{name} {count}" for name, count in blows.items())
            sys.stdout.write(
                f"\n{ROUNDS} rounds (seed {SEED}): {told}; {len(stage.trunk.calls)} callers; lost: {dict(counted)}\n"
            )
    assert not stories, "\n".join(stories)


if LONG:

    async def test_stopped_for_a_minute_and_nobody_replaces_it(tmp_path: Path) -> None:
        with site_running(tmp_path / "site", free_base(), EXTRA_UNWATCHED) as site:
            async with staged(site, SEED, friendly) as stage:
                for _ in range(max(1, ROUNDS // 10)):
                    lost = await play(stage, lambda: stage.stopped(UNWATCHED), EVERY)
                    assert lost == [], "\n".join(f"{part}: {error!r}" for part, error in lost)


async def test_asterisk_killed_with_calls_up(chaos_site: SiteUp) -> None:
    async with staged(chaos_site, SEED, lambda number: Manners()) as stage:
        await stage.there()
        since = time.time()
        talking, waiting = await stage.dial(number_of("line")), await stage.dial(number_of("line"))
        await stage.rung("line", since)
        await stage.waits(waiting, "waiting", "talking")
        await stage.waits(talking, "waiting", "talking")
        ids = [stage.call_of(call.caller) for call in (talking, waiting)]
        pid = await stage.there()
        (asterisk,) = asterisk_of(chaos_site)
        os.kill(asterisk, signal.SIGKILL)
        await stage.until(lambda: asterisk_of(chaos_site) not in ([], [asterisk]), 20, "Asterisk is started again")
        assert await stage.there() == pid, "the daemon stays"

        async def written_down() -> bool:
            stories = [stage.story(id_) for id_ in ids]
            return all(sum(" CallEnded " in line for line in story) == 1 for story in stories)

        await stage.until(written_down, 15, "the ends of both calls are written down, once", "fact")
        assert await stage.calls() == (), "nobody haunts the line"
        for phone in stage.desks.values():
            phone.forget()
        stage.registered = 0.0
        await stage.until(lambda: _registered(stage), 20, "phones register again")
        since = time.time()
        call = await stage.dial(number_of("line"))
        visit = await stage.rung("line", since)
        await stage.together(call, "line", visit)
        stage.trunk.hang_up(call)


def asterisk_of(site: SiteUp) -> list[int]:
    """The process of a site's Asterisk."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().decode(errors="replace").split("\0")
            if "-rx" not in words and any(
                word.startswith(str(site.directory)) and word.endswith("asterisk.conf") for word in words
            ):
                found.append(int(path.parent.name))
    return found


async def _registered(stage: Stage) -> bool:
    with suppress(TimeoutError):
        await stage.registers()
        return True
    stage.registered = 0.0
    return False
