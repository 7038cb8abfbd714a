"""The offers and conversations of one call while its facts are read. Pure; `reading.py` hands in facts with a time that never goes back."""

from dataclasses import dataclass

from callhandler.core.events import (
    AgentOffered,
    CallConnected,
    CallHeld,
    CallResumed,
    CallTransferred,
    OfferEnded,
    TalkEnded,
    WrapUpStarted,
)
from callhandler.core.model import OfferEnd
from callhandler.store.records import Leg

LegFact = AgentOffered | OfferEnded | CallConnected | CallHeld | CallResumed | CallTransferred | TalkEnded


class Legs:
    """All legs of a call, in the order in which they were first heard of."""

    def __init__(self) -> None:
        self._legs: dict[str, _Leg] = {}

    def has_talked(self, leg: str) -> bool:
        """Tell whether a leg was connected already."""
        return leg in self._legs and self._legs[leg].connected is not None

    def take(self, fact: LegFact, now: float) -> None:
        """Read a fact about one leg."""
        leg = self._legs.get(fact.leg)
        if leg is None:
            queue = "" if isinstance(fact, CallHeld | CallResumed | CallTransferred) else fact.queue
            phone = fact.phone if isinstance(fact, AgentOffered) else ""
            leg = self._legs[fact.leg] = _Leg(fact.leg, fact.agent, queue, phone, now)
        leg.queue = leg.queue or getattr(fact, "queue", "")
        match fact:
            case OfferEnded():
                leg.fail(now, fact.reason)
            case CallConnected():
                leg.connect(now)
            case CallHeld():
                leg.hold(now)
            case CallResumed():
                leg.resume(now)
            case CallTransferred():
                leg.transferred_to = fact.to
            case TalkEnded():
                leg.stop(now, fact.reason)

    def stop(self, now: float, reason: str) -> None:
        """End whatever conversation goes on."""
        for leg in self._legs.values():
            leg.stop(now, reason)

    def why_not(self, fact: OfferEnded, now: float) -> None:
        """Note why an offer came to nothing that is known already."""
        if fact.leg in self._legs:
            self._legs[fact.leg].fail(now, fact.reason)

    def wrap_up(self, fact: WrapUpStarted) -> None:
        """Put the wrap-up granted to the agent's last conversation."""
        for leg in reversed(self._legs.values()):
            if leg.agent == fact.agent and leg.connected is not None:
                leg.wrap_up = max(0.0, fact.until - fact.at)
                return

    def closed(self, now: float, over: bool) -> tuple[Leg, ...]:
        """Return all legs as they stand at `now`; when the call is over, so is what was still open."""
        return tuple(leg.closed(now, over) for leg in self._legs.values())


@dataclass(slots=True)
class _Leg:
    leg: str
    agent: str
    queue: str
    phone: str
    offered: float
    rang_until: float | None = None
    failed: OfferEnd | None = None
    connected: float | None = None
    ended: float | None = None
    held: float = 0.0
    held_since: float | None = None
    reason: str = ""
    transferred_to: str | None = None
    wrap_up: float = 0.0

    def stop(self, now: float, reason: str) -> None:
        if self.connected is not None and self.ended is None:
            self.resume(now)
            self.ended, self.reason = now, reason

    def fail(self, now: float, reason: OfferEnd) -> None:
        if self.connected is None and self.failed is None:
            self.rang_until, self.failed = now, reason

    def connect(self, now: float) -> None:
        if self.connected is None:
            self.connected = self.rang_until = now
            self.failed = None

    def hold(self, now: float) -> None:
        if self.connected is not None and self.ended is None and self.held_since is None:
            self.held_since = now

    def resume(self, now: float) -> None:
        if self.held_since is not None:
            self.held += now - self.held_since
            self.held_since = None

    def closed(self, now: float, over: bool) -> Leg:
        if over and self.connected is None and self.failed is None:
            self.failed = OfferEnd.CALLER_LEFT
        until = now if self.ended is None else self.ended
        held = self.held + (now - self.held_since if self.held_since is not None else 0.0)
        return Leg(
            leg=self.leg, agent=self.agent, queue=self.queue, phone=self.phone, offered=self.offered, failed=self.failed,
            connected=self.connected,
            rang=(now if self.rang_until is None else self.rang_until) - self.offered,
            ended=self.ended, talked=0.0 if self.connected is None else until - self.connected, held=held,
            reason=self.reason, transferred_to=self.transferred_to, wrap_up=self.wrap_up,
        )  # fmt: skip
