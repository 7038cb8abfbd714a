"""Leaving a message: beep, record, listen, record again. From the line the caller keeps the place until the message is sent.

Whoever hangs up after having spoken has left a message too. Whoever is connected with an agent in the middle of it has not.
"""

from callhandler.core import events as e
from callhandler.core.inbox import MESSAGE
from callhandler.core.model import Outcome
from callhandler.errors import CallerGone
from callhandler.scripts.caller import Prompt, Recording
from callhandler.scripts.house import Session

LONGEST = 180.0
SHORTEST = 2.0
"""Seconds: what is shorter is somebody who said nothing."""
SILENCE = 5.0
"""Seconds of silence that end a recording."""
TAKES = 5
SEND, LISTEN, AGAIN, BACK = "1", "2", "3", "*"
PATIENCE = 8.0


async def leave_message(session: Session, queue_id: str) -> str | None:
    """Record a message; return where the caller goes next, None when the caller waits on at the same place."""
    caller, house = session.caller, session.house
    queue = house.site.queues.get(queue_id)
    if queue is None or not queue.messages:
        await caller.say(Prompt("std-not-now"))
        return None
    await caller.answer()
    await caller.music(None)
    if await caller.say(Prompt("std-message"), keys=BACK) == BACK:
        return None
    name = house.messages.free_name(session.call.id)
    for _ in range(TAKES):
        seconds = await _take(session, queue_id, name)
        if seconds < SHORTEST:
            await caller.say(Prompt("std-message-empty"))
            continue
        choice = await _choice(session, queue_id, name, seconds)
        if choice == BACK:
            break
        if choice == SEND:
            _keep(session, queue_id, name, seconds)
            await caller.say(Prompt("std-message-kept"))
            return "hangup"
    house.messages.discard(name)
    return None


async def _take(session: Session, queue_id: str, name: str) -> float:
    """Record once; return how long it is. A caller who hangs up has sent what was said."""
    recorded = await session.caller.record(name, most=LONGEST, silence=SILENCE)
    if recorded.gone:
        await _gone(session, queue_id, name, recorded.seconds)
        raise CallerGone("gone while recording")
    return recorded.seconds


async def _choice(session: Session, queue_id: str, name: str, seconds: float) -> str:
    """Ask what is to become of a recording, and play it as often as the caller likes. Who says nothing, or hangs up, sends it."""
    try:
        return await _asked(session, name)
    except CallerGone:
        await _gone(session, queue_id, name, seconds)
        raise


async def _asked(session: Session, name: str) -> str:
    caller, keys = session.caller, SEND + LISTEN + AGAIN + BACK
    for _ in range(TAKES):
        key = await caller.say(Prompt("std-message-choice"), keys=keys) or await caller.key(PATIENCE, keys)
        if key == LISTEN:
            key = await caller.say(Recording(name), keys=SEND + AGAIN + BACK)
            if key is None:
                continue
        return key or SEND
    return SEND


async def _gone(session: Session, queue_id: str, name: str, seconds: float) -> None:
    """The caller's channel is gone in the middle of it: hung up, or joined with an agent, who needs no message."""
    if seconds < SHORTEST or await session.house.joined(session.call):
        session.house.messages.discard(name)
    else:
        _keep(session, queue_id, name, seconds)


def _keep(session: Session, queue_id: str, name: str, seconds: float) -> None:
    house, call = session.house, session.call
    now = house.now()
    if call.queue is not None:
        waited = max(0.0, now - (now if call.entered is None else call.entered))
        reason = "left a message"
        house.note(
            e.CallLeftLine(
                at=now, call=call.id, queue=call.queue, outcome=Outcome.MESSAGE, waited=waited, reason=reason
            )
        )
    file = house.messages.keep(name)
    house.note(e.MessageLeft(at=now, call=call.id, queue=queue_id, file=file, seconds=round(seconds, 1)))
    reason = f"a message of {seconds:.0f} s"
    house.note(
        e.ItemOpened(at=now, call=call.id, queue=queue_id, item=MESSAGE, number=call.caller_number, reason=reason)
    )
