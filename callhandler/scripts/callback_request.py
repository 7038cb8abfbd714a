"""Asking to be called back instead of waiting on the line."""

from callhandler.scripts.caller import Prompt
from callhandler.scripts.house import Session


async def ask(session: Session, queue_id: str) -> str | None:
    """Ask for the number and promise the call; return where the caller goes next, None when the caller waits on at the same place."""
    await session.caller.say(Prompt("std-not-now"))
    return None
