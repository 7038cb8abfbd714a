"""A site that calls customers first, its daemon killed (-9) at any step of a callback: said yes, kept waiting for an agent, or talking.

Part of `make chaos`; whose agent is rung first is played in each round of test_daemon.py.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.lab import SiteUp, free_base, site_running
from tests.live.robots import Manners

from .chance import LONG, SEED
from .parts import called_back
from .stage import EXTRA, staged
from .test_daemon import ROUNDS, play

pytestmark = [pytest.mark.live, pytest.mark.timeout(120 + 90 * ROUNDS)]
FIRST = EXTRA.replace("[callbacks]\n", '[callbacks]\nfirst = "customer"\ncustomer_waits = 20\n')
TALK = 8.0
"""Seconds after its answer at which a customer hangs up: the daemon is back by then."""


@pytest.fixture
def first_site(tmp_path: Path) -> Iterator[SiteUp]:
    """A site that calls customers first."""
    with site_running(tmp_path / "site", free_base(), FIRST) as site:
        yield site


if LONG:

    async def test_killed_at_any_step_of_a_customer_first_callback(
        first_site: SiteUp, capsys: pytest.CaptureFixture[str]
    ) -> None:
        stories: list[str] = []
        async with staged(first_site, SEED, lambda _: Manners(0.15, keys="1111", pause=0.5, talk=TALK)) as stage:
            for number in range(ROUNDS):
                stage.desks["back"].patience = stage.random.choice((0.1, 2.5))  # how long a customer who said yes waits
                lost = await play(stage, stage.killed, (called_back,))
                stories += [f"round {number + 1}, {part}: {error!r}" for part, error in lost]
            rung = len(stage.customers.visits)
        with capsys.disabled():
            sys.stdout.write(f"\n{ROUNDS} callbacks (seed {SEED}), {rung} calls to customers; lost: {len(stories)}\n")
        assert not stories, "\n".join(stories)
