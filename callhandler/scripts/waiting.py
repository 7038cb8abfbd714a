"""In line: music, until an agent's phone is answered (Asterisk then takes the caller out of this script) or the line sends the caller on.

Leaving the line is not this script's to remember: the end of the caller's channel does it, whatever happened here.
"""

from callhandler.core import events as e
from callhandler.core.model import Outcome
from callhandler.scripts.caller import Prompt, Sound
from callhandler.scripts.house import Session

LISTEN = 60.0


async def wait_in_line(session: Session, queue_id: str) -> str:
    """Wait in a queue; return where the caller goes when the line sends them on, having told them."""
    house, call, caller = session.house, session.call, session.caller
    await caller.answer()
    if call.queue is None:
        outcome = house.enter(call, queue_id)
        if outcome is not None:
            return await told(session, queue_id, outcome)
        greeting = house.site.queues[queue_id].greeting
        if greeting is not None:
            await caller.say(Prompt(greeting))
    await caller.music(_music(session, queue_id))
    while session.visit.news is None:
        await caller.key(LISTEN)
    order = session.visit.news
    return await told(session, order.queue, order.outcome)


def _music(session: Session, queue_id: str) -> str:
    queue = session.house.site.queues.get(queue_id)
    return queue.music if queue is not None else "default"


async def told(session: Session, queue_id: str, outcome: Outcome) -> str:
    """Tell the caller what comes now, and return where the queue's fallback leads."""
    house, caller = session.house, session.caller
    await caller.music(None)
    await caller.say(Sound("vm-nobodyavail" if outcome is Outcome.NOBODY else "tt-allbusy"))
    queue = house.site.queues.get(queue_id)
    to = queue.fallback if queue is not None else "operator"
    house.note(e.CallSent(at=house.now(), call=session.call.id, to=to, reason=f"{outcome} in queue {queue_id}"))
    return to
