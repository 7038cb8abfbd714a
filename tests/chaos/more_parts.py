"""More parts of a round of chaos (parts.py says what one is): calls that are with nobody's queue, in a dialogue, between two calls."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

from tests.live.robots import Visit

from .parts import ALL, Part, connected, never_parted, presses, talk_over
from .phones import Dialled
from .stage import LONGEST_GAP, OUTSIDE, WRAP_UP, Lost, Stage, agent_of, number_of

_numbers = itertools.count(1)
LATE = 5.0
"""Seconds within which who is next is offered once wrap-up is over and the daemon there."""


async def at_an_extension(stage: Stage) -> AsyncIterator[None]:
    """Sent to an extension, whose phone rings, or is answered already, or is in the very moment."""
    since = time.time()
    call = await stage.dial("5153")
    visit = await stage.rung("ext", since, answered=False)
    early = stage.random.random() < 0.5
    if early:
        await _picks_up(stage, call, visit)
    await stage.waits(call, "elsewhere")
    yield
    if not early:
        await asyncio.sleep(stage.random.choice((0.0, 0.005, 0.5)))
        await _picks_up(stage, call, visit)
    yield
    if early:
        never_parted(stage, "ext", call, visit)
    await stage.waits(call, "elsewhere")
    await stage.together(call, "ext", visit)
    await talk_over(stage, "ext", call, visit)


async def _picks_up(stage: Stage, call: Dialled, visit: Visit) -> None:
    stage.desks["ext"].answer(visit)
    await stage.together(call, "ext", visit)


async def overflowed(stage: Stage) -> AsyncIterator[None]:
    """Talking with a number outside, to which a line overflowed: the far end hears the caller all the time."""
    since = time.time()
    call = await stage.dial("5154")
    await stage.until(lambda: _outside(stage, since), 15, "the number outside is rung and answered")
    visit = _outside(stage, since)
    assert visit is not None
    ear = visit.ear
    assert ear is not None
    spoken = bytes([call.voice.says]) * 800
    await stage.until(lambda: ear.heard.endswith(spoken), 5, "the number outside hears the caller", "conversation")
    await stage.waits(call, "elsewhere")
    began, heard = time.time(), len(ear.heard)
    yield
    yield
    if call.ended or visit.ended:
        raise Lost("conversation", "outside: somebody was hung up on")
    missing = time.time() - began - (len(ear.heard) - heard) / 8_000
    if missing > LONGEST_GAP or set(ear.heard[heard:]) != {call.voice.says}:
        raise Lost("conversation", f"outside: {missing:.2f} s of the caller's words are missing")
    stage.trunk.hang_up(call)
    await stage.until(lambda: visit.ended, 5, "the number outside is let go", "ghost")


def _outside(stage: Stage, since: float) -> Visit | None:
    visits = [
        one for one in stage.customers.visits if one.number == OUTSIDE and one.rang >= since and one.ear is not None
    ]
    return visits[-1] if visits and visits[-1].answered else None


async def given_on(stage: Stage) -> AsyncIterator[None]:
    """On hold while a colleague is asked, and given to the colleague in the very moment (REFER with Replaces)."""
    call, visit = await connected(stage, "asks")
    stage.desks["asks"].hold(visit, on=True)
    await stage.waits(call, "on hold")
    since = time.time()
    asked = await stage.dial(number_of("asked"))
    colleague = await stage.rung("asked", since)
    await stage.together(asked, "asked", colleague)
    yield
    await asyncio.sleep(stage.random.choice((0.0, 0.002, 0.01, 0.05)))
    stage.desks["asks"].give_on(visit, asked)
    yield
    if call.ended:
        raise Lost("waiting caller", "given on: hung up on")
    await stage.together(call, "asked", colleague)
    stage.desks["asks"].hang_up(visit)  # as a phone does that was told of the transfer's success
    await stage.until(lambda: asked.ended, 5, "the first agent's second call is over", "conversation")
    await talk_over(stage, "asked", call, colleague)


async def asking_to_be_called(stage: Stage) -> AsyncIterator[None]:
    """Asking by keys to be called back, however far: with a callback or in line afterwards, and talked with once."""
    agent = agent_of("promise")
    await asyncio.to_thread(stage.client.pause, agent, "chaos")
    call = await stage.trunk.dial(f"+1202556{next(_numbers):04}", number_of("promise"))
    await stage.waits(call, "waiting")
    id_ = await stage.id_of(call)
    for _ in range(stage.random.randrange(1, 4)):  # be called back, at this number, as soon as it is my turn
        await asyncio.sleep(stage.random.uniform(0.4, 1.5))
        stage.trunk.press(call, "1")
    yield
    yield
    promised = "SELECT 1 FROM fact WHERE kind = 'CallbackRequested' AND call = ?"
    if call.ended and not stage.query(promised, id_):
        raise Lost("waiting caller", f"asking: hung up on with no callback: {stage.story(id_)}")
    pressing = asyncio.get_running_loop().create_task(presses(stage, "promise"))
    try:
        await asyncio.to_thread(stage.client.resume, agent)
        talked = "SELECT 1 FROM fact WHERE kind = 'CallConnected' AND call = ?"
        await stage.until(lambda: stage.query(talked, id_), 40, f"talked with: {stage.story(id_)}", "callback")
        if not call.ended:
            stage.trunk.hang_up(call)
        over = "SELECT 1 FROM fact WHERE kind = 'CallEnded' AND call = ?"
        await stage.until(lambda: stage.query(over, id_), 20, f"the call is over: {stage.story(id_)}", "callback")
    finally:
        pressing.cancel()
    if sum(" CallConnected " in line for line in stage.story(id_)) != 1:
        raise Lost("callback", f"not talked with once: {stage.story(id_)}")


async def wrapping_up(stage: Stage) -> AsyncIterator[None]:
    """An agent wraps up, and somebody waits: offered when that is over, neither sooner nor much later."""
    call, visit = await connected(stage, "wrap")
    other = await stage.dial(number_of("wrap"))
    await stage.waits(other, "waiting")
    await talk_over(stage, "wrap", call, visit)
    ended = time.time()
    yield
    yield
    visit = await stage.rung("wrap", ended, WRAP_UP["wrap"] + LATE + 5.0)
    if visit.rang < ended + WRAP_UP["wrap"] - 0.5:
        raise Lost("wrap-up", f"rung {visit.rang - ended:.1f} s after the talk")
    if visit.rang > (due := max(ended + WRAP_UP["wrap"], stage.back)) + LATE:
        raise Lost("waiting caller", f"rung {visit.rang - due:.1f} s late")
    await stage.together(other, "wrap", visit)
    await talk_over(stage, "wrap", other, visit)


EVERY: tuple[Part, ...] = (
    *ALL,
    at_an_extension,
    overflowed,
    given_on,
    asking_to_be_called,
    wrapping_up,
)
