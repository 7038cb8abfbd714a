"""The customer's side of a callback: who calls, and a key to say yes. A voicemail never presses one, so it never gets an agent."""

from callhandler.scripts.callback_house import CustomerSession
from callhandler.scripts.caller import Prompt

YES = "1"
TELLINGS = 3
PATIENCE = 3.0
"""Seconds for the key after each telling: with the prompts about 20 s in all, as much as somebody needs to find the phone's keys."""


async def called_back(session: CustomerSession) -> bool:
    """Tell the customer who calls; return whether they said yes. Otherwise they were hung up on, after the last attempt's message.

    Raises:
        CallerGone: when the customer has hung up.
    """
    caller, task = session.caller, session.task
    await caller.answer()
    await caller.speak_language(task.callback.language)
    hello = Prompt("std-cb-hello" if task.callback.confirmed else "std-cb-hello-unasked")
    for _ in range(TELLINGS):
        key = await caller.say(hello, Prompt("std-cb-accept"), keys=YES) or await caller.key(PATIENCE, YES)
        if key is not None:
            task.accepted()
            return True
    message = session.site.callbacks.message if session.site.callbacks is not None else None
    if task.is_last and message is not None:
        await caller.say(Prompt(message))
    await caller.hang_up()
    return False
