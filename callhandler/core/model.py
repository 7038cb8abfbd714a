"""The nouns of the house: queues, agents and calls as the core sees them. No settings file, no database, no Asterisk."""

from dataclasses import dataclass, field
from enum import StrEnum

from callhandler.core.skills import ANYONE, Expression


class Status(StrEnum):
    """What a person chose for an agent."""

    AVAILABLE = "available"
    ON_BREAK = "on break"
    LOGGED_OUT = "logged out"


class State(StrEnum):
    """What the system does with an agent."""

    IDLE = "idle"
    OFFERED = "offered"
    TALKING = "talking"
    WRAPPING_UP = "wrapping up"
    NOT_ANSWERING = "not answering"


class Device(StrEnum):
    """What Asterisk says of a phone."""

    FREE = "free"
    IN_USE = "in use"
    RINGING = "ringing"
    UNREACHABLE = "unreachable"


class Strategy(StrEnum):
    """Which of several free, qualified agents is offered a call."""

    LONGEST_IDLE = "longest idle"
    BEST_SKILL = "best skill"
    LEAST_OCCUPIED = "least occupied"
    FEWEST_CALLS = "fewest calls"
    RING_ALL = "ring all"


class OfferEnd(StrEnum):
    """How an offer ended without a conversation."""

    NO_ANSWER = "no answer"
    NOT_ACCEPTED = "answered, not accepted"
    REFUSED = "refused"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_LEFT = "caller left"
    TAKEN = "taken by another agent"
    AGENT_LEFT = "agent left"
    MOVED = "moved"
    NOT_REACHED = "customer not reached"
    LOST = "lost"

    @property
    def is_missed(self) -> bool:
        """Whether nobody seems to be at the phone: it rang out, or was picked up for a callback and no key was pressed."""
        return self in (OfferEnd.NO_ANSWER, OfferEnd.NOT_ACCEPTED)

    @property
    def is_refusal(self) -> bool:
        """Whether the agent or the phone didn't take it: that agent isn't offered the same call again for a while."""
        return self not in (OfferEnd.CALLER_LEFT, OfferEnd.NOT_REACHED, OfferEnd.AGENT_LEFT, OfferEnd.MOVED)

    @property
    def is_blameless(self) -> bool:
        """Whether it says nothing against the agent, who may be offered the next call at once."""
        return not self.is_refusal or self is OfferEnd.TAKEN


class RingEnd(StrEnum):
    """What ended the ringing of a caller who was kept ringing (docs/adr/0013)."""

    LET_IN = "let in"
    LONGEST = "let in after the longest time"
    CALLER_LEFT = "caller left"
    WITHDRAWN = "withdrawn"
    LOST = "lost"

    @property
    def answers(self) -> bool:
        """Whether the caller was answered then."""
        return self in (RingEnd.LET_IN, RingEnd.LONGEST)


class WordEnd(StrEnum):
    """How something said into a conversation ended."""

    WHOLE = "whole"
    CUT = "cut"
    FAILED = "failed"


class Where(StrEnum):
    """Where somebody waits without talking to an agent."""

    IN_LINE = "in line"
    ON_HOLD = "on hold"


class CallbackState(StrEnum):
    """Where a callback stands."""

    ASKED = "asked for"
    """The caller is still on the line, and hears the promise."""
    WAITING = "waiting"
    RESTING = "waiting for its time"
    OFFERED = "offered"
    ANNOUNCED = "announced to the agent"
    DIALLED = "dialled"
    HERE = "customer on the line"
    TALKING = "talking"


class First(StrEnum):
    """Who is called first for a callback."""

    AGENT = "agent"
    CUSTOMER = "customer"


class Outcome(StrEnum):
    """How a call ended: exactly one for each."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    ABANDONED_SHORT = "abandoned short"
    LEFT_IN_MENU = "left in menu"
    TIMEOUT = "timeout"
    NOBODY = "nobody"
    CALLBACK = "callback"
    MESSAGE = "message"
    FULL = "full"
    CLOSED = "closed"
    EXTENSION = "extension"
    HANDSET = "handset"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"
    LOST = "lost"


LONGEST_RINGING = 45.0
"""Seconds after which a caller who is kept ringing is answered in any case, before they or the network give up."""

SHORT_ABANDON = 5.0
"""Seconds within which an abandon is a short one, where no queue says otherwise."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a queue's relaxing wants: who qualifies, and for how long before the next step is tried.

    `seconds` is None for the last step. `drop_call_wants` lets go of what the call itself wanted (its language, say).
    """

    wants: Expression = ANYONE
    seconds: float | None = None
    drop_call_wants: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A waiting line's rules. Durations in seconds."""

    id: str
    name: str
    steps: tuple[Step, ...] = (Step(),)
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_best: int = 1
    ring: float = 15.0
    wrap_up: float = 15.0
    priority: int = 5
    bonus: float = 0.0
    last_agent_window: float = 86_400.0
    last_agent_wait: float = 20.0
    max_wait: float | None = None
    max_length: int | None = None
    short_abandon: float = SHORT_ABANDON


@dataclass(frozen=True, slots=True)
class Serves:
    """One row of an agent's routing profile: lower `priority` first; calls show up after `delay` seconds (as in Amazon Connect)."""

    queue: str
    priority: int = 1
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """An agent as the site file describes the person. `serves` empty means every queue."""

    id: str
    name: str
    skills: dict[str, int] = field(default_factory=dict)
    serves: tuple[Serves, ...] = ()
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """A class of callers: its priority stands in for the queue's, its bonus seconds are added to the queue's."""

    priority: int | None = None
    bonus: float = 0.0


NO_TIER = Tier()
"""What a caller has who is of no class."""


@dataclass(frozen=True, slots=True)
class OfferRules:
    """How an agent is treated after an offer that failed. Durations in seconds.

    An agent who refused or was busy rests for as long as in the sample of FreeSWITCH's mod_callcenter.
    """

    misses: int = 2
    back_off_refused: float = 10.0
    back_off_busy: float = 60.0
    back_off_no_answer: float = 0.0
    back_off_unreachable: float = 5.0
    lease: float = 5.0
    forget_refusal: float = 60.0


@dataclass(frozen=True, slots=True)
class Promise:
    """How long nobody who waits goes without a spoken word, and when the next one is aimed at. Seconds, from the end of the last word."""

    at_most: float = 90.0
    aim: float = 60.0


@dataclass(frozen=True, slots=True)
class HoldRules:
    """When an agent is reminded of a caller on hold, when the caller is first spoken to, and when an alarm is raised. Seconds."""

    remind: float = 45.0
    check_in: float = 60.0
    alert: float = 120.0


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """How customers are called back (docs/adr/0009, 0011). Durations in seconds; the caps are meant for any hour and any day (24 h).

    `customer_waits`: how long a customer who was called first waits for an agent at the most.
    """

    first: First = First.AGENT
    customer_waits: float = 60.0
    attempts: int = 3
    spacing: float = 600.0
    ring: float = 30.0
    expires: float = 86_400.0
    automatic_after: float | None = None
    per_number: int = 2
    per_hour: int = 60
    per_day: int = 500
    at_once: int = 5
    minutes: int = 60
    minutes_per_day: int = 1_000
    slot_capacity: int = 2
    slots_ahead: int = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the core needs of a site: replaced as a whole by `reload`."""

    queues: dict[str, Queue]
    agents: dict[str, AgentPlan]
    phones: frozenset[str]
    rules: OfferRules = OfferRules()
    tiers: dict[str, Tier] = field(default_factory=dict)
    promise: Promise = Promise()
    callbacks: CallbackRules | None = None
    holds: HoldRules = HoldRules()
    redial: float = 300.0
    language: str = "en"
