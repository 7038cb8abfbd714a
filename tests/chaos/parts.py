"""The parts that are played in a round of chaos: a caller in every state a call can be in when the daemon is struck.

Each part is an asynchronous generator. It gets its call into the state and yields; goes on in the very moment of the blow, and yields;
goes on when the daemon is there again, sees to the end of its call, and raises `Lost` for what was lost.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from itertools import pairwise

from callhandler.errors import CallhandlerError
from tests.live.robots import Visit

from .phones import Dialled
from .stage import LONGEST_GAP, Lost, Stage, agent_of, number_of

Part = Callable[[Stage], AsyncIterator[None]]


async def connected(stage: Stage, part: str) -> tuple[Dialled, Visit]:
    """A caller and the agent of a part talk."""
    since = time.time()
    call = await stage.dial(number_of(part))
    visit = await stage.rung(part, since)
    await stage.together(call, part, visit)
    return call, visit


def never_parted(stage: Stage, part: str, call: Dialled, visit: Visit) -> None:
    """Both heard each other all the time, up to now."""
    voice, until = stage.desks[part].voice(visit), time.time()
    if call.ended or visit.ended:
        raise Lost("conversation", f"{part}: somebody was hung up on")
    for ear, other in ((call.voice, voice), (voice, call.voice)):
        gap, _ = ear.longest_gap(stage.struck - 0.5, until, other.says)
        if gap > LONGEST_GAP:
            raise Lost("conversation", f"{part}: {gap:.2f} s of silence")


async def talk_over(stage: Stage, part: str, call: Dialled, visit: Visit) -> None:
    """The agent hangs up, and the caller is let go."""
    stage.desks[part].hang_up(visit)
    await stage.until(lambda: call.ended, 5, f"the caller of {part} is let go", "conversation")


async def talking(stage: Stage) -> AsyncIterator[None]:
    """In conversation."""
    call, visit = await connected(stage, "talk")
    yield
    yield
    never_parted(stage, "talk", call, visit)
    await talk_over(stage, "talk", call, visit)


async def on_hold(stage: Stage) -> AsyncIterator[None]:
    """On hold by the agent's handset."""
    call, visit = await connected(stage, "hold")
    stage.desks["hold"].hold(visit, on=True)
    await stage.waits(call, "on hold")
    yield
    yield
    if call.ended or visit.ended:
        raise Lost("conversation", "hold: somebody was hung up on")
    await stage.never_silent(call, "on hold")
    stage.desks["hold"].hold(visit, on=False)
    await stage.together(call, "hold", visit)
    await talk_over(stage, "hold", call, visit)


async def in_line(stage: Stage) -> AsyncIterator[None]:
    """One talks, three wait: they are answered in their order."""
    first, visit = await connected(stage, "line")
    waiting = []
    for _ in range(3):
        call = await stage.dial(number_of("line"))
        await stage.waits(call, "waiting")
        waiting.append(call)
    yield
    yield
    never_parted(stage, "line", first, visit)
    for call in waiting:
        if call.ended:
            raise Lost("waiting caller", f"{call.caller} was hung up on in line")
        await stage.never_silent(call, "in line")
    for before, call in pairwise([first, *waiting]):
        since = time.time()
        await talk_over(stage, "line", before, visit)
        visit = await stage.rung("line", since)
        heard = [one for one in waiting if one.voice.hears(stage.desks["line"].voice(visit).says, since)]
        for _ in range(60):
            heard = [one for one in waiting if one.voice.hears(stage.desks["line"].voice(visit).says, since)]
            if heard:
                break
            await asyncio.sleep(0.05)
        if heard != [call]:
            raise Lost("order", f"{call.caller} was next, and {[one.caller for one in heard]} was answered")
    await talk_over(stage, "line", waiting[-1], visit)


async def in_menu(stage: Stage) -> AsyncIterator[None]:
    """In a menu: there again when the daemon is."""
    call = await stage.dial("5150")
    await stage.waits(call, "in menu")
    yield
    yield
    await _chooses(stage, call, "menu")


async def _chooses(stage: Stage, call: Dialled, part: str) -> None:
    since = time.time()
    for _ in range(20):
        if call.ended or call.refused:
            raise Lost("waiting caller", f"{part}: hung up on {call.refused}")
        if any(one.rang >= since for one in stage.desks[part].visits):
            break
        if call.answered:
            stage.trunk.press(call, "1")
        await asyncio.sleep(0.6)
    visit = await stage.rung(part, since)
    await stage.together(call, part, visit)
    await talk_over(stage, part, call, visit)


async def greeted(stage: Stage) -> AsyncIterator[None]:
    """Just arriving, or in the greeting."""
    pause = stage.random.choice((0.0, 0.0, 0.01, 0.05, 1.0))
    before = stage.random.random() < 0.5
    call = await stage.dial("5151") if before else None
    yield
    await asyncio.sleep(pause)
    call = call or await stage.dial("5151")
    yield
    await _chooses(stage, call, "greet")


async def ringing(stage: Stage) -> AsyncIterator[None]:
    """The agent's phone rings, and is answered while the daemon is away."""
    since = time.time()
    call = await stage.dial(number_of("ring"))
    visit = await stage.rung("ring", since, answered=False)
    yield
    await asyncio.sleep(stage.random.uniform(0.0, 1.5))
    stage.desks["ring"].answer(visit)
    await stage.together(call, "ring", visit)
    yield
    await stage.waits(call, "talking")
    if call.ended or visit.ended:
        raise Lost("conversation", "ring: somebody was hung up on")
    await stage.together(call, "ring", visit)
    await talk_over(stage, "ring", call, visit)


async def answered(stage: Stage) -> AsyncIterator[None]:
    """The agent picks up in the very moment."""
    since = time.time()
    call = await stage.dial(number_of("answer"))
    visit = await stage.rung("answer", since, answered=False)
    yield
    await asyncio.sleep(stage.random.choice((0.0, 0.001, 0.002, 0.005, 0.02)))
    stage.desks["answer"].answer(visit)
    yield
    await stage.waits(call, "talking")
    await stage.together(call, "answer", visit)
    await talk_over(stage, "answer", call, visit)


async def being_offered(stage: Stage) -> AsyncIterator[None]:
    """The agent comes back from a break in the very moment, and the call is offered, or just not yet."""
    agent = agent_of("offer")
    await asyncio.to_thread(stage.client.pause, agent, "chaos")
    call = await stage.dial(number_of("offer"))
    await stage.waits(call, "waiting")
    since = time.time()
    yield
    with suppress(CallhandlerError):  # it was away already: the agent tries again
        await asyncio.to_thread(stage.client.resume, agent)
    yield
    await asyncio.to_thread(stage.client.resume, agent)
    if call.ended:
        raise Lost("waiting caller", "offer: hung up on")
    await stage.rung("offer", since)
    await stage.waits(call, "talking")
    visit = next(one for one in reversed(stage.desks["offer"].visits) if one.answered and not one.ended)
    await stage.together(call, "offer", visit)
    await talk_over(stage, "offer", call, visit)


async def transferred(stage: Stage) -> AsyncIterator[None]:
    """Sent on to another line, without asking there first, in the very moment."""
    call, visit = await connected(stage, "blind")
    since = time.time()
    yield
    await asyncio.sleep(stage.random.choice((0.0, 0.002, 0.01, 0.05)))
    stage.desks["blind"].transfer(visit, number_of("target"))
    yield
    if call.ended:
        raise Lost("waiting caller", "transfer: hung up on")
    target = await stage.rung("target", since, 20)
    await stage.together(call, "target", target)
    await talk_over(stage, "target", call, target)


async def leaving_a_message(stage: Stage) -> AsyncIterator[None]:
    """In the middle of recording a message, and speaks on until the daemon is back: one message is kept."""
    call = await stage.dial("5152")
    id_ = await stage.id_of(call)
    await stage.until(lambda: _recorded(stage, id_, stage.began) > 0.5, 20, "a message is recorded")
    yield
    yield
    await asyncio.sleep(3.0)
    if call.ended:
        raise Lost("waiting caller", "message: hung up on")
    stage.trunk.hang_up(call)
    await _kept(stage, id_)


async def _kept(stage: Stage, call: str) -> None:
    left = "SELECT 1 FROM fact WHERE kind = 'MessageLeft' AND call = ?"
    await stage.until(lambda: stage.query(left, call), 8, "the message is kept", "message")
    if len(stage.query(left, call)) != 1:
        raise Lost("message", f"kept more than once: {stage.story(call)}")


async def spoke_and_left(stage: Stage) -> AsyncIterator[None]:
    """In the middle of recording a message, and hangs up while the daemon is away: what was said is a message."""
    call = await stage.dial("5152")
    id_ = await stage.id_of(call)
    await stage.until(lambda: _recorded(stage, id_, stage.began) > 3.0, 20, "a message is recorded")
    yield
    await asyncio.sleep(stage.random.uniform(0.0, 1.0))
    stage.trunk.hang_up(call)
    yield
    await _kept(stage, id_)


def _recorded(stage: Stage, call: str, since: float) -> float:
    """How many seconds of a call's message were recorded into a file that was begun after `since`: 16,000 bytes a second."""
    files = (stage.site.directory / "var" / "messages").glob(f"{call}*.wav")
    sizes = [found.st_size for found in (file.stat() for file in files) if found.st_mtime > since]
    return max(sizes, default=0) / 16_000


async def gone_meanwhile(stage: Stage) -> AsyncIterator[None]:
    """In line, and hangs up while the daemon is away: no phone may ring for somebody who is gone, and the next caller is not held up."""
    agent = agent_of("ghost")
    await asyncio.to_thread(stage.client.pause, agent, "chaos")
    call, other = await stage.dial(number_of("ghost")), await stage.dial(number_of("ghost"))
    await stage.waits(call, "waiting")
    await stage.waits(other, "waiting")
    yield
    await asyncio.sleep(stage.random.uniform(0.0, 1.0))
    stage.trunk.hang_up(call)
    yield
    since = time.time()
    await asyncio.to_thread(stage.client.resume, agent)
    visit = await stage.rung("ghost", since)
    await stage.together(other, "ghost", visit)
    await talk_over(stage, "ghost", other, visit)


async def called_back(stage: Stage) -> AsyncIterator[None]:
    """A callback in any of its steps."""
    number = f"+1202{5550000 + len(stage.customers.visits):07}"
    seen = len(stage.customers.visits)
    call = (await asyncio.to_thread(stage.client.add_callback, "back", number, "", None)).id
    pressing = asyncio.get_running_loop().create_task(presses(stage, "back"))
    try:
        await asyncio.sleep(stage.random.uniform(0.0, 6.0))
        yield
        yield
        ended = "SELECT 1 FROM fact WHERE kind = 'CallbackEnded' AND call = ?"
        await stage.until(
            lambda: stage.query(ended, call), 40, f"the callback is over: {stage.story(call)}", "callback"
        )
    finally:
        pressing.cancel()
    visits = [one for one in stage.customers.visits[seen:] if one.number == number]
    if any(before.ended is None or before.ended > after.rang for before, after in pairwise(visits)):
        raise Lost("callback", f"two calls to {number} at a time: {stage.story(call)}")
    if sum(" CallConnected " in line for line in stage.story(call)) != 1:
        raise Lost("callback", f"not talked with once: {stage.story(call)}")


async def presses(stage: Stage, part: str) -> None:
    """The agent who is rung for a callback says yes, as often as it takes."""
    while True:
        await asyncio.sleep(0.8)
        for visit in stage.desks[part].visits:
            if visit.answered and not visit.ended and (voice := stage.desks[part].voice(visit)).far is not None:
                voice.press("1")


ALL: tuple[Part, ...] = (
    talking,
    on_hold,
    in_line,
    in_menu,
    greeted,
    ringing,
    answered,
    being_offered,
    transferred,
    leaving_a_message,
    spoke_and_left,
    gone_meanwhile,
    called_back,
)
