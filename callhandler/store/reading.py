"""One call's record, computed from its facts. Pure: no database, no clock.

Half a history is enough: a daemon may have died, a fact may be missing. Whatever is given, each call has at most one outcome,
its conversations don't overlap, and they, the waits and the holds never last longer than the call. A clock that was set back
counts as standing still.

Facts may follow the end of their call: a word that the hang-up cut, a phone that stopped ringing, an item for the inbox, wrap-up, and all
of a callback. Only why a phone was not answered and how much wrap-up was granted still belong in the record.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from callhandler.core.events import (
    AgentOffered,
    AttributeSet,
    CallAbandoned,
    CallArrived,
    CallbackRequested,
    CallConnected,
    CallEnded,
    CallEntered,
    CallerKnown,
    CallHeld,
    CallKeptRinging,
    CallLeftLine,
    CallMoved,
    CallRang,
    CallResumed,
    CallTransferred,
    ExtensionConnected,
    Fact,
    HandsetUsed,
    MenuEntered,
    OfferEnded,
    TalkEnded,
    WrapUpStarted,
)
from callhandler.core.model import Outcome
from callhandler.store.legs import Legs
from callhandler.store.records import Attribute, CallRecord, HandsetTry, QueueVisit

NEEDED: tuple[type[Fact], ...] = (
    CallArrived, CallKeptRinging, CallRang, CallerKnown, AttributeSet, MenuEntered, CallEntered, CallMoved, CallLeftLine, CallAbandoned,
    ExtensionConnected, AgentOffered, OfferEnded, CallConnected, CallHeld, CallResumed, CallTransferred, TalkEnded, WrapUpStarted,
    CallbackRequested, HandsetUsed, CallEnded,
)  # fmt: skip
"""The kinds that make a record: half of a call's facts. Routing decisions, by far the longest, and check-ins are not among them."""
_ENDS_EXTENSION = (ExtensionConnected, CallArrived, CallEntered, CallMoved, CallConnected, CallEnded, MenuEntered)
_ENDS_RINGING = (CallRang, ExtensionConnected, CallEntered, CallMoved, CallConnected, CallEnded, MenuEntered)
"""After any of these a call is answered, or over: nobody rings twice."""


def record_of(call: str, facts: Iterable[Fact]) -> CallRecord:
    """Compute the record of a call from its facts, in the order they were written.

    Raises:
        ValueError: when none of them is among `NEEDED`.
    """
    reading = _Reading(call)
    for fact in facts:
        if isinstance(fact, NEEDED):
            reading.take(fact)
    return reading.record()


@dataclass(slots=True)
class _OpenVisit:
    queue: str
    entered: float
    left: float | None = None
    outcome: Outcome | None = None


class _Reading:
    """What is known of a call while its facts are read one by one."""

    def __init__(self, call: str) -> None:
        self.call = call
        self.first: float | None = None
        self.now = 0.0
        self.arrival: CallArrived | None = None
        self.asked: CallbackRequested | None = None
        self.end: CallEnded | None = None
        self.ended: float | None = None
        self.name: str | None = None
        self.attributes: dict[str, str] = {}
        self.handset: list[HandsetTry] = []
        self.visits: list[_OpenVisit] = []
        self.legs = Legs()
        self.extension_talked = 0.0
        self.extension_since: float | None = None
        self.rang: float | None = None
        self.rings_since: float | None = None

    def take(self, fact: Fact) -> None:
        """Read the next fact."""
        if self.first is None:
            self.first = self.now = fact.at
        if isinstance(fact, WrapUpStarted):
            self.legs.wrap_up(fact)
            return
        if self.end is not None and not self._goes_on(fact):
            if isinstance(fact, OfferEnded):
                self.legs.why_not(fact, self.now)
            return
        self.now = max(self.now, fact.at)
        if isinstance(fact, _ENDS_EXTENSION):
            self._leave_extension()
        if isinstance(fact, _ENDS_RINGING):
            self._rings_no_more()
        match fact:
            case CallArrived():
                self.arrival = self.arrival or fact
            case CallKeptRinging() if self.rang is None and self.rings_since is None:
                self.rings_since = self.now
            case CallbackRequested():
                self.asked = fact
            case CallerKnown():
                self.name = fact.name or self.name
            case AttributeSet():
                self.attributes[fact.name] = fact.value
            case HandsetUsed() if fact.reason != "dialled":
                self.handset.append(HandsetTry(fact.code, fact.agent, fact.reason))
            case CallEntered() | CallMoved():
                self._enter(fact.queue)
            case CallLeftLine():
                self._leave(fact.outcome)
            case CallAbandoned():
                self._leave(Outcome.ABANDONED)
            case ExtensionConnected():
                self.legs.stop(self.now, "connected to an extension")
                self._leave(Outcome.EXTENSION)
                self.extension_since = self.now
            case CallConnected():
                self._connected(fact)
            case AgentOffered() | OfferEnded() | CallHeld() | CallResumed() | CallTransferred() | TalkEnded():
                self.legs.take(fact, self.now)
            case CallEnded():
                self._end(fact)

    def _goes_on(self, fact: Fact) -> bool:
        """A call that was given up as lost may turn out to live: its end is then what comes later."""
        alive = isinstance(fact, CallEnded | CallArrived | CallEntered | CallConnected | TalkEnded)
        if self.end is None or self.end.outcome is not Outcome.LOST or not alive:
            return False
        self.end = self.ended = None
        return True

    def _leave_extension(self) -> None:
        if self.extension_since is not None:
            self.extension_talked += self.now - self.extension_since
            self.extension_since = None

    def _rings_no_more(self) -> None:
        if self.rang is None:
            self.rang = self._rung()
            self.rings_since = None

    def _rung(self) -> float:
        return 0.0 if self.rings_since is None else self.now - self.rings_since

    def _enter(self, queue: str) -> None:
        if self.visits and self.visits[-1].left is None:
            if self.visits[-1].queue == queue:
                return
            self._leave(Outcome.WITHDRAWN)
        self.legs.stop(self.now, "in line again")
        self.visits.append(_OpenVisit(queue, self.now))

    def _leave(self, outcome: Outcome) -> None:
        if self.visits and self.visits[-1].left is None:
            self.visits[-1].left, self.visits[-1].outcome = self.now, outcome

    def _connected(self, fact: CallConnected) -> None:
        if not self.legs.has_talked(fact.leg):
            self.legs.stop(self.now, "another conversation began")
            self._leave(Outcome.ANSWERED)
        self.legs.take(fact, self.now)

    def _end(self, fact: CallEnded) -> None:
        self.end, self.ended = fact, self.now
        self.legs.stop(self.now, fact.reason)
        if not self.visits:
            return
        if self.visits[-1].left is None:
            self._leave(Outcome.ABANDONED if fact.outcome is Outcome.ANSWERED else fact.outcome)
        elif fact.outcome is Outcome.ABANDONED_SHORT and self.visits[-1].outcome is Outcome.ABANDONED:
            self.visits[-1].outcome = fact.outcome

    def record(self) -> CallRecord:
        """Return what is known by now."""
        if self.first is None:
            raise ValueError(f"no fact of call {self.call}")
        over = self.end is not None
        legs = self.legs.closed(self.now, over)
        visits = tuple(self._visit(visit) for visit in self.visits)
        talked = [leg for leg in legs if leg.connected is not None]
        arrival, end = self.arrival, self.end
        caller = self._caller()
        return CallRecord(
            id=self.call,
            arrived=self.first,
            ended=self.ended,
            number=arrival.number if arrival else "",
            caller_number=caller[0],
            caller_name=self.name or caller[1],
            source=arrival.source if arrival else "",
            outcome=end.outcome if end else None,
            reason=end.reason if end else "",
            cause=end.cause if end else 0,
            whole=arrival is not None,
            queue=visits[-1].queue if visits else None,
            agent=max(talked, key=lambda leg: leg.connected or 0.0).agent if talked else None,
            waited=sum(visit.waited for visit in visits),
            talked=sum(leg.talked for leg in legs),
            held=sum(leg.held for leg in legs),
            extension_talked=self.extension_talked,
            attributes=tuple(Attribute(name, value) for name, value in self.attributes.items()),
            visits=visits,
            legs=legs,
            rang=self._rung() if self.rang is None else self.rang,
            handset=tuple(self.handset),
        )

    def _caller(self) -> tuple[str, str]:
        """Return number and name of the caller; of a callback added by hand, for which nobody called, those of who is called back."""
        if self.arrival is not None:
            return self.arrival.caller_number, self.arrival.caller_name
        return ("", "") if self.asked is None else (self.asked.number, self.asked.caller_name)

    def _visit(self, visit: _OpenVisit) -> QueueVisit:
        waited = (self.now if visit.left is None else visit.left) - visit.entered
        return QueueVisit(
            queue=visit.queue, entered=visit.entered, left=visit.left, waited=waited, outcome=visit.outcome
        )
