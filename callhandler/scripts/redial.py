"""Somebody calls again who hung up waiting: back into line at once, old place and answers kept; star leads to the usual beginning."""

from callhandler.core import events as e
from callhandler.scripts.caller import Prompt
from callhandler.scripts.house import Session
from callhandler.scripts.language import choose_language

SOMETHING_ELSE = "*"


async def take_up(session: Session) -> str | None:
    """Say that the place is kept, and return the way into the line; None when there is none, or the caller wants something else."""
    house, call, caller = session.house, session.call, session.caller
    left = house.redialled(call)
    if left is None or left.queue not in house.site.queues:
        return None
    language = left.answers.get("language")
    if language in house.site.company.languages:
        await choose_language(session, language)
    if await caller.say(Prompt("std-place-kept"), keys=SOMETHING_ELSE) is not None:
        return None
    for name, value in left.answers.items():
        if call.attributes.get(name) != value:
            house.note(e.AttributeSet(at=house.now(), call=call.id, name=name, value=value))
    to = f"queue:{left.queue}"
    house.note(e.CallSent(at=house.now(), call=call.id, to=to, reason=f"called again: the place of call {left.call}"))
    return to
