"""Somebody calls who is to be called back: told so, and free to take the place in line at once, or to cancel."""

from callhandler.scripts.caller import Prompt
from callhandler.scripts.house import Session

WAIT_NOW, CANCEL = "1", "2"
PATIENCE = 4.0


async def open_callback(session: Session, *, closed: bool = False) -> str | None:
    """Tell the caller; return the way into the line, None when there is no callback, or the caller goes on as usual.

    While it is `closed` there is no line to wait in, but a callback can be cancelled.
    """
    house, call, caller = session.house, session.call, session.caller
    callback = house.calling_back.open_to(call.caller_number)
    if callback is None:
        return None
    told, keys = ("std-cb-again-closed", CANCEL) if closed else ("std-cb-again", WAIT_NOW + CANCEL)
    key = await caller.say(Prompt(told), keys=keys) or await caller.key(PATIENCE, keys)
    callback = house.calling_back.open_to(call.caller_number)
    if key is None or callback is None:
        return None
    if key == CANCEL:
        house.calling_back.cancel(callback)
        await caller.say(Prompt("std-cb-cancelled"))
        return None
    house.calling_back.take_place(callback, call)
    return f"queue:{callback.queue}"
