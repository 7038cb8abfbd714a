"""In line: music, and a spoken word in time, until an agent's phone is answered (Asterisk then takes the caller out of this script), a key
leads elsewhere, or the line sends the caller on.

Leaving the line is not this script's to remember: the end of the caller's channel does it, whatever happened here.
"""

from callhandler.scripts.checkin import check_in, live_keys, pressed, welcome
from callhandler.scripts.house import Session
from callhandler.scripts.treatment import told

LISTEN = 60.0


async def wait_in_line(session: Session, queue_id: str) -> str:
    """Wait in a queue; return where the caller goes when a key or the line sends them on, having told them."""
    house, call, caller = session.house, session.call, session.caller
    await caller.answer()
    key: str | None = None
    if call.queue is None:
        outcome = house.enter(call, queue_id)
        if outcome is not None:
            return await told(session, queue_id, outcome)
        key = await welcome(session, house.site.queues[queue_id].greeting)
    playing: str | None = None
    while session.visit.news is None:
        if key is not None:
            playing = None
            to, key = await pressed(session, key)
            if to is not None:
                return to
            continue
        if playing != (music := _music(session, call.queue or queue_id)):
            await caller.music(music)
            playing = music
        quiet = house.attending.next_word(call) - house.now()
        key = await (caller.key(min(quiet, LISTEN), live_keys(session)) if quiet > 0 else check_in(session))
    order = session.visit.news
    return await told(session, order.queue, order.outcome)


def _music(session: Session, queue_id: str) -> str:
    queue = session.house.site.queues.get(queue_id)
    return queue.music if queue is not None else "default"
