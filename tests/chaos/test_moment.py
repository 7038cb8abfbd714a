"""The moment in which a phone is answered and joined with the caller: whoever hangs up, or is paused, in those milliseconds.

Asterisk loses a caller's BYE there (`asterisk/leaving.py`), and an offer taken back there used to cost the caller the line. The
milliseconds are tried around the answer, by chance (CHAOS_SEED).
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.live.lab import SiteUp, free_base, site_running
from tests.live.robots import Manners

from .chance import LONG, SEED
from .stage import EXTRA, Stage, agent_of, number_of, staged

TRIES = 40 if LONG else 3
AGENTS = ("talk", "hold", "line", "ring", "offer", "answer", "ghost", "target")
"""Parts that play this at the same time."""
pytestmark = [pytest.mark.live, pytest.mark.timeout(400 + 20 * TRIES)]
Try = Callable[[Stage, str], Awaitable[None]]


@pytest.fixture(scope="module")
def moment_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    """A site for these moments."""
    with site_running(tmp_path_factory.mktemp("moment") / "site", free_base(), EXTRA) as site:
        yield site


async def many(site: SiteUp, one: Try) -> None:
    """Try it often, several at once."""
    async with staged(site, SEED, lambda number: Manners()) as stage:
        await stage.there()
        for part in AGENTS:
            stage.desks[part].patience = None

        async def tries(part: str) -> None:
            for _ in range(TRIES):
                await one(stage, part)

        await asyncio.gather(*(tries(part) for part in AGENTS))
        await stage.until(lambda: not site.channels(), 10, "all channels are gone", "ghost")


async def hangs_up(stage: Stage, part: str) -> None:
    """The caller hangs up around the answer: the agent is free again at once."""
    since = time.time()
    call = await stage.dial(number_of(part))
    visit = await stage.rung(part, since, answered=False)
    pause = stage.random.uniform(-0.003, 0.006)
    loop = asyncio.get_running_loop()
    loop.call_later(0.01, stage.desks[part].answer, visit)
    loop.call_later(0.01 + pause, stage.trunk.hang_up, call)
    await stage.until(lambda: visit.ended, 4, f"the agent of {part} is let go, {pause * 1000:.1f} ms", "ghost")


async def is_paused(stage: Stage, part: str) -> None:
    """The agent is sent on break around the answer: they talk, or the caller waits on."""
    since = time.time()
    call = await stage.dial(number_of(part))
    visit = await stage.rung(part, since, answered=False)
    asyncio.get_running_loop().call_later(stage.random.uniform(0.0, 0.012), stage.desks[part].answer, visit)
    await asyncio.to_thread(stage.client.pause, agent_of(part), "chaos")
    await asyncio.sleep(0.5)
    assert call.ended is None, f"the caller of {part} was let go: {stage.story(stage.call_of(call.caller))}"
    if visit.ended is not None:
        again = time.time()
        await stage.waits(call, "waiting")
        await asyncio.to_thread(stage.client.resume, agent_of(part))
        visit = await stage.rung(part, again, answered=False)
        stage.desks[part].answer(visit)
    await stage.together(call, part, visit)
    stage.desks[part].hang_up(visit)
    await stage.until(lambda: call.ended, 4, "the caller is let go after the talk", "conversation")
    await asyncio.to_thread(stage.client.resume, agent_of(part))


async def test_the_caller_hangs_up(moment_site: SiteUp, capsys: pytest.CaptureFixture[str]) -> None:
    await many(moment_site, hangs_up)
    with capsys.disabled():
        forgotten = logged(moment_site).count("forgot that somebody hung up")
        sys.stdout.write(f"\n{TRIES * len(AGENTS)} hang-ups, {forgotten} of them forgotten by Asterisk and repeated\n")


def logged(site: SiteUp) -> str:
    """The daemon's log."""
    return (site.directory / "var" / "log" / "callhandler.log").read_text(encoding="utf-8")


async def test_the_agent_is_paused(moment_site: SiteUp) -> None:
    await many(moment_site, is_paused)


async def test_a_caller_given_on_to_a_colleague_who_was_asked_in_line(moment_site: SiteUp) -> None:
    async with staged(moment_site, SEED, lambda number: Manners()) as stage:
        await stage.there()
        since = time.time()
        call = await stage.dial(number_of("menu"))
        visit = await stage.rung("menu", since)
        await stage.together(call, "menu", visit)
        asked = await stage.dial(number_of("greet"))
        colleague = await stage.rung("greet", since)
        await stage.together(asked, "greet", colleague)
        await stage.waits(asked, "talking")
        ids = await stage.id_of(call), await stage.id_of(asked)
        stage.desks["menu"].give_on(visit, asked)
        await stage.together(call, "greet", colleague)
        stage.desks["menu"].hang_up(visit)  # as a phone does that was told of the transfer's success
        await stage.until(lambda: asked.ended, 5, "the first agent's second call is over", "conversation")
        await asyncio.sleep(0.5)
        (here,) = await stage.calls()
        assert (here.id, here.state, here.agent) == (ids[0], "talking", agent_of("greet")), stage.story(ids[0])
        stage.desks["greet"].hang_up(colleague)
        await stage.until(lambda: call.ended, 5, "the caller is let go", "conversation")
        ends = "SELECT agent, reason FROM fact WHERE kind = 'TalkEnded' AND call = ? ORDER BY seq"
        await stage.until(lambda: len(stage.query(ends, ids[0])) == 2, 5, "both talks are written down", "fact")
        assert stage.query(ends, ids[0]) == [(agent_of("menu"), "transferred"), (agent_of("greet"), "agent hung up")]
        assert stage.query(ends, ids[1]) == [(agent_of("greet"), "transferred")]
