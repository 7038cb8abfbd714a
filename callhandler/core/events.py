"""The facts: what happened, past tense, as the journal keeps it. State is computed from them and can be computed again.

Every fact has `at` (seconds since the epoch, UTC). The fields `call`, `leg`, `agent`, `queue` and `reason` are columns in the
journal; all other fields are kept with them as JSON. A fact's `kind` in the journal is its class name. When a fact's
meaning changes, its `version` is raised and `store` learns to read the old one.
"""

from dataclasses import dataclass
from typing import ClassVar

from callhandler.core.model import OfferEnd, Outcome, RingEnd, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact has."""

    version: ClassVar[int] = 1
    at: float


# --- a call -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallArrived(Fact):
    """A caller's channel reached us. `call` is the channel's unique id, which names the node too."""

    call: str
    channel: str
    number: str
    caller_number: str
    caller_name: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallKeptRinging(Fact):
    """The machine has no time or no room left for the caller, who hears it ring from here on and isn't answered yet.

    `late` tells which: it was late with everything, or it was on time, and as many callers were here as it had shown to have time for; null
    where it wasn't written down.
    """

    call: str
    late: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRang(Fact):
    """The ringing of a caller who was kept is over: answered, or gone. `rang` is how long it took, in seconds.

    `reason` is let in, let in after the longest time, caller left (which counts as abandoned), withdrawn, or lost (its end was not seen,
    so that `rang` is the longest it can have been).
    """

    call: str
    rang: float
    reason: RingEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerKnown(Fact):
    """The lookup by number knew the caller."""

    call: str
    name: str | None
    tier: str | None
    preferred_agent: str | None
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupFailed(Fact):
    """The lookup did not answer in time or failed; the call went on without it."""

    call: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSet(Fact):
    """Something was learnt on the way: reason, language, tier, account, or a skill wanted."""

    call: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuEntered(Fact):
    """The caller is in a menu."""

    call: str
    menu: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed(Fact):
    """A key in a menu, and where it led ("" when it meant nothing there)."""

    call: str
    menu: str
    key: str
    led_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuSilent(Fact):
    """No key came in time."""

    call: str
    menu: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSent(Fact):
    """The script sent the call to a destination of the site file, such as `queue:sales`; `reason` says what sent it there."""

    call: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideDialled(Fact):
    """The caller is about to be connected with a number outside, over a trunk; `queue` is the line the call came from, "" when none."""

    call: str
    queue: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionConnected(Fact):
    """The caller talks to somebody who was dialled directly: no queue, no offer."""

    call: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsetUsed(Fact):
    """Somebody dialled a feature code: log in, log out, pause or resume; `reason` says how far it came: dialled, wrong PIN, done, ..."""

    call: str
    code: str
    phone: str
    agent: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallClosed(Fact):
    """The number was closed when the call came; `reason` is the rule that said so (a holiday's name, hours, emergency)."""

    call: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEntered(Fact):
    """The call is in line. `entered` is when it first joined a line, kept through transfers, moves and failed offers."""

    call: str
    queue: str
    entered: float
    priority: int
    bonus: float
    wants: str
    preferred_agent: str | None = None
    preferred_wait: float = 0.0
    offers_made: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAdvanced(Fact):
    """The call's wants were relaxed to `step` (0 is the first)."""

    call: str
    queue: str
    step: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingDecided(Fact):
    """Why this agent, or why nobody yet. `snapshot` holds the inputs (core/explaining.py), from which the choice can be made again."""

    call: str
    queue: str
    agent: str | None
    snapshot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOffered(Fact):
    """An agent's phone is being rung. `leg` is the channel's unique id, chosen by us."""

    call: str
    leg: str
    agent: str
    queue: str
    phone: str
    ring: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEnded(Fact):
    """An offer ended without a conversation."""

    call: str
    leg: str
    agent: str
    queue: str
    reason: OfferEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConnected(Fact):
    """Caller and agent can talk. `waited` counts from when the call entered the line."""

    call: str
    leg: str
    agent: str
    queue: str
    waited: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeld(Fact):
    """The agent put the caller on hold."""

    call: str
    leg: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResumed(Fact):
    """The agent took the caller back from hold."""

    call: str
    leg: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(Fact):
    """The agent sent the caller to another number."""

    call: str
    leg: str
    agent: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded(Fact):
    """Caller and agent no longer talk. `talked` is in seconds, hold included."""

    call: str
    leg: str
    agent: str
    queue: str
    talked: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMoved(Fact):
    """A waiting call was moved to another queue by a person, place kept."""

    call: str
    queue: str
    from_queue: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPrioritised(Fact):
    """A waiting call's order was changed by a person."""

    call: str
    queue: str
    priority: int
    bonus: float
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeftLine(Fact):
    """The call left the line without an agent and goes on elsewhere; `outcome` is what that counts as if nothing better follows."""

    call: str
    queue: str
    outcome: Outcome
    waited: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAbandoned(Fact):
    """The caller hung up while waiting."""

    call: str
    queue: str
    waited: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Fact):
    """The caller's channel is gone, and this is what came of the call. What it cut or opened, and a callback, may follow."""

    call: str
    outcome: Outcome
    reason: str
    cause: int = 0


# --- waiting well -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIn(Fact):
    """Somebody who waits was spoken to. `at` is when the spoken word ended, `due` when it was to begin at the latest.

    `said` names what was said, such as `thanks-1 place wait-5`; a conversation that the caller began with a key begins with `menu`.
    `cut_by` is "" when it was heard to its end, else what cut it: answer, key, hang-up, or `line` when the line sent the caller on; on
    hold also resume and transfer.
    `position` and `most` are the place in line and the upper end of the range of seconds that were said, None when none was.
    """

    call: str
    where: Where
    due: float
    started: float
    said: str
    cut_by: str = ""
    position: int | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInBreached(Fact):
    """Somebody waits without a spoken word for longer than promised, once for each silence. `silent` is how long by now, in seconds.

    `since` is when the silence began; `reason` is its cause.
    """

    call: str
    where: Where
    since: float
    silent: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateMade(Fact):
    """How long a waiting call was expected to wait still, in seconds. `most` is the upper end of the range said, None when none was.

    `method` is `queue length` or `head of line`; `ahead` counts calls and callbacks ahead together.
    """

    call: str
    queue: str
    method: str
    seconds: float
    ahead: int
    most: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReminded(Fact):
    """The agent was reminded of a caller on hold; `held` in seconds."""

    call: str
    agent: str
    held: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCallerReturned(Fact):
    """A caller on hold pressed the key that leads back to the head of the line."""

    call: str
    agent: str
    queue: str


ADDED_BY_HAND = "asked for by a person"
"""The reason of a callback that no call asked for, and of the end of the call there never was: nobody waited on the telephone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRequested(Fact):
    """A caller will be called back and keeps the place in line; `call` stays the entry's id for ever.

    `confirmed`: the number was keyed in or said yes to by the caller. `due`: not before then (a slot), None for as soon as it is its turn.
    `promise`: the time said to the caller by which the call comes, None when none was said. `by`: caller, an agent, or a person's name.
    `offers_made` counts the offers of the call so far.
    """

    call: str
    queue: str
    number: str
    confirmed: bool
    entered: float
    priority: int
    bonus: float
    wants: str
    language: str
    caller_name: str
    due: float | None
    promise: float | None
    expires: float
    reason: str
    by: str
    offers_made: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRescheduled(Fact):
    """A callback waits until `due`: after a failed attempt, outside calling hours, or because a person said so.

    `promise`: the time by which the call comes now, in place of what was promised before; None where that stays as it was.
    """

    call: str
    due: float
    reason: str
    promise: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAnnounced(Fact):
    """The agent picked up and is being told who is to be called back; nobody has been dialled."""

    call: str
    leg: str
    agent: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackDialled(Fact):
    """The customer is about to be dialled: committed to disk before Originate. `leg` is the channel's unique id, chosen by us.

    `agent` waits on the line; None where the customer is called first, and the agent only kept for them.
    """

    call: str
    leg: str
    agent: str | None
    number: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAccepted(Fact):
    """The customer answered and said yes by a key: from here on they are a caller on the line, at `channel`, whose unique id is `leg`."""

    call: str
    leg: str
    channel: str
    number: str
    caller_name: str
    queue: str
    entered: float
    wants: str
    language: str
    offers_made: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAttemptEnded(Fact):
    """An attempt to reach the customer failed.

    `reason` is no answer, busy, not accepted, machine, hung up (said yes, and left before an agent was there), failed, lost, agent left,
    nobody free (said yes, and no agent was there in time), or not dialled: the last two don't count as attempts.
    """

    call: str
    leg: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackEnded(Fact):
    """The last fact of a callback; `result` is done, failed, expired or cancelled, `talked` the seconds talked in it."""

    call: str
    result: str
    reason: str
    by: str = ""
    talked: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseSettled(Fact):
    """A time said to a caller was kept or broken; `late` in seconds, 0 when kept."""

    call: str
    promise: float
    kept: bool
    late: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLeft(Fact):
    """A caller left a message; `file` is relative to the site, `seconds` its length. `number` and `caller_name` are the caller's."""

    call: str
    queue: str
    file: str
    seconds: float
    number: str = ""
    caller_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMailed(Fact):
    """A message was handed to the mail server, its recording attached; `to` is who gets it."""

    call: str
    queue: str
    file: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOpened(Fact):
    """Something in the inbox for a person to see to; `item` is message, missed, callback failed or promise broken."""

    call: str
    queue: str
    item: str
    number: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClaimed(Fact):
    """A person sees to the items of a call."""

    call: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDone(Fact):
    """The items of a call are done; `by` is a person, or `callhandler` when the customer has reached an agent since."""

    call: str
    by: str
    reason: str


# --- an agent -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoggedIn(Fact):
    """The agent sits at `phone` and is available."""

    agent: str
    phone: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoggedOut(Fact):
    """The agent went home."""

    agent: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPaused(Fact):
    """The agent is on break; `reason` is the agent's word for it."""

    agent: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResumed(Fact):
    """The agent is available again: after a break, after misses, or before wrap-up was over."""

    agent: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentNotAnswering(Fact):
    """The agent missed so many offers in a row that no more are made until the agent resumes."""

    agent: str
    misses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpStarted(Fact):
    """The agent finishes the work of a call until `until`."""

    agent: str
    call: str
    queue: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpEnded(Fact):
    """Wrap-up time is over."""

    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneReachable(Fact):
    """A phone is registered and answers."""

    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneUnreachable(Fact):
    """A phone is not registered or does not answer."""

    phone: str


# --- the house ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStarted(Fact):
    """The daemon is up."""

    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStopped(Fact):
    """The daemon stopped in good order."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLoaded(Fact):
    """The site file in force from now on, by its SHA-256."""

    digest: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapBegan(Fact):
    """From here on Asterisk was not seen. At a start after a crash, `at` is the last fact's time."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapEnded(Fact):
    """Asterisk is seen again and state was compared with it. `seconds` is how long it was not."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Fact):
    """Something a person should look at. `kind` is one word: unroutable, misses, hold, pin, disk, agi, clock, busy."""

    kind: str
    reason: str
    queue: str | None = None
    agent: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyClosed(Fact):
    """A person closed the whole site at once."""

    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyOpened(Fact):
    """The emergency closing is over."""

    by: str


FACTS: dict[str, type[Fact]] = {kind.__name__: kind for kind in Fact.__subclasses__()}
COLUMNS = ("call", "leg", "agent", "queue", "reason")


def columns_of(fact: Fact) -> dict[str, str | None]:
    """Return the journal columns of a fact, None where it has no such field."""
    return {name: getattr(fact, name, None) for name in COLUMNS}
