"""Asking to be called back instead of waiting on the line: the number, read back and confirmed; now or at a time; and the promise.

Whose turn would only come after closing time, and who calls while it is closed, chooses among the times of the next opening.
Until the promise is made the caller keeps the place on the line, and an agent's answer ends this conversation at once. Who hangs up once
the number is confirmed is called back all the same: in turn, as no time was said to its end, so that none is promised.
"""

from callhandler.core.callback_slots import SLOT
from callhandler.errors import CallerGone, Refused
from callhandler.scripts.caller import Clock, Digits, Prompt, Spoken
from callhandler.scripts.closing_time import closes_first, day_of, opening_of
from callhandler.scripts.house import Session

YES, OTHER, BACK = "1", "2", "*"
NOW, CHOOSE, LATER = "1", "2", "9"
TRIES = 3
LONGEST_NUMBER = 15
PATIENCE = 6.0
PAGE = 4


async def ask(session: Session, queue_id: str) -> str | None:
    """Ask for the number and promise the call; return where the caller goes next, None when the caller waits on at the same place."""
    house, call, caller = session.house, session.call, session.caller
    queue = house.site.queues.get(queue_id)
    if queue is None or not queue.callback or house.site.callbacks is None or call.called_at is not None:
        await caller.say(Prompt("std-not-now"))
        return None
    await caller.answer()
    number = await _number(session)
    if number is None:
        return None
    other = house.calling_back.open_to(number)
    if other is not None:
        house.calling_back.join(other, call)
        await caller.say(Prompt("std-cb-joined"))
        return "hangup"
    due = await _wanted(session, queue_id, number)
    try:
        await house.calling_back.ask(call, queue_id, number, due)
    except Refused:
        await caller.say(Prompt("std-not-now"))
        return None
    await caller.say(*promise(session, due))
    return "hangup"


async def _number(session: Session) -> str | None:
    """Return the confirmed number in international form; None when the caller goes back."""
    house, caller = session.house, session.caller
    shown = session.call.caller_number
    number = house.calling_back.judged(shown)
    for _ in range(TRIES):
        if number is not None:
            key = await _confirmed(session, shown)
            if key == YES:
                return number
            if key != OTHER:
                return None
        shown = await caller.digits(Prompt("std-cb-key-in"), most=LONGEST_NUMBER, seconds=PATIENCE) or ""
        if not shown:
            return None
        number = house.calling_back.judged(shown)
        if number is None:
            await caller.say(Prompt("std-cb-not-this"))
    return number if number is not None and await _confirmed(session, shown) == YES else None


async def _confirmed(session: Session, shown: str) -> str | None:
    """Read a number back; return the key pressed."""
    keys = YES + OTHER + BACK
    spoken = Prompt("std-cb-number"), Digits(shown.removeprefix("+")), Prompt("std-cb-confirm")
    for _ in range(2):
        key = await session.caller.say(*spoken, keys=keys) or await session.caller.key(PATIENCE, keys)
        if key is not None:
            return key
    return None


async def _wanted(session: Session, queue_id: str, number: str) -> float | None:
    """Return when the slot begins that the caller chooses, and that has room; None for as soon as it is their turn.

    Who hangs up meanwhile is called back in turn; Asterisk's two links tell of it in either order.
    """
    house, call, visit = session.house, session.call, session.visit
    visit.at_end = lambda: house.calling_back.hung_up(call, queue_id, number)
    try:
        due = await _when(session, number)
        while due is not None and not house.calling_back.has_room(due):
            await session.caller.say(Prompt("std-cb-taken"))
            due = await _when(session, number)
    except CallerGone:
        if not await house.joined(call) and visit.at_end is not None:
            visit.at_end()
        raise
    finally:
        visit.at_end = None
    return due


async def _when(session: Session, number: str) -> float | None:
    """Return when the slot begins that the caller chooses; None for as soon as it is their turn.

    In an emergency nobody knows when that will be over, so no time is promised.
    """
    house, caller, call = session.house, session.caller, session.call
    standing = house.attending.standing(call)
    estimate = None if standing is None else standing.estimate
    slots = house.calling_back.slots(call, number, 0.0 if estimate is None else estimate.seconds)
    if not slots or house.emergency is not None:
        return None
    if closes_first(session, standing):
        lead = [Prompt("std-cb-choose")] if standing is None else [Prompt("std-cb-late"), Prompt("std-cb-choose")]
        return await _chosen(session, slots, *lead)
    keys = NOW + CHOOSE
    key = await caller.say(Prompt("std-cb-when"), keys=keys) or await caller.key(PATIENCE, keys)
    return await _chosen(session, slots) if key == CHOOSE else None


async def _chosen(session: Session, slots: list[float], *lead: Spoken) -> float:
    """Offer slots, a few at a time; return the one chosen.

    Who says nothing is asked again, and is then called in the first of those offered last: a time that was said can be kept, "when it is
    your turn" means nothing while it is closed.
    """
    caller, first = session.caller, 0
    while True:
        page, more = slots[first : first + PAGE], first + PAGE < len(slots)
        places = "12345678"[: len(page)]
        keys = places + (LATER if more else "")
        spoken = _offered(session, page, places) + ([Prompt("std-cb-later")] if more else [])
        key = await caller.say(*lead, *spoken, keys=keys) or await caller.key(PATIENCE, keys)
        key = key or await caller.say(*spoken, keys=keys) or await caller.key(PATIENCE, keys)
        if key != LATER:
            return page[0 if key is None else places.index(key)]
        first, lead = first + PAGE, ()


def _offered(session: Session, page: list[float], places: str) -> list[Spoken]:
    """Return how slots are said, each day before its first."""
    spoken: list[Spoken] = []
    said: Prompt | None = None
    for place, slot in zip(places, page, strict=True):
        if (day := day_of(session, slot)) is not None and day != said:
            spoken.append(day)
            said = day
        spoken += [Prompt("std-cb-from"), Clock(slot), Prompt("std-cb-press"), Digits(place)]
    return spoken


def promise(session: Session, due: float | None) -> tuple[Spoken, ...]:
    """Return how it is said that the caller will be called at `due`; None: when it is their turn."""
    if due is None:
        opening = opening_of(session)
        closed = session.house.emergency is not None or (opening is not None and not opening.open)
        return (Prompt("std-cb-promise-open" if closed else "std-cb-promise-now"),)
    day = day_of(session, due)
    when = (
        (Prompt("std-cb-promise-at"),) if day is None else (Prompt("std-cb-promise-on"), day, Prompt("std-cb-between"))
    )
    return (*when, Clock(due), Prompt("std-cb-and"), Clock(due + SLOT), Prompt("std-cb-goodbye"))
