"""The link between the daemon and a real Asterisk is cut, stuck or slow, with real calls in every state: what is lost is counted.

A proxy stands between the two. `make chaos` plays as many rounds as for the daemon's own faults, `make test` the first.
"""

import asyncio
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.live.lab import SiteUp, free_base, site_running

from .between import Between, between
from .chance import LONG, SEED
from .more_parts import EVERY
from .stage import EXTRA, Lost, Stage, friendly, staged
from .test_daemon import play

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1")) if LONG else 1
pytestmark = [pytest.mark.live, pytest.mark.timeout(180 + 75 * ROUNDS)]
SLOW_FOR = 12.0
NOTICED_WITHIN = 25.0
"""Seconds within which a link over which nothing comes is given up: a ping after 10, two of them for 2.5 each, and a busy machine."""
OTHERS = ("Hangup", "Status", "Getvar")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteUp]:
    with site_running(tmp_path / "site", free_base(), EXTRA) as one:
        yield one


async def led_through(stage: Stage, port: int) -> None:
    """Have the daemon reach AMI by another port from now on: a new one reads the site file, while Asterisk stays as it is."""
    file = stage.site.directory / "callhandler.toml"
    text, times = re.subn(r"(?m)^ami_port = \d+", f"ami_port = {port}", file.read_text())
    assert times == 1
    file.write_text(text)
    pid = await stage.there()
    os.kill(pid, signal.SIGKILL)
    await stage.there(other_than=pid)


def rung_twice(stage: Stage) -> list[tuple[str, Exception]]:
    """The phones that were rung while they were rung or talked at: what must not be sent to Asterisk again was."""
    found: list[tuple[str, Exception]] = []
    for part, desk in stage.desks.items():
        for before, after in pairwise(one for one in desk.visits if one.rang >= stage.began):
            if before.ended is None or before.ended > after.rang:
                times = f"{before.rang:.2f} to {before.ended or 0:.2f}, and at {after.rang:.2f}"
                found.append((part, Lost("phone", f"rung twice: {times}")))
    return found


class Blows:
    """What is done to the link. After each the daemon is the same, and sees Asterisk again."""

    def __init__(self, stage: Stage, link: Between) -> None:
        self.stage, self.link = stage, link

    async def cut(self) -> None:
        """Cut between an action and its answer, several times, whether the action got there or not; each new link may be cut, too."""
        random, before = self.stage.random, self.link.connections
        for action in ("Originate", random.choice(OTHERS), random.choice(OTHERS)):
            self.link.cut_at(action, arrives=random.random() < 0.5)
        self.link.drop()  # the snapshot that follows asks for Status and Getvar
        await asyncio.sleep(4.0)
        self.link.mend()
        assert self.link.connections > before

    async def stuck(self) -> None:
        """Half-open: nothing comes, and nobody says why."""
        before = self.link.connections
        self.link.stick()
        await self.stage.until(
            lambda: self.link.connections > before,
            NOTICED_WITHIN,
            "a link over which nothing comes is given up",
            "link",
        )

    async def slow(self) -> None:
        """The daemon hears a few hundred bytes at a time, much later than they were said, or is cut off for that."""
        self.link.slow(0.1)
        await asyncio.sleep(SLOW_FOR)
        self.link.mend()
        self.link.drop()

    async def strike(self, blow: Callable[[], Awaitable[None]]) -> None:
        """Strike, and wait until Asterisk is seen again."""
        self.stage.speechless, self.stage.replaced = 0.0, False
        pid = await self.stage.there()
        await blow()
        assert await self.stage.there() == pid, "the daemon stays"


async def test_the_link_struck_with_calls_in_every_state(site: SiteUp, capsys: pytest.CaptureFixture[str]) -> None:
    stories: list[str] = []
    counted: Counter[str] = Counter()
    ami = site.told["ami"]
    async with (
        between(site.base_port + 4, (ami["host"], ami["port"])) as link,
        staged(site, SEED, friendly) as stage,
    ):
        await led_through(stage, site.base_port + 4)
        blows = Blows(stage, link)
        choices = (blows.cut, blows.stuck, blows.slow)
        for number in range(ROUNDS):
            blow, began = choices[number % len(choices)], time.monotonic()
            lost = await play(stage, lambda blow=blow: blows.strike(blow), EVERY)
            lost += rung_twice(stage)
            stories += [f"round {number + 1} ({blow.__name__}), {part}: {error!r}" for part, error in lost]
            counted.update(getattr(error, "what", "test") for _, error in lost)
            with capsys.disabled():
                sys.stdout.write(
                    f"\nround {number + 1}: {blow.__name__}, {time.monotonic() - began:.1f} s, {len(lost)} lost"
                )
        with capsys.disabled():
            told = f"{ROUNDS} rounds (seed {SEED}): {link.connections} links, cut at {', '.join(link.cuts)}"
            sys.stdout.write(f"\n{told}; {len(stage.trunk.calls)} callers; lost: {dict(counted)}\n")
    assert not stories, "\n".join(stories)
