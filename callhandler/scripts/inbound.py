"""A call comes in: who is it, are we open, and where does it go from here, until it is talked to, told, or hangs up.

Each place a call can be is a coroutine that returns the next destination. A call that comes back (after a transfer, or because the
daemon was away) goes on where it was.
"""

from callhandler.core import events as e
from callhandler.core.model import LONGEST_RINGING, RingEnd
from callhandler.errors import CallerGone
from callhandler.scripts.callback_again import open_callback
from callhandler.scripts.callback_request import promise
from callhandler.scripts.caller import ANY_KEY, Prompt, Sound
from callhandler.scripts.extension import dial_extension, directory, ring_agent, ring_phone
from callhandler.scripts.handset import feature_code
from callhandler.scripts.house import Session
from callhandler.scripts.language import choose_language
from callhandler.scripts.menu import menu
from callhandler.scripts.message import leave_message
from callhandler.scripts.outside import dial_outside, not_reached
from callhandler.scripts.redial import take_up
from callhandler.scripts.treatment import TREATED, offer_callback, told
from callhandler.scripts.waiting import wait_in_line

MOST_PLACES = 40
"""A call sent on this often goes round in circles; it is told so and let go."""


async def inbound(session: Session, again: bool) -> None:
    """Hold the whole conversation with a caller. `again` when the call has been here before, and was not only kept ringing.

    Raises:
        CallerGone: when the channel is no longer ours.
    """
    _rang_until_now(session)
    site = session.house.site
    code = site.codes.meaning(session.number)
    if code is not None:
        await feature_code(session, code)
        return
    destination: str | None = await _come_back(session) if again else None
    key = None
    if destination is None:
        destination, key = await _begin(session)
    for _ in range(MOST_PLACES):
        if destination is None:
            return
        destination, key = await _go(session, destination, key), None
    await session.caller.say(Sound("sorry-youre-having-problems"), Sound("vm-goodbye"))
    await session.caller.hang_up()


async def _begin(session: Session) -> tuple[str, str | None]:
    """Return where a new call goes, and the key that cut the greeting short: it is meant for the menu behind it."""
    house, call = session.house, session.call
    number = house.site.numbers.get(session.number)
    if number is None:
        return _direct(session), None
    await session.caller.answer()
    await _who_is_it(session)
    if house.emergency is not None:
        await session.caller.say(Prompt("std-emergency"))
        return _closed(session, f"emergency: {house.emergency}", number.closed), None
    if number.hours is not None:
        opening = house.opening(number.hours)
        if not opening.open:
            await open_callback(session, closed=True)
            return _closed(session, opening.reason, number.closed), None
    kept = await open_callback(session) or await take_up(session)
    if kept is not None:
        return kept, None
    house.note(e.CallSent(at=house.now(), call=call.id, to=number.enters, reason=f"dialled {session.number}"))
    key = await session.caller.say(Prompt(number.greeting), keys=ANY_KEY) if number.greeting is not None else None
    return number.enters, key


def _rang_until_now(session: Session) -> None:
    """Write down for how long a caller was kept ringing (docs/adr/0013).

    It is over before the answer, not with it: who is being answered can't be given back to the network any more.
    """
    call, now = session.call, session.house.now()
    longest = call.rings_since is not None and now - call.rings_since >= LONGEST_RINGING
    if (rang := call.rang(now, RingEnd.LONGEST if longest else RingEnd.LET_IN)) is not None:
        session.house.note(rang)


async def _come_back(session: Session) -> str | None:
    """Go on where the call was: in line, in a menu, back from an extension that did not answer, or transferred here; None: nowhere yet."""
    call, caller = session.call, session.caller
    await caller.answer()
    await caller.speak_language(call.attributes.get("language", session.house.site.default_language))
    asked = session.house.calling_back.of(call)
    if asked is not None:  # the daemon went away while it was promised; there is no place in line any more
        await caller.say(*promise(session, None if asked.promise is None else asked.due))
        return "hangup"
    if call.queue is not None:
        if call.returned:
            await caller.say(Prompt("std-head"))
        return f"queue:{call.queue}"
    if call.answered or session.number != call.number:
        number = session.house.site.numbers.get(session.number)
        to = number.enters if number is not None else _direct(session)
        where = session.number or "a number that doesn't exist"
        session.house.note(e.CallSent(at=session.house.now(), call=call.id, to=to, reason=f"transferred to {where}"))
        return to
    if call.menu is not None:
        return f"menu:{call.menu}"
    if call.sent_to is None:
        return None
    return await _where_it_was_sent(session, call.sent_to)


async def _where_it_was_sent(session: Session, to: str) -> str:
    """Go on to where the call was sent before it came back; what was tried in vain isn't tried again."""
    house, call = session.house, session.call
    kind, _, which = to.partition(":")
    if kind in ("phone", "agent"):
        await session.caller.say(Sound("vm-nobodyavail"))
        house.note(e.CallSent(at=house.now(), call=call.id, to="operator", reason=f"nobody answered at {kind} {which}"))
        return "operator"
    if kind == "outside" and call.tried_outside:
        return await not_reached(session, f"nobody answered at {which}")
    if kind == "queue" and call.outcome in TREATED:
        return await told(session, which, call.outcome)
    return to


async def _go(session: Session, destination: str, key: str | None) -> str | None:
    """Take the caller to a place; return the next. `key` was pressed on the way there."""
    kind, _, which = destination.partition(":")
    if kind not in ("queue", "operator"):
        await session.caller.music(None)  # from one line to the next it goes on
    match kind:
        case "queue":
            return await wait_in_line(session, which)
        case "menu":
            return await menu(session, which, key)
        case "agent":
            return await ring_agent(session, which)
        case "phone":
            return await ring_phone(session, which)
        case "extension":
            return await dial_extension(session)
        case "directory":
            return await directory(session)
        case "message":
            return await leave_message(session, which) or "operator"
        case "callback":
            return await offer_callback(session, which)
        case "outside":
            return await dial_outside(session, which)
        case "operator":
            return session.house.site.company.operator
        case "say":
            await session.caller.answer()
            await session.caller.say(Prompt(which))
    await session.caller.hang_up()
    return None


def _direct(session: Session) -> str:
    """Find where a number that isn't in the site file leads: an agent, a phone, or a person who can help."""
    site = session.house.site
    if session.number in site.agents:
        return f"agent:{session.number}"
    if session.number in site.phones:
        return f"phone:{session.number}"
    return "operator"


def _closed(session: Session, reason: str, treatment: str | None) -> str:
    house = session.house
    house.note(e.CallClosed(at=house.now(), call=session.call.id, reason=reason))
    return treatment or "hangup"


async def _who_is_it(session: Session) -> None:
    """Ask the lookup; whatever goes wrong there, the call goes on."""
    house, call = session.house, session.call
    if house.site.lookup is None or not call.caller_number:
        return
    try:
        customer = await house.look_up(call.caller_number)
    except CallerGone:
        raise
    except Exception as error:  # the lookup is somebody else's code and data: it fails open, whatever it does
        house.note(e.LookupFailed(at=house.now(), call=call.id, reason=str(error) or type(error).__name__))
        return
    if customer is None:
        return
    language = customer.language if customer.language in house.site.company.languages else None
    house.note(
        e.CallerKnown(
            at=house.now(),
            call=call.id,
            name=customer.name,
            tier=customer.tier,
            preferred_agent=customer.agent if customer.agent in house.site.agents else None,
            language=language,
        )
    )
    if language is not None:
        await choose_language(session, language)
