"""Feature codes on a desk phone: log in and out, pause and resume, with agent id and PIN, each confirmed by voice.

The agent is a person, not a device: any phone will do. Where somebody is logged in at this very phone, `#` alone as the first key stands
for that person, who needs no PIN to go on break, come back or go home. Silence stands for nobody.
"""

from callhandler.core import events as e
from callhandler.errors import Refused
from callhandler.scripts.caller import Sound, Spoken
from callhandler.scripts.house import Session

TRIES = 3
_PATIENCE = 5.0
_LONGEST_ID = 15

_CONFIRMED: dict[str, tuple[Spoken, ...]] = {
    "login": (Sound("agent-loginok"),),
    "logout": (Sound("agent-loggedoff"),),
    "pause": (Sound("do-not-disturb"), Sound("activated")),
    "resume": (Sound("do-not-disturb"), Sound("de-activated")),
}


async def feature_code(session: Session, what: str) -> None:
    """Carry out a feature code (login, logout, pause or resume), and say what came of it."""
    caller = session.caller
    _used(session, what, None, "dialled")  # first, so that whoever hangs up in the middle has used a handset
    await caller.answer()
    if session.phone is None:
        _used(session, what, None, "dialled from outside")
        await caller.say(Sound("feature-not-avail-line"))
        await caller.hang_up()
        return
    agent = await _who(session, what)
    if agent is None:
        _used(session, what, None, "not identified")
        await caller.say(Sound("vm-goodbye"))
        await caller.hang_up()
        return
    try:
        _do(session, what, agent, session.phone)
    except Refused as refused:
        _used(session, what, agent, str(refused))
        await caller.say(Sound("feature-not-avail-line"))
    else:
        _used(session, what, agent, "done")
        await caller.say(*_CONFIRMED[what])
    await caller.hang_up()


async def _who(session: Session, what: str) -> str | None:
    """Ask for agent id and PIN; None when nobody was identified. Wrong PINs are noted with the agent they were tried on."""
    house, caller, phone = session.house, session.caller, session.phone or ""
    ask: tuple[Spoken, ...] = (Sound("agent-user"),)
    for attempt in range(TRIES):
        keyed = await caller.digits(*ask, most=_LONGEST_ID, seconds=_PATIENCE)
        if keyed is None:
            return None
        if not keyed and attempt == 0 and what != "login" and (here := house.agent_at(phone)) is not None:
            return here
        pin = await caller.digits(Sound("agent-pass"), most=12, seconds=_PATIENCE) or ""
        if house.identify(keyed, pin, phone):
            return keyed
        known = keyed if keyed in house.site.agents else None  # what else was keyed in could be a PIN
        _used(session, what, known, "wrong PIN" if known else "no such agent")
        ask = (Sound("agent-incorrect"), Sound("agent-user"))
    return None


def _do(session: Session, what: str, agent: str, phone: str) -> None:
    house = session.house
    match what:
        case "login":
            house.log_in(agent, phone)
        case "logout":
            house.log_out(agent)
        case "pause":
            house.pause(agent)
        case "resume":
            house.resume(agent)


def _used(session: Session, what: str, agent: str | None, reason: str) -> None:
    house = session.house
    house.note(
        e.HandsetUsed(
            at=house.now(), call=session.call.id, code=what, phone=session.phone or "", agent=agent, reason=reason
        )
    )
