"""Overflow to a number outside, over a trunk: the dialplan dials it, and the caller comes back here when nobody answers, place kept."""

import structlog

from callhandler.core import events as e
from callhandler.core.model import Outcome
from callhandler.errors import Refused
from callhandler.scripts.caller import Prompt, Sound
from callhandler.scripts.house import Session

CONTEXT = "callhandler-outside"
MOST = 3
"""How often one call is sent outside: who comes back from there as often waits, or goes on, without it."""
log = structlog.get_logger("outside")


async def dial_outside(session: Session, number: str) -> str | None:
    """Connect the caller with a number of the site file, which the dialplan knows; return where to go instead when that can't be."""
    await session.caller.answer()
    try:
        if session.call.tried_outside >= MOST:
            raise Refused(f"dialled {MOST} times for this call")
        session.house.call_out(session.call, number)
    except Refused as refused:
        log.warning("a caller can't be connected with a number outside", reason=str(refused), call=session.call.id)
        return await not_reached(session, f"not dialled: {refused}")
    await session.caller.say(Prompt("std-outside"))
    await session.caller.leave(CONTEXT, number)
    return None


async def not_reached(session: Session, reason: str) -> str:
    """Go on where nobody was reached outside: back into line at the old place, else to what the queue has besides, else a message."""
    house, call = session.house, session.call
    queue_id = call.left_queue or ""
    queue = house.site.queues.get(queue_id)
    await session.caller.say(Sound("vm-nobodyavail"))
    if queue is None:
        to = "operator" if not house.site.company.operator.startswith("outside:") else "hangup"
    elif call.outcome is Outcome.TIMEOUT:
        to = f"queue:{queue_id}"
    elif not queue.fallback.startswith("outside:"):
        to = queue.fallback
    else:
        to = f"message:{queue_id}" if queue.messages else "hangup"
    house.note(e.CallSent(at=house.now(), call=call.id, to=to, reason=reason))
    return to
