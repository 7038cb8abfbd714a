"""Leaving a message instead of waiting on the line."""

from callhandler.scripts.caller import Prompt
from callhandler.scripts.house import Session


async def leave_message(session: Session, queue_id: str) -> str | None:
    """Record a message; return where the caller goes next, None when the caller waits on at the same place."""
    await session.caller.say(Prompt("std-not-now"))
    return None
