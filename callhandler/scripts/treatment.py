"""Why a wait ends without an agent, and what comes then: everybody is told, offered a callback or a message, and sent on. Nobody is just
hung up on.
"""

from callhandler.core import events as e
from callhandler.core.model import Outcome
from callhandler.scripts.callback_customer import waited_in_vain
from callhandler.scripts.callback_request import ask
from callhandler.scripts.caller import Prompt, Spoken
from callhandler.scripts.closing_time import opening_of
from callhandler.scripts.house import Session
from callhandler.scripts.message import leave_message
from callhandler.site.models import QueueTable, Site

CALLBACK, MESSAGE = "1", "2"
PATIENCE = 5.0
_WHY = {
    Outcome.NOBODY: "std-nobody",
    Outcome.TIMEOUT: "std-timeout",
    Outcome.FULL: "std-full",
    Outcome.CLOSED: "std-closing",
}
TREATED = tuple(_WHY)
"""Outcomes that a queue has a treatment for."""


async def told(session: Session, queue_id: str, outcome: Outcome) -> str:
    """Tell the caller why, offer what can be offered, and return where the caller goes: by choice, else by the queue's treatment."""
    house, call = session.house, session.call
    if call.called_at is not None:
        return await waited_in_vain(session, queue_id)
    to = await _offered(session, queue_id, outcome, Prompt(_why(session, outcome)))
    if to is None:
        to = treatment(house.site, queue_id, outcome)
        house.note(e.CallSent(at=house.now(), call=call.id, to=to, reason=f"{outcome} in queue {queue_id}"))
    return to


async def offer_callback(session: Session, queue_id: str) -> str:
    """Have a caller called back who isn't in line; return where the caller goes. While it is closed, they choose first what they want."""
    house, call = session.house, session.call
    opening = opening_of(session)
    if house.emergency is None and (opening is None or opening.open):
        return await ask(session, queue_id) or "operator"
    why = () if house.emergency is not None else (Prompt("std-closed"),)  # in an emergency they were told already
    to = await _offered(session, queue_id, Outcome.CLOSED, *why)
    if to is None:
        to = treatment(house.site, queue_id, Outcome.CLOSED)
        house.note(e.CallSent(at=house.now(), call=call.id, to=to, reason=f"asked for nothing of queue {queue_id}"))
    return to


async def _offered(session: Session, queue_id: str, outcome: Outcome, *why: Spoken) -> str | None:
    """Say why, and offer what can be offered; return where the caller goes by choice, None when they chose nothing."""
    caller, queue = session.caller, session.house.site.queues.get(queue_id)
    keys = _keys(session, queue_id, outcome)
    offers: dict[str, Spoken] = {CALLBACK: Prompt("std-offer-callback"), MESSAGE: Prompt("std-key-2")}
    key = await caller.say(*why, *(offers[key] for key in keys), keys=keys)
    if key is None and keys:
        await caller.music(queue.music if queue is not None else "default")  # nobody decides in silence
        key = await caller.key(PATIENCE, keys)
    return None if key is None else await (ask if key == CALLBACK else leave_message)(session, queue_id)


def _why(session: Session, outcome: Outcome) -> str:
    if outcome is Outcome.CLOSED and session.house.emergency is not None:
        return "std-emergency"
    return _WHY.get(outcome, "std-nobody")


def _keys(session: Session, queue_id: str, outcome: Outcome) -> str:
    """Return the keys that mean something: not 2 where the treatment is a message anyway."""
    site = session.house.site
    queue = site.queues.get(queue_id)
    if queue is None:
        return ""
    keys = CALLBACK if queue.callback and site.callbacks is not None else ""
    message = queue.messages and not treatment(site, queue_id, outcome).startswith("message:")
    return keys + (MESSAGE if message else "")


def treatment(site: Site, queue_id: str, outcome: Outcome) -> str:
    """Return where a queue has callers go. Who is sent away because it closes isn't sent into another line, but past it."""
    to = _of_queue(site.queues.get(queue_id), outcome)
    for _ in range(len(site.queues) + 1):
        kind, _, which = (site.company.operator if to == "operator" else to).partition(":")
        if outcome is not Outcome.CLOSED or kind != "queue":
            return to
        to = _of_queue(site.queues.get(which), outcome)
    return "hangup"


def _of_queue(queue: QueueTable | None, outcome: Outcome) -> str:
    if queue is None:
        return "operator"
    own = {
        Outcome.NOBODY: queue.on_nobody,
        Outcome.TIMEOUT: queue.on_timeout,
        Outcome.FULL: queue.on_full,
        Outcome.CLOSED: queue.on_closing,
    }
    return own.get(outcome) or queue.fallback
