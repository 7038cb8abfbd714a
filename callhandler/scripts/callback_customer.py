"""The customer's side of a callback: who calls, and a key to say yes. A voicemail never presses one, so it never gets an agent.

Where customers are called first, one who has said yes and waits in vain is told so and called again.
"""

from callhandler.core.checkins import CheckIn
from callhandler.errors import CallerGone
from callhandler.scripts.callback_house import CustomerSession
from callhandler.scripts.caller import Prompt
from callhandler.scripts.house import Session
from callhandler.scripts.message import leave_message

YES = "1"
TELLINGS = 3
PATIENCE = 3.0
"""Seconds for the key after each telling: with the prompts about 20 s in all, as much as somebody needs to find the phone's keys."""
MACHINE = "callhandler-machine"
"""Where the dialplan waits for the end of a machine's greeting, and leaves the message."""
WAIT, MESSAGE = "1", "2"
THINKING = 6.0


async def called_back(session: CustomerSession) -> bool:
    """Tell the customer who calls; return whether they said yes. Otherwise they were hung up on, after the last attempt's message.

    Raises:
        CallerGone: when the customer has hung up.
    """
    caller, task = session.caller, session.task
    await caller.answer()
    await caller.speak_language(task.callback.language)
    message = session.site.callbacks.message if session.site.callbacks is not None else None
    last_words = message if task.is_last else None
    if session.machine:
        task.machine()
        await (caller.hang_up() if last_words is None else caller.leave(MACHINE))
        return False
    hello = Prompt("std-cb-hello" if task.callback.confirmed else "std-cb-hello-unasked")
    for _ in range(TELLINGS):
        key = await caller.say(hello, Prompt("std-cb-accept"), keys=YES) or await caller.key(PATIENCE, YES)
        if key is not None:
            task.accepted()
            if task.callback.first:
                await caller.say(Prompt("std-cb-connecting"))
            return True
    if last_words is not None:
        await caller.say(Prompt(last_words))
    await caller.hang_up()
    return False


async def waited_in_vain(session: Session, queue_id: str) -> str:
    """Tell a customer who was called back that nobody is free after all; return where they go by their choice.

    Unless they wait on or leave a message they are called again, however they go: an agent first, so that it doesn't happen twice.
    """
    call, visit, back = session.call, session.visit, session.house.calling_back
    queue = session.house.site.queues.get(queue_id)
    keys = WAIT if call.queue is not None else ""
    keys += MESSAGE if queue is not None and queue.messages else ""
    offers = {WAIT: Prompt("std-cb-wait-on"), MESSAGE: Prompt("std-key-2")}
    visit.at_end = lambda: back.put_off(call)
    attending = session.house.attending
    try:
        attending.begin(call, CheckIn(("cb-nobody-free",)))
        key = await session.caller.say(Prompt("std-cb-nobody-free"), *(offers[one] for one in keys), keys=keys)
        attending.end(call, "" if key is None else "key", session.caller.silent_for)
        key = key or await session.caller.key(THINKING, keys)
    except CallerGone:  # hung up, or joined with an agent who has become free
        if not await session.house.joined(call):
            back.put_off(call)
        raise
    finally:
        visit.at_end = None
    if key == WAIT:
        visit.news = None
        return f"queue:{queue_id}"
    if key == MESSAGE and (to := await leave_message(session, queue_id)) is not None:
        return to
    back.put_off(call)
    return "hangup"
