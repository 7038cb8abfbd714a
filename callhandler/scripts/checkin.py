"""The spoken word to somebody in line, and what the keys do there. When it is due and what it says is core/checkins.py's to know.

Whatever is said, the keys are live in it; whatever a key leads to leads back to the same place. How a word ended that an answer or a
hang-up cut is not this script's to tell: its session ends alike on both.
"""

from dataclasses import replace

from callhandler.core import events as e
from callhandler.core.checkins import CheckIn, Standing
from callhandler.core.model import Outcome
from callhandler.core.watch import MENU
from callhandler.scripts.callback_request import ask
from callhandler.scripts.caller import Number, Prompt, Sound, Spoken
from callhandler.scripts.closing_time import closes_first
from callhandler.scripts.house import Session
from callhandler.scripts.message import leave_message

CALLBACK, MESSAGE, PERSON = "1", "2", "0"


def live_keys(session: Session) -> str:
    """Return the keys that mean something to a caller in line, at any time."""
    site, queue_id = session.house.site, session.call.queue or ""
    queue = site.queues.get(queue_id)
    called_back = session.call.called_at is not None
    keys = CALLBACK if queue is not None and queue.callback and site.callbacks is not None and not called_back else ""
    keys += MESSAGE if queue is not None and queue.messages else ""
    return keys + (PERSON if site.company.operator != f"queue:{queue_id}" else "")


async def welcome(session: Session, greeting: str | None) -> str | None:
    """Say the queue's greeting to somebody who has just entered, and how it stands where no phone rings yet; return the key pressed."""
    if greeting is not None:
        key = await _say(session, CheckIn(("greeting",)), Prompt(greeting))
        if key is not None:
            return key
    if session.visit.news is not None or session.house.attending.is_offered(session.call):
        return None
    return await check_in(session, first=True)


async def check_in(session: Session, *, first: bool = False) -> str | None:
    """Say how it stands and what can be done; return the key pressed. Nothing, to somebody who isn't in line any more."""
    attending, call = session.house.attending, session.call
    standing = attending.standing(call)
    if standing is None:
        return await session.caller.key(1.0, "")
    what = attending.check_in(call, replace(standing, keys=_offered(session, standing)), first=first)
    return await _say(session, what, *_spoken(what))


def _spoken(what: CheckIn) -> list[Spoken]:
    spoken: list[Spoken] = []
    for name in what.said:
        spoken.append(Prompt(f"std-{name}"))
        if name == "place" and what.position is not None:
            spoken.append(Number(what.position))
    return spoken


def _offered(session: Session, standing: Standing) -> str:
    """Return the keys to be named. A callback is for those who wait long, or beyond closing time, and not for the next in line."""
    keys, rules = live_keys(session), session.house.site.callbacks
    entered = session.call.entered
    waited = 0.0 if entered is None else session.house.now() - entered
    estimate = standing.estimate
    if rules is not None and standing.position > 1:
        long = estimate is not None and estimate.seconds >= rules.offer_estimate
        long = long or closes_first(session, standing)
        if long or waited >= rules.offer_after:
            return keys
    return keys.replace(CALLBACK, "")


async def _say(session: Session, what: CheckIn, *spoken: Spoken) -> str | None:
    house, call, visit = session.house, session.call, session.visit
    house.attending.begin(call, what)
    key = await session.caller.say(*spoken, keys=live_keys(session))
    cut_by = "key" if key is not None else "line" if visit.news is not None else ""
    house.attending.end(call, cut_by, session.caller.silent_for)
    return key


async def pressed(session: Session, key: str) -> tuple[str | None, str | None]:
    """Do what a key stands for; return where the caller goes next (None: waits on at the same place), and the key pressed meanwhile."""
    house, call = session.house, session.call
    queue, another = call.queue, None
    if queue is None:
        return None, None
    led_to = {CALLBACK: "callback", MESSAGE: f"message:{queue}", PERSON: house.site.company.operator}[key]
    house.note(e.KeyPressed(at=house.now(), call=call.id, menu="line", key=key, led_to=led_to))
    house.attending.begin(call, CheckIn((MENU, led_to)))
    if key == PERSON:
        to = await _person(session, queue, led_to)
    else:
        to = await (ask if key == CALLBACK else leave_message)(session, queue)
    if to is None and call.queue is not None and session.visit.news is None:
        another = await session.caller.say(Prompt("std-kept"), keys=live_keys(session))
    house.attending.end(call, "", 0.0)
    return to, another


async def _person(session: Session, queue: str, operator: str) -> str | None:
    """Have the caller wait for the operator, place kept; where nobody is there, the caller waits on as before."""
    house, call = session.house, session.call
    kind, _, which = operator.partition(":")
    if kind != "queue":
        now = house.now()
        waited = 0.0 if call.entered is None else max(0.0, now - call.entered)
        left = e.CallLeftLine(
            at=now, call=call.id, queue=queue, outcome=Outcome.WITHDRAWN, waited=waited, reason="pressed 0"
        )
        house.note(left)
        house.note(e.CallSent(at=now, call=call.id, to=operator, reason=f"pressed 0 in queue {queue}"))
        return operator
    if house.attending.move(call, which) is not None:
        await session.caller.say(Sound("vm-nobodyavail"))
    return None
