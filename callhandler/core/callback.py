"""One callback: what it is and where it stands; and all that are open, computed from facts.

A callback is the same entry in the same line as the call it was asked for in, under that call's id. Nothing is decided here: what may
happen to one is in callback_table.py, callbacks.py decides, books.py keeps its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from callhandler.core import events as e
from callhandler.core.agents import No
from callhandler.core.callback_limits import Until
from callhandler.core.callback_table import TABLE, Trigger
from callhandler.core.model import CallbackRules, CallbackState

_WAITING, _RESTING, _DIALLED, _HERE, _TALKING = (
    CallbackState.WAITING,
    CallbackState.RESTING,
    CallbackState.DIALLED,
    CallbackState.HERE,
    CallbackState.TALKING,
)
UNDER_WAY = frozenset({CallbackState.OFFERED, CallbackState.ANNOUNCED, _DIALLED, _HERE, _TALKING})
"""States in which an agent or a line to the outside is taken."""
NOT_DIALLED = "not dialled"
"""The reason of an attempt that ended before anything was dialled."""
NOBODY_FREE = "nobody free"
"""The reason of an attempt whose customer said yes and then waited in vain for an agent: the house's failure, not the customer's."""
NOT_COUNTED = (NOT_DIALLED, NOBODY_FREE)
"""Reasons of attempts that don't count against the customer."""


LONGEST_OPEN = 28 * 86_400.0
"""Seconds after which a callback that was asked for has expired, however long the house is closed."""


@dataclass(slots=True)
class Callback:
    """A callback that is open. Times are seconds since the epoch; changed by `Callbacks.apply` alone.

    `dialled` counts the times the customer was about to be dialled, `failed` those that count as attempts. `agent` is offered it or
    talks, at `agent_leg`, which is `attended_leg` too once it was picked up; `rings` are all who are offered it, by leg (several where all
    phones ring for a customer on the line); `leg` is the customer's. Before `due` it isn't offered.
    `undecided`: an attempt has failed, and when the next one is has not been written down. `first`: the last attempt dialled the customer
    first, with an agent kept but not rung; `let_down`: they said yes and waited in vain, so that from then on the agent is called first.
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
    requested: float
    due: float
    promise: float | None
    expires: float
    by: str
    reason: str
    state: CallbackState = CallbackState.ASKED
    since: float = 0.0
    dialled: int = 0
    failed: int = 0
    last_failure: str = ""
    agent: str | None = None
    agent_leg: str | None = None
    rings: dict[str, str] = field(default_factory=dict)
    attended_leg: str | None = None
    leg: str | None = None
    undecided: bool = False
    first: bool = False
    let_down: bool = False
    settled: bool = False
    talked: float = 0.0
    offers_made: int = 0

    def turn(self, trigger: Trigger, at: float) -> No | None:
        """Move to the next state, or leave the state alone and return why not."""
        following = TABLE[self.state, trigger]
        if isinstance(following, No):
            return following
        if following is not self.state:
            self.state, self.since = following, at
        return None

    def attempts(self, rules: CallbackRules) -> int:
        """Return how often the customer may be dialled: a number that nobody confirmed only once."""
        return rules.attempts if self.confirmed else 1


class OpenCallbacks:
    """All callbacks that are open, by call."""

    def __init__(self) -> None:
        self.open: dict[str, Callback] = {}
        self.by_number: dict[str, Callback] = {}
        self.by_leg: dict[str, Callback] = {}
        self.at_once = 1
        self.customer_first = False
        self.obstacle: Callable[[Callback, float], Until | None] = lambda _one, _now: None
        """Until when one can't be made for reasons of hours and caps, and why: callbacks.py knows them, and puts itself here."""

    def under_way(self) -> int:
        """Return how many take an agent or a line to the outside now."""
        return sum(one.state in UNDER_WAY for one in self.open.values())

    def about_to_be_dialled(self) -> int:
        """Return how many customers are dialled next, whatever their agents do: those who are called first, and are offered just now."""
        if not self.customer_first:
            return 0
        return sum(one.state is CallbackState.OFFERED and not one.let_down for one in self.open.values())

    def may_be_offered(self, call: str) -> bool:
        """Tell whether a call may be offered to agents as far as callbacks go: always, unless it is a callback whose turn it isn't."""
        one = self.open.get(call)
        if one is None or one.state in (_HERE, _TALKING):
            return one is None or one.attended_leg is None
        return one.state is _WAITING and self.under_way() < self.at_once

    def held_up(self, call: str, now: float) -> Until | None:
        """Return until when a callback in line can't be made for reasons of hours and caps, and why; None when nothing is in the way."""
        one = self.open.get(call)
        return None if one is None or one.state is not _WAITING else self.obstacle(one, now)

    def is_kept(self, call: str | None, leg: str) -> bool:
        """Tell whether an agent is kept for a customer who is called first: the phone at that leg doesn't ring before they say yes."""
        one = self.open.get(call or "")
        return one is not None and one.agent_leg == leg and one.first and one.state is _DIALLED

    def said_yes(self, call: str | None) -> float | None:
        """Return since when a customer who was called first is on the line, None when none is: from then on their agent's phone rings."""
        one = self.open.get(call or "")
        return one.since if one is not None and one.first and one.state is _HERE else None

    def is_away(self, call: str) -> bool:
        """Tell whether a call is a callback whose customer isn't on the line."""
        one = self.open.get(call)
        return one is not None and one.state not in (_HERE, _TALKING)

    def is_resting(self, call: str) -> bool:
        """Tell whether a call is a callback whose time has not come."""
        one = self.open.get(call)
        return one is not None and one.state is _RESTING

    def is_attended(self, call: str | None, leg: str) -> bool:
        """Tell whether an agent has picked up at a leg for a callback: that leg has no ring time any more that could be over."""
        one = self.open.get(call or "")
        return one is not None and one.attended_leg == leg

    def apply(self, fact: e.Fact) -> Callback | None:
        """Change the callbacks as a fact says; return the one it is about, also when it has just ended."""
        if isinstance(fact, e.CallbackRequested):
            return self._requested(fact)
        one = self.open.get(getattr(fact, "call", ""))
        if one is None:
            return None
        match fact:
            case e.CallbackEnded():
                self._close(one)
            case e.CallEnded():
                if not one.turn(Trigger.CALLER_LEFT, fact.at) and one.due > fact.at:
                    one.turn(Trigger.RESCHEDULE, fact.at)
            case e.AgentOffered():
                self._offered(one, fact)
            case e.OfferEnded():
                one.rings.pop(fact.leg, None)
                if one.agent_leg in (fact.leg, None):
                    self._agent_gone(one, fact)
            case e.CallbackAnnounced():
                if not one.turn(Trigger.ANNOUNCE, fact.at):
                    one.attended_leg = fact.leg
            case e.CallbackDialled():
                self._dialled(one, fact)
            case e.CallbackAccepted():
                one.turn(Trigger.ACCEPT, fact.at)
                one.confirmed = True  # by the key
            case e.CallConnected():
                one.rings.pop(fact.leg, None)
                if not one.turn(Trigger.CONNECT, fact.at):
                    one.agent, one.agent_leg = fact.agent, fact.leg
            case e.ExtensionConnected():  # the customer, once on the line, went to somebody else by a key
                one.turn(Trigger.CONNECT, fact.at)
            case e.TalkEnded():
                one.talked += fact.talked
                one.agent = one.agent_leg = one.attended_leg = None
            case e.CallbackAttemptEnded():
                self._attempt_ended(one, fact)
            case e.CallbackRescheduled():
                if not one.turn(Trigger.RESCHEDULE, fact.at):
                    one.due, one.undecided = fact.due, False
                    if fact.promise is not None:
                        one.promise, one.settled = fact.promise, False
            case e.CallMoved():
                one.queue = fact.queue
            case e.CallPrioritised():
                one.priority, one.bonus = fact.priority, fact.bonus
            case e.PromiseSettled():
                one.settled = True
        return one

    def due(self, now: float) -> list[Callback]:
        """Have those whose time has come wait for their turn; return them."""
        come = [one for one in self.open.values() if one.state is _RESTING and one.due <= now and not one.undecided]
        for one in come:
            one.turn(Trigger.DUE, now)
        return come

    def _requested(self, fact: e.CallbackRequested) -> Callback:
        one = Callback(
            call=fact.call,
            queue=fact.queue,
            number=fact.number,
            confirmed=fact.confirmed,
            entered=fact.entered,
            priority=fact.priority,
            bonus=fact.bonus,
            wants=fact.wants,
            language=fact.language,
            caller_name=fact.caller_name,
            requested=fact.at,
            due=fact.due or 0.0,
            promise=fact.promise,
            expires=fact.expires,
            by=fact.by,
            reason=fact.reason,
            since=fact.at,
            offers_made=fact.offers_made,
        )
        self.open[one.call] = self.by_number[one.number] = one
        return one

    def _dialled(self, one: Callback, fact: e.CallbackDialled) -> None:
        first = fact.agent is None
        one.dialled = fact.attempt
        if not one.turn(Trigger.DIAL_FIRST if first else Trigger.DIAL, fact.at):
            one.leg, one.first = fact.leg, first
            self.by_leg[fact.leg] = one

    @staticmethod
    def _offered(one: Callback, fact: e.AgentOffered) -> None:
        one.offers_made += 1
        if one.state is _RESTING:  # read from the journal, where nothing says that its time has come but this
            one.turn(Trigger.DUE, fact.at)
        if not one.turn(Trigger.OFFER, fact.at):
            one.agent, one.agent_leg = fact.agent, fact.leg
            one.rings[fact.leg] = fact.agent

    @staticmethod
    def _agent_gone(one: Callback, fact: e.OfferEnded) -> None:
        one.turn(Trigger.OFFER_END, fact.at)
        one.agent = one.agent_leg = one.attended_leg = None
        if one.state is _HERE and not one.first:  # the customer has said yes, and now has nobody
            one.first, one.since = True, fact.at
        for leg, agent in one.rings.items():  # another phone rings yet
            one.agent, one.agent_leg = agent, leg

    def _attempt_ended(self, one: Callback, fact: e.CallbackAttemptEnded) -> None:
        if one.leg != fact.leg or one.turn(Trigger.ATTEMPT_END, fact.at):
            return
        self.by_leg.pop(fact.leg, None)
        one.leg, one.last_failure, one.undecided = None, fact.reason, True
        one.failed += fact.reason not in NOT_COUNTED
        one.let_down = one.let_down or fact.reason == NOBODY_FREE

    def _close(self, one: Callback) -> None:
        del self.open[one.call]
        if self.by_number.get(one.number) is one:
            del self.by_number[one.number]
        if one.leg is not None:
            self.by_leg.pop(one.leg, None)
