"""The agent's side of a callback: who is to be called and why, a key to accept, then music until the customer says yes or can't be had.

A callback that is refused, by key or by hanging up, is a refused offer and no attempt to reach the customer. Without any key it was not
accepted, which counts as missed: a phone that was picked up, and nobody there. The conversation may begin anew in the middle, after a crash
of the daemon: it goes on where the callback stands.
"""

from callhandler.core.model import CallbackState, OfferEnd
from callhandler.errors import Refused
from callhandler.scripts.callback_house import AgentSession
from callhandler.scripts.caller import Digits, Number, Prompt, Spoken

ACCEPT, REFUSE = "1", "#"
PATIENCE = 8.0
TELLINGS = 2
LISTEN = 60.0
MANY_MINUTES = 120
"""From so many minutes on, hours are said."""


async def call_back(session: AgentSession) -> None:
    """Tell the agent, have the customer dialled, and join the two.

    Raises:
        CallerGone: when the agent has hung up, or talks with the customer.
    """
    caller, task = session.caller, session.task
    await caller.answer()
    if task.callback.state is CallbackState.ANNOUNCED:
        if not await _agrees(session):
            return
        try:
            await task.dial()
        except Refused:
            await _release(session, "std-cb-agent-over" if task.is_over else "std-not-now")
            return
    await caller.music("default")
    while task.is_dialled:
        await caller.key(LISTEN, "")
    channel = task.customer
    if channel is not None:
        await caller.join(channel)
    else:
        await _release(session, "std-cb-agent-not-reached")


async def _agrees(session: AgentSession) -> bool:
    caller, task = session.caller, session.task
    for _ in range(TELLINGS):
        key = await caller.say(*_summary(session), keys=ACCEPT + REFUSE)
        key = key or await caller.key(PATIENCE, ACCEPT + REFUSE)
        if task.is_over:
            await _release(session, "std-cb-agent-over")
            return False
        if key == ACCEPT:
            return True
        if key == REFUSE:
            task.let_go(OfferEnd.REFUSED)
            await caller.hang_up()
            return False
    task.let_go(OfferEnd.NOT_ACCEPTED)
    await caller.hang_up()
    return False


def _summary(session: AgentSession) -> tuple[Spoken, ...]:
    callback = session.task.callback
    minutes = max(0, round((session.now - callback.entered) / 60))
    long = minutes >= MANY_MINUTES
    return (
        Prompt("std-cb-agent"),
        Prompt(f"queue-{callback.queue}"),
        Prompt("std-cb-agent-hours" if long else "std-cb-agent-minutes"),
        Number(round(minutes / 60) if long else minutes),
        Prompt("std-cb-agent-number"),
        Digits(callback.number.removeprefix("+")),
        Prompt("std-cb-agent-choice"),
    )


async def _release(session: AgentSession, why: str) -> None:
    session.task.let_go(OfferEnd.NOT_REACHED)
    await session.caller.music(None)
    await session.caller.say(Prompt(why))
    await session.caller.hang_up()
