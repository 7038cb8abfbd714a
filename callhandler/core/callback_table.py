"""The total table of what may happen to a callback: every state answers every trigger with the next state, or refuses with a reason.

Nothing else is here: callback.py keeps what is known of each one, callbacks.py decides.
"""

from enum import StrEnum
from types import MappingProxyType

from callhandler.core.agents import No
from callhandler.core.model import CallbackState


class Trigger(StrEnum):
    """What can happen to a callback."""

    CALLER_LEFT = "caller left"
    OFFER = "offer"
    OFFER_END = "offer ended"
    ANNOUNCE = "announced"
    DIAL = "dialled"
    DIAL_FIRST = "dialled before the agent is rung"
    ACCEPT = "accepted"
    CONNECT = "connected"
    ATTEMPT_END = "attempt ended"
    RESCHEDULE = "rescheduled"
    DUE = "due"


_ASKED, _WAITING, _RESTING, _OFFERED = (
    CallbackState.ASKED,
    CallbackState.WAITING,
    CallbackState.RESTING,
    CallbackState.OFFERED,
)
_ANNOUNCED, _DIALLED, _HERE, _TALKING = (
    CallbackState.ANNOUNCED,
    CallbackState.DIALLED,
    CallbackState.HERE,
    CallbackState.TALKING,
)
_STATES = (_ASKED, _WAITING, _RESTING, _OFFERED, _ANNOUNCED, _DIALLED, _HERE, _TALKING)

_STILL_HERE, _GONE = No("the caller is still on the line"), No("the caller has left already")
_RESTS, _IN_LINE = No("its time has not come"), No("no agent has been offered it")
_UNHEARD, _HEARD = No("the agent has not picked up"), No("the agent is being told already")
_RINGS, _ON_LINE, _TALKS = No("the customer is being dialled"), No("the customer is on the line"), No("is talking")

_ROWS: dict[Trigger, tuple[CallbackState | No, ...]] = {
    # columns: asked for, waiting, resting, offered, announced, dialled, here, talking
    Trigger.CALLER_LEFT: (_WAITING, _GONE, _GONE, _GONE, _GONE, _GONE, _GONE, _TALKING),
    Trigger.OFFER: (_STILL_HERE, _OFFERED, _RESTS, _OFFERED, _HEARD, _RINGS, _HERE, _TALKING),
    Trigger.OFFER_END: (_ASKED, _WAITING, _RESTING, _WAITING, _WAITING, _DIALLED, _HERE, _TALKING),
    Trigger.ANNOUNCE: (_STILL_HERE, _IN_LINE, _RESTS, _ANNOUNCED, _ANNOUNCED, _DIALLED, _HERE, _TALKS),
    Trigger.DIAL: (_STILL_HERE, _IN_LINE, _RESTS, _UNHEARD, _DIALLED, _RINGS, _ON_LINE, _TALKS),
    Trigger.DIAL_FIRST: (_STILL_HERE, _IN_LINE, _RESTS, _DIALLED, _HEARD, _RINGS, _ON_LINE, _TALKS),
    Trigger.ACCEPT: (_STILL_HERE, _IN_LINE, _RESTS, _UNHEARD, No("nobody was dialled"), _HERE, _ON_LINE, _TALKS),
    # a phone that was rung for the caller on the line may be picked up at the very moment they ask to be called back
    Trigger.CONNECT: (_TALKING, _IN_LINE, _RESTS, _UNHEARD, No("nobody was dialled"), _RINGS, _TALKING, _TALKING),
    # not in line again before it is decided whether there is another attempt, and when
    Trigger.ATTEMPT_END: (_STILL_HERE, _IN_LINE, _RESTS, _UNHEARD, No("nobody was dialled"), _RESTING, _RESTING, _TALKS),
    Trigger.RESCHEDULE: (_ASKED, _RESTING, _RESTING, _RESTING, _HEARD, _RINGS, _ON_LINE, _TALKS),
    Trigger.DUE: (_STILL_HERE, _WAITING, _WAITING, No("is being offered"), _HEARD, _RINGS, _ON_LINE, _TALKS),
}  # fmt: skip

TABLE = MappingProxyType(
    {(state, trigger): row[column] for trigger, row in _ROWS.items() for column, state in enumerate(_STATES)}
)
"""Every (state, trigger) is answered with the next state or refused with a reason."""
