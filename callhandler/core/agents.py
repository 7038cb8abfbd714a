"""One agent: status, state, and the total table of what may happen to a state.

Status is what a person chose, state is what the system does. Which calls an agent may be offered is routing.py's business.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from callhandler.core.model import AgentPlan, Device, Serves, State, Status


class Trigger(StrEnum):
    """What can happen to an agent's state."""

    OFFER = "offer"
    OFFER_END = "offer ended"
    MISSES = "too many misses"
    CONNECT = "connect"
    TALK_END = "talk ended"
    WRAP_UP = "wrap-up started"
    WRAP_UP_END = "wrap-up ended"
    LOG_IN = "log in"
    LOG_OUT = "log out"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class No:
    """A trigger that a state refuses, and why."""

    reason: str


_IDLE, _OFFERED, _TALKING = State.IDLE, State.OFFERED, State.TALKING
_WRAPPING_UP, _NOT_ANSWERING = State.WRAPPING_UP, State.NOT_ANSWERING

_ROWS: dict[Trigger, tuple[State | No, State | No, State | No, State | No, State | No]] = {
    # columns: idle, offered, talking, wrapping up, not answering
    Trigger.OFFER: (
        _OFFERED,
        No("is being offered a call already"),
        No("is talking"),
        No("is wrapping up"),
        No("is not answering"),
    ),
    Trigger.OFFER_END: (
        No("is not being offered a call"),
        _IDLE,
        No("is talking"),
        No("is wrapping up"),
        _NOT_ANSWERING,
    ),
    Trigger.MISSES: (_NOT_ANSWERING, _NOT_ANSWERING, No("is talking"), _NOT_ANSWERING, _NOT_ANSWERING),
    Trigger.CONNECT: (_TALKING, _TALKING, No("is talking to another caller"), _TALKING, _TALKING),
    Trigger.TALK_END: (No("is not talking"), No("is not talking"), _IDLE, No("is not talking"), No("is not talking")),
    Trigger.WRAP_UP: (_WRAPPING_UP, No("is being offered a call"), No("is talking"), _WRAPPING_UP, _NOT_ANSWERING),
    Trigger.WRAP_UP_END: (
        No("is not wrapping up"),
        No("is not wrapping up"),
        No("is talking"),
        _IDLE,
        No("is not wrapping up"),
    ),
    # A person's choice ends what the system held against the agent, never a call.
    Trigger.LOG_IN: (_IDLE, _OFFERED, _TALKING, _IDLE, _IDLE),
    Trigger.LOG_OUT: (_IDLE, _OFFERED, _TALKING, _IDLE, _IDLE),
    Trigger.PAUSE: (_IDLE, _OFFERED, _TALKING, _IDLE, _IDLE),
    Trigger.RESUME: (_IDLE, _OFFERED, _TALKING, _IDLE, _IDLE),
}

TABLE = MappingProxyType(
    {
        (state, trigger): row[column]
        for trigger, row in _ROWS.items()
        for column, state in enumerate((_IDLE, _OFFERED, _TALKING, _WRAPPING_UP, _NOT_ANSWERING))
    }
)
"""Every (state, trigger) is answered with the next state or refused with a reason."""


@dataclass(slots=True)
class Agent:
    """An agent now. Times are seconds since the epoch; changed by line.py alone.

    `since` is when the state last changed, `chosen_at` when the status did. `idle_since` orders agents by longest idle: the end of
    the last call or failed offer, or the login. `rest_until` keeps offers away for a while after a failed one. `unreachable_since`
    is when the phone was last lost while the agent sat at it. `handled` is the time spent talking and wrapping up since `logged_in_at`.
    """

    plan: AgentPlan
    status: Status = Status.LOGGED_OUT
    break_reason: str = ""
    state: State = State.IDLE
    phone: str | None = None
    device: Device = Device.UNREACHABLE
    call: str | None = None
    leg: str | None = None
    queue: str | None = None
    since: float = 0.0
    chosen_at: float = 0.0
    idle_since: float = 0.0
    rest_until: float = 0.0
    wrap_until: float = 0.0
    unreachable_since: float = 0.0
    misses: int = 0
    calls: int = 0
    handled: float = 0.0
    logged_in_at: float = 0.0
    number: int = field(default=0, compare=False, repr=False)
    """The agent's place in sets of agents (crew.py)."""
    written: str = field(default="", compare=False, repr=False)
    """What decisions write down of the agent (explaining.py); empty since the agent changed."""

    @property
    def id(self) -> str:
        """The agent's id."""
        return self.plan.id

    def turn(self, trigger: Trigger, at: float) -> No | None:
        """Move to the next state, or leave the state alone and return why not."""
        following = TABLE[self.state, trigger]
        if isinstance(following, No):
            return following
        if following is not self.state:
            self.state, self.since = following, at
        return None

    def row_for(self, queue: str) -> Serves | None:
        """Return the row of the routing profile under which the agent serves a queue, None when it doesn't."""
        if not self.plan.serves:
            return Serves(queue)
        return next((row for row in self.plan.serves if row.queue == queue), None)

    def is_there(self) -> bool:
        """Tell whether a call may wait for this agent: logged in, within reach and not known to be away from the phone."""
        return (
            self.status is not Status.LOGGED_OUT
            and self.state is not State.NOT_ANSWERING
            and self.phone is not None
            and (self.device is not Device.UNREACHABLE or self.state is State.TALKING)
        )

    def is_away_since(self, then: float) -> bool:
        """Tell whether a call might wait for this agent, had the phone not gone out of reach later than `then`."""
        return (
            self.status is not Status.LOGGED_OUT
            and self.state is not State.NOT_ANSWERING
            and self.device is Device.UNREACHABLE
            and self.phone is not None
            and self.unreachable_since > then
        )

    def is_on_a_call(self) -> bool:
        """Tell whether the agent talks or is being offered a call."""
        return self.state in (State.OFFERED, State.TALKING)

    def is_ready(self) -> bool:
        """Tell whether nothing but a rest and a call's own wants stands between the agent and an offer."""
        return (
            self.state is State.IDLE
            and self.status is Status.AVAILABLE
            and self.device is Device.FREE
            and self.phone is not None
        )

    def occupancy(self, now: float) -> float:
        """Return the share of the time since login spent on calls, 0 to 1."""
        span = now - self.logged_in_at
        return min(1.0, self.handled / span) if span > 0 else 0.0
