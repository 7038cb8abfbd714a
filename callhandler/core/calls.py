"""The calls that are here: who calls, what was learnt on the way, and where each one is. Computed from facts, like books.py.

A call is one visit of a caller; its id is the unique id of the caller's channel. What ends it is the end of that channel, and nothing
else: transfers, crashes of the daemon and trips through the dialplan don't.
"""

from dataclasses import dataclass, field
from functools import singledispatchmethod

from callhandler.core import events as e
from callhandler.core.model import Outcome, RingEnd
from callhandler.core.skills import Expression, both, parse


@dataclass(slots=True)
class Call:
    """One caller who is here. Times are seconds since the epoch; changed by `Calls.apply` alone.

    `rings_since` is since when it is kept ringing, None when it isn't.
    `left_queue` is the line it was last sent on from, `tried_outside` how often a number outside was dialled for it.
    `entered` is when the call first joined a line, kept for its whole life; `waits_since` is since when it waits, None when it doesn't, and
    `waited_before` the seconds of its waits that are over. `outcome` is what the call comes to if it ends now.
    `called_at` is the unique id of the channel of a customer who was called back.
    """

    id: str
    channel: str
    number: str
    caller_number: str
    caller_name: str
    source: str
    arrived: float
    since: float
    rings_since: float | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    menu: str | None = None
    sent_to: str | None = None
    queue: str | None = None
    entered: float | None = None
    waits_since: float | None = None
    waited_before: float = 0.0
    preferred_agent: str | None = None
    agent: str | None = None
    leg: str | None = None
    connected_at: float | None = None
    held: bool = False
    answered: bool = False
    returned: bool = False
    offers_made: int = 0
    left_queue: str | None = None
    tried_outside: int = 0
    outcome: Outcome = Outcome.LEFT_IN_MENU
    called_at: str | None = None

    @property
    def at(self) -> str:
        """Return the unique id of the channel the caller is at."""
        return self.called_at or self.id

    @property
    def wants(self) -> Expression:
        """Return the skills the call itself wants: what was learnt on the way, and the language last chosen."""
        return both(parse(self.attributes.get("wants", "")), parse(self.attributes.get("speaks", "")))

    def rang(self, until: float, reason: RingEnd) -> e.CallRang | None:
        """Return what is to be written down when it is no longer kept ringing; None where it wasn't."""
        if self.rings_since is None:
            return None
        return e.CallRang(at=until, call=self.id, rang=max(0.0, until - self.rings_since), reason=reason)

    def waits(self, since: float) -> None:
        """Count the wait from `since`, unless it waits already."""
        if self.waits_since is None:
            self.waits_since = since

    def waits_no_more(self, at: float) -> None:
        """End the wait that is counted, if there is one."""
        self.waited_before, self.waits_since = self.waited(at), None

    def waited(self, now: float) -> float:
        """Return the seconds it has waited in all."""
        return self.waited_before + (0.0 if self.waits_since is None else max(0.0, now - self.waits_since))

    def wanting(self, more: str) -> str:
        """Return what the attribute `wants` would be with `more` added."""
        return both(parse(self.attributes.get("wants", "")), parse(more)).text


class Calls:
    """All calls that are here, by id."""

    def __init__(self) -> None:
        self.here: dict[str, Call] = {}
        self.by_leg: dict[str, Call] = {}
        self._called: dict[str, Call] = {}

    def at(self, channel: str) -> Call | None:
        """Return the call whose caller is at a channel."""
        call = self._called.get(channel) or self.here.get(channel)
        return call if call is not None and call.at == channel else None

    @singledispatchmethod
    def apply(self, fact: e.Fact) -> None:
        """Change the calls as a fact says. Facts about calls that aren't here change nothing."""

    @apply.register
    def _(self, fact: e.CallArrived) -> None:
        self.here[fact.call] = Call(
            id=fact.call,
            channel=fact.channel,
            number=fact.number,
            caller_number=fact.caller_number,
            caller_name=fact.caller_name,
            source=fact.source,
            arrived=fact.at,
            since=fact.at,
        )

    @apply.register
    def _(self, fact: e.CallKeptRinging) -> None:
        if call := self.here.get(fact.call):
            call.rings_since = call.since = fact.at
            call.outcome = Outcome.ABANDONED

    @apply.register
    def _(self, fact: e.CallRang) -> None:
        if call := self.here.get(fact.call):
            call.rings_since, call.since = None, fact.at
            if fact.reason.answers and call.outcome is Outcome.ABANDONED:
                call.outcome = Outcome.LEFT_IN_MENU

    @apply.register
    def _(self, fact: e.CallerKnown) -> None:
        if call := self.here.get(fact.call):
            call.caller_name = fact.name or call.caller_name
            call.preferred_agent = fact.preferred_agent
            if fact.tier:
                call.attributes["tier"] = fact.tier

    @apply.register
    def _(self, fact: e.AttributeSet) -> None:
        if call := self.here.get(fact.call):
            call.attributes[fact.name] = fact.value

    @apply.register
    def _(self, fact: e.MenuEntered) -> None:
        if call := self.here.get(fact.call):
            call.menu, call.since = fact.menu, fact.at

    @apply.register
    def _(self, fact: e.CallSent) -> None:
        if call := self.here.get(fact.call):
            call.sent_to, call.menu, call.since = fact.to, None, fact.at

    @apply.register
    def _(self, fact: e.OutsideDialled) -> None:
        if call := self.here.get(fact.call):
            call.tried_outside += 1

    @apply.register
    def _(self, fact: e.ExtensionConnected) -> None:
        if call := self.here.get(fact.call):
            call.outcome, call.since = Outcome.EXTENSION, fact.at
            call.waits_no_more(fact.at)

    @apply.register
    def _(self, fact: e.HandsetUsed) -> None:
        if call := self.here.get(fact.call):
            call.outcome = Outcome.HANDSET

    @apply.register
    def _(self, fact: e.CallClosed) -> None:
        if call := self.here.get(fact.call):
            call.outcome = Outcome.CLOSED

    @apply.register
    def _(self, fact: e.CallEntered) -> None:
        if call := self.here.get(fact.call):
            call.waits(fact.entered if call.entered is None else fact.at)
            call.queue, call.entered, call.menu, call.since = fact.queue, fact.entered, None, fact.at
            call.outcome = Outcome.ABANDONED

    @apply.register
    def _(self, fact: e.CallMoved) -> None:
        if call := self.here.get(fact.call):
            call.waits(fact.at)
            call.queue, call.since = fact.queue, fact.at

    @apply.register
    def _(self, fact: e.AgentOffered) -> None:
        if call := self.here.get(fact.call):
            call.offers_made += 1
            self.by_leg[fact.leg] = call

    @apply.register
    def _(self, fact: e.OfferEnded) -> None:
        self.by_leg.pop(fact.leg, None)

    @apply.register
    def _(self, fact: e.CallConnected) -> None:
        if call := self.here.get(fact.call):
            call.agent, call.leg, call.connected_at, call.since = fact.agent, fact.leg, fact.at, fact.at
            call.queue, call.held, call.answered, call.outcome = None, False, True, Outcome.ANSWERED
            call.returned = False
            call.waits_no_more(fact.at)
            self.by_leg[fact.leg] = call

    @apply.register
    def _(self, fact: e.CallHeld) -> None:
        if call := self.here.get(fact.call):
            call.held, call.since = True, fact.at

    @apply.register
    def _(self, fact: e.CallResumed) -> None:
        if call := self.here.get(fact.call):
            call.held, call.since = False, fact.at

    @apply.register
    def _(self, fact: e.HeldCallerReturned) -> None:
        if call := self.here.get(fact.call):
            call.returned = True

    @apply.register
    def _(self, fact: e.TalkEnded) -> None:
        if (other := self.by_leg.get(fact.leg)) is None or other.id == fact.call or other.leg != fact.leg:
            self.by_leg.pop(fact.leg, None)
        if (call := self.here.get(fact.call)) and call.leg == fact.leg:
            call.agent = call.leg = call.connected_at = None
            call.held, call.since = False, fact.at

    @apply.register
    def _(self, fact: e.CallLeftLine) -> None:
        if call := self.here.get(fact.call):
            call.waits_no_more(fact.at)
            call.queue, call.since, call.left_queue = None, fact.at, fact.queue
            call.outcome = Outcome.ANSWERED if call.answered else fact.outcome

    @apply.register
    def _(self, fact: e.MessageLeft) -> None:
        if call := self.here.get(fact.call):
            call.outcome = Outcome.ANSWERED if call.answered else Outcome.MESSAGE

    @apply.register
    def _(self, fact: e.CallAbandoned) -> None:
        if call := self.here.get(fact.call):
            call.waits_no_more(fact.at)
            call.queue = None

    @apply.register
    def _(self, fact: e.CallbackRequested) -> None:
        if call := self.here.get(fact.call):
            call.waits_no_more(fact.at)
            call.queue, call.since = None, fact.at
            call.outcome = Outcome.ANSWERED if call.answered else Outcome.CALLBACK

    @apply.register
    def _(self, fact: e.CallbackAccepted) -> None:
        self.here[fact.call] = self._called[fact.leg] = Call(
            id=fact.call,
            channel=fact.channel,
            number="",
            caller_number=fact.number,
            caller_name=fact.caller_name,
            source="callback",
            arrived=fact.at,
            since=fact.at,
            attributes={"language": fact.language} | ({"wants": fact.wants} if fact.wants else {}),
            queue=fact.queue,
            entered=fact.entered,
            waits_since=fact.entered,
            offers_made=fact.offers_made,
            outcome=Outcome.CALLBACK,
            called_at=fact.leg,
        )

    @apply.register(e.CallEnded)
    @apply.register(e.CallbackAttemptEnded)
    @apply.register(e.CallbackEnded)
    def _(self, fact: e.CallEnded | e.CallbackAttemptEnded | e.CallbackEnded) -> None:
        call = self.here.get(fact.call)
        if call is None or (not isinstance(fact, e.CallEnded) and call.called_at is None):
            return
        del self.here[fact.call]
        self._called.pop(call.at, None)
