"""Leaving a message: beep, record, listen, record again. From the line the caller keeps the place until the message is sent.

Whoever hangs up after having spoken has left a message too. Whoever is connected with an agent in the middle of it has not.
"""

from dataclasses import dataclass

from callhandler.core import events as e
from callhandler.core.inbox import MESSAGE
from callhandler.core.model import Outcome
from callhandler.errors import CallerGone
from callhandler.scripts.caller import Prompt, Recording
from callhandler.scripts.house import Session

LONGEST = 180.0
SHORTEST = 2.0
"""Seconds: what is shorter is somebody who said nothing."""
SILENCE = 5.0
"""Seconds of silence that end a recording."""
BEEP = 0.5
"""Seconds that the tone before a recording takes."""
TAKES = 5
SEND, LISTEN, AGAIN, BACK = "1", "2", "3", "*"
PATIENCE = 8.0


async def leave_message(session: Session, queue_id: str) -> str | None:
    """Record a message; return where the caller goes next, None when the caller waits on at the same place."""
    caller, house = session.caller, session.house
    queue = house.site.queues.get(queue_id)
    if queue is None or not queue.messages:
        await caller.say(Prompt("std-not-now"))
        return None
    await caller.answer()
    await caller.music(None)
    if await caller.say(Prompt("std-message"), keys=BACK) == BACK:
        return None
    message = _Message(session, queue_id, house.messages.free_name(session.call.id))
    session.visit.at_end = message.hung_up
    try:
        sent = await _takes(session, message)
    except CallerGone:
        await message.gone()
        raise
    session.visit.at_end = None
    if not sent:
        house.messages.discard(message.name)
        return None
    message.send()
    await caller.say(Prompt("std-message-kept"))
    return "hangup"


async def _takes(session: Session, message: "_Message") -> bool:
    """Record until the caller is content; return whether to send it."""
    for _ in range(TAKES):
        await message.record()
        if message.seconds < SHORTEST:
            await session.caller.say(Prompt("std-message-empty"))
            continue
        choice = await _choice(session, message.name)
        if choice != AGAIN:
            return choice == SEND
    return False


async def _choice(session: Session, name: str) -> str:
    """Ask what is to become of a recording, and play it as often as the caller likes. Who says nothing sends it."""
    caller, keys = session.caller, SEND + LISTEN + AGAIN + BACK
    for _ in range(TAKES):
        key = await caller.say(Prompt("std-message-choice"), keys=keys) or await caller.key(PATIENCE, keys)
        if key == LISTEN:
            key = await caller.say(Recording(name), keys=SEND + AGAIN + BACK)
            if key is None:
                continue
        return key or SEND
    return SEND


@dataclass(slots=True)
class _Message:
    """A message on its way: sent once, by the caller's choice or by hanging up after having spoken."""

    session: Session
    queue: str
    name: str
    seconds: float = 0.0
    since: float | None = None
    settled: bool = False

    async def record(self) -> None:
        """Record once more. CallerGone when the caller's channel is gone in the middle of it, as from every verb."""
        self.since = self.session.house.now()
        recorded = await self.session.caller.record(self.name, most=LONGEST, silence=SILENCE)
        self.since, self.seconds = None, recorded.seconds
        if recorded.gone:
            raise CallerGone("gone while recording")

    async def gone(self) -> None:
        """The caller's channel is gone: hung up, or joined with an agent, who needs no message."""
        if not self.settled and await self.session.house.joined(self.session.call):
            self.session.visit.at_end = None
            self.session.house.messages.discard(self.name)
        else:
            self.hung_up()

    def hung_up(self) -> None:
        """Send what was said by now, if anything was. Asterisk's two links tell of it in either order."""
        if self.settled:
            return
        if self.since is not None:
            self.seconds = max(0.0, self.session.house.now() - self.since - BEEP)
        if self.seconds >= SHORTEST:
            self.send()
        else:
            self.settled = True
            self.session.house.messages.discard(self.name)

    def send(self) -> None:
        """Write down that a message was left; from the line, the caller has left it."""
        self.settled = True
        house, call = self.session.house, self.session.call
        now = house.now()
        if call.queue is not None:
            house.note(
                e.CallLeftLine(
                    at=now,
                    call=call.id,
                    queue=call.queue,
                    outcome=Outcome.MESSAGE,
                    waited=max(0.0, now - (now if call.entered is None else call.entered)),
                    reason="left a message",
                )
            )
        house.note(
            e.MessageLeft(
                at=now,
                call=call.id,
                queue=self.queue,
                file=house.messages.keep(self.name),
                seconds=round(self.seconds, 1),
                number=call.caller_number,
                caller_name=call.caller_name,
            )
        )
        reason, number = f"a message of {self.seconds:.0f} s", call.caller_number
        house.note(e.ItemOpened(at=now, call=call.id, queue=self.queue, item=MESSAGE, number=number, reason=reason))
