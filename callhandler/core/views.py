"""The present as others see it: what the control API, the CLI and MQTT show of calls, agents, queues and the daemon.

Views are made from the state at one moment and never change. All times are seconds since the epoch (UTC), all durations
seconds; texts that came from outside stand in them as they came: whoever prints them makes them harmless.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from callhandler.core.model import CallbackState, Device, State, Status


class CallState(StrEnum):
    """Where a call is now."""

    ARRIVED = "arrived"
    RINGING = "ringing"
    """Not answered yet: the machine has no time or room left."""
    IN_MENU = "in menu"
    WAITING = "waiting"
    OFFERED = "offered"
    TALKING = "talking"
    ON_HOLD = "on hold"
    ELSEWHERE = "elsewhere"
    """At an extension, a handset's feature code, or wherever a transfer sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One call that is here now.

    `position` counts from 1 and is None unless the call waits. `entered` is when it first joined a line, `waited` how
    long it has waited (or did, when it talks), conversations left out. `agent` is who talks or is offered; `step` the
    queue's step its wants stand at. `sent_to` is the destination of a call that is elsewhere, such as `phone:102`; who is
    talked to there is not known.
    """

    id: str
    state: CallState
    arrived: float
    number: str
    caller_number: str
    caller_name: str
    source: str
    since: float
    queue: str | None = None
    position: int | None = None
    entered: float | None = None
    waited: float | None = None
    priority: int | None = None
    bonus: float | None = None
    step: int | None = None
    agent: str | None = None
    menu: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    sent_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackView:
    """One callback that is open.

    `id` is that of the call it was asked for in. `position` counts from 1 and is None unless it waits for its turn. It isn't made before
    `due` and expires at `expires`; `promise` is a time that was said to the customer. `attempts` are those that failed, `most` how many
    there are; `last_failure` is why the last one did. `agent` is who is offered it or talks.
    """

    id: str
    state: CallbackState
    since: float
    queue: str
    number: str
    confirmed: bool
    caller_name: str
    language: str
    requested: float
    entered: float
    by: str
    due: float | None = None
    promise: float | None = None
    expires: float
    position: int | None = None
    attempts: int = 0
    most: int = 0
    last_failure: str = ""
    agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """One agent. `status` is what the person chose, `state` what the system does, `since` when either last changed, None of one
    who never was there.

    `device` is what Asterisk says of the phone, None when the agent has none. `skills` and `queues` are as in the site
    file.
    """

    id: str
    name: str
    status: Status
    state: State
    since: float | None
    reason: str = ""
    phone: str | None = None
    device: Device | None = None
    call: str | None = None
    skills: dict[str, int] = field(default_factory=dict)
    queues: tuple[str, ...] = ()
    calls_today: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """One waiting line. `longest_wait` is None when nobody waits; the agents counted are those who serve this queue.

    `waiting` counts those on the line, `callbacks` those who are to be called back or are just being.
    """

    id: str
    name: str
    waiting: int
    offered: int
    talking: int
    longest_wait: float | None
    agents_logged_in: int
    agents_free: int
    agents_busy: int
    callbacks: int = 0


class ItemState(StrEnum):
    """What has become of an item of the inbox."""

    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One thing for a person to see to. `since` is the first call's time, `last` the latest one's.

    `kind` is message, missed, callback failed or promise broken. `calls` are what it is made of, oldest first, and `files` their
    messages, relative to the site. `by` is who sees to it, or who did.
    """

    kind: str
    number: str
    queue: str
    state: ItemState
    since: float
    last: float
    reason: str
    calls: tuple[str, ...]
    files: tuple[str, ...] = ()
    by: str = ""
    done_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much goes on at once. `ringing` counts the callers who aren't answered yet as the machine has no time or room left."""

    calls: int = 0
    ringing: int = 0
    waiting: int = 0
    callbacks: int = 0
    talking: int = 0
    agents_logged_in: int = 0
    agents_free: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """Something a person should look at: the alarms of one kind and queue in the last day.

    `count` is how many there were; `reason` and `at` are those of the last one. `queue` is None of those that concern none.
    """

    kind: str
    reason: str
    at: float
    queue: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherView:
    """A listener such as MQTT: whether it is connected, how many events it keeps, and how many it had to drop."""

    name: str
    connected: bool
    kept: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The daemon itself. `journal_backlog` counts the facts not yet written; `emergency` is the reason of a closing;
    `ending` tells that a planned end is under way: no new calls are taken, those here may end.

    `sessions` counts the calls whose dialplan is in conversation with the daemon (FastAGI), `tasks` all that the daemon does at once, such
    conversations and its own lasting parts included: when nobody calls, neither is more than it was yesterday. `alarms`
    has one entry for each kind and queue of the last day's, the one raised last at the end.
    """

    version: str
    node: str
    pid: int
    started: float
    now: float
    site: str
    site_digest: str
    asterisk_connected: bool
    asterisk_version: str | None
    asterisk_since: float | None
    journal_backlog: int
    sessions: int = 0
    tasks: int = 0
    counts: Counts = Counts()
    alarms: tuple[AlarmView, ...] = ()
    publishers: tuple[PublisherView, ...] = ()
    emergency: str | None = None
    ending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateView:
    """One agent looked at in a decision: `rank` counts from 1, or `verdict` is the first reason why not.

    `levels` are the agent's levels in the skills asked for, `idle` the seconds since the agent last did something, None of one who never
    has, `calls` those taken so far.
    """

    agent: str
    name: str
    rank: int | None
    verdict: str
    levels: dict[str, int]
    idle: float | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """One routing decision. `chosen` lists agents, best first; empty when nobody could be offered the call.

    `kept_for` is the agent the call was kept for. `left_out` counts the agents not written down. `same`
    tells whether making the decision again from its inputs gives the same, and `replayed` whom it gives.
    """

    at: float
    call: str
    queue: str
    step: int
    wants: str
    strategy: str
    waited: float
    kept_for: str | None
    chosen: tuple[str, ...]
    candidates: tuple[CandidateView, ...]
    left_out: int
    replayed: tuple[str, ...]
    same: bool
