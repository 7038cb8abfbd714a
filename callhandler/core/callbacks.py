"""Calling back: when one may be asked for, when its time has come, when to try again, when to give up. A follower beside the line.

The place in line is books.py's business, the choice of an agent matching.py's. Who may be called at all, and when it is day there, only a
`NumberGuard` knows: this file knows no telephone numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from callhandler.core import events as e
from callhandler.core.callback import LONGEST_OPEN, NOBODY_FREE, NOT_COUNTED, NOT_DIALLED, Callback, OpenCallbacks
from callhandler.core.callback_limits import Ledger, Until
from callhandler.core.callback_slots import HORIZON, SLOT, free_slots
from callhandler.core.decisions import CancelOffer, LeaveLine, WakeAt
from callhandler.core.following import Follows
from callhandler.core.hours import Opening
from callhandler.core.model import CallbackRules, CallbackState, OfferEnd, Outcome, Plan
from callhandler.errors import Refused

AGENT_TOLD = 20.0
"""Seconds within which the agent's own conversation has said that the customer could not be reached; after that the phone is let go."""
LOOK_AGAIN = 30.0
_SETTLING = 5.0
"""Seconds that callers' sessions get to come back after a start, before anything is said to them."""
_IDLE = (CallbackState.WAITING, CallbackState.RESTING)


class NumberGuard(Protocol):
    """What the house knows of telephone numbers."""

    def judged(self, number: str) -> str:
        """Return a number in international form (E.164). Refused, with a sentence, when it may not be called."""

    def opening(self, number: str, now: float) -> Opening | None:
        """Return whether people may be called at a number now, by its own clock; None when there are no hours for that."""

    def house(self, dialled: str, now: float) -> Opening | None:
        """Return whether one of our own numbers is open; None when it has no hours, or is none."""

    def clock(self, at: float) -> str:
        """Return a time as the site's clock shows it, as people name times to us."""

    def comes_twice(self, at: float) -> bool:
        """Tell whether the site's clock shows this time twice, as in the hour in which summer time ends."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. See `events.CallbackRequested`. `dialled` is the number of ours that they called, if they did."""

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
    reason: str
    by: str
    due: float | None = None
    promise: float | None = None
    offers_made: int = 0
    dialled: str = ""


class CallingBack:
    """What follows for callbacks from each thing that happens."""

    heeds = (
        e.CallbackRequested, e.CallbackDialled, e.CallbackAccepted, e.CallbackAttemptEnded, e.CallbackEnded, e.CallEntered, e.OfferEnded,
        e.CallConnected, e.CallEnded, e.CallbackRescheduled, e.MessageLeft, e.OutsideDialled, e.ExtensionConnected,
    )  # fmt: skip

    def __init__(self, books: OpenCallbacks, plan: Callable[[], Plan], guard: NumberGuard) -> None:
        """Take the open callbacks, which the line's books keep, and how to get the plan in force."""
        self.books = books
        self.guard = guard
        self._plan = plan
        self._ledger = Ledger()
        books.obstacle = self._not_offered_before

    @property
    def rules(self) -> CallbackRules | None:
        """The site's rules; None where nobody is called back."""
        return self._plan().callbacks

    # --- asking -----------------------------------------------------------------------------------------------------

    def asked(self, wish: Wish, now: float) -> e.CallbackRequested:
        """Return the fact that a callback was asked for.

        Raises:
            Refused: with a sentence, when it may not be.
        """
        rules = self.rules
        if rules is None:
            raise Refused("the site file has no table [callbacks]: nobody is called back")
        number = self.guard.judged(wish.number)
        if number in self.books.by_number or wish.call in self.books.open:
            raise Refused(f"there is an open callback to {number} already")
        most = rules.per_number if wish.confirmed else 1
        if self._ledger.asked_for(number, now) >= most:
            raise Refused(f"{number} was called back {most} times within a day, and more is not allowed")
        if not wish.confirmed and self._ledger.dialled_to(number, now):
            raise Refused(f"{number} was dialled within a day, and nobody has confirmed it")
        if wish.due is not None:
            self._may_be_due(number, wish.due, wish.call, now)
        return e.CallbackRequested(
            at=now,
            call=wish.call,
            queue=wish.queue,
            number=number,
            confirmed=wish.confirmed,
            entered=wish.entered,
            priority=wish.priority,
            bonus=wish.bonus,
            wants=wish.wants,
            language=wish.language,
            caller_name=wish.caller_name,
            due=wish.due,
            promise=wish.promise,
            expires=min(
                self._expires(number, wish.dialled, max(now, wish.due or 0.0) + rules.expires), now + LONGEST_OPEN
            ),
            reason=wish.reason,
            by=wish.by,
            offers_made=wish.offers_made,
        )

    def another_time(self, one: Callback, due: float, reason: str, now: float) -> list[e.Fact]:
        """Return what it is to give a callback another time, which is promised from now on; a promise that is broken already stays so.

        Raises:
            Refused: with a sentence, when it may not be due then.
        """
        self._may_be_due(one.number, due, one.call, now)
        if due >= one.expires:
            raise Refused("the callback expires before that time: cancel it, and add a new one for then")
        broken = [self._settled(one, now)] if one.promise is not None and not one.settled and now > one.promise else []
        later = e.CallbackRescheduled(at=now, call=one.call, due=due, reason=reason, promise=due + SLOT)
        return [*broken, later]

    def open_to(self, number: str) -> Callback | None:
        """Return the open callback to a number, however it is written; None when there is none."""
        if not self.books.by_number:
            return None  # reading a number takes as long as all else that is done with a call's arrival
        return self.books.by_number.get(self.written(number))

    def written(self, number: str) -> str:
        """Return a number as callbacks write it; as it is, where it can't be called."""
        try:
            return self.guard.judged(number)
        except Refused:
            return number

    def slots(self, number: str, dialled: str, now: float, wait: float = 0.0) -> list[float]:
        """Return when the slots begin that can still be promised, none sooner than in `wait` seconds.

        Both are open then: the number of ours that was dialled, and the calling hours where the customer's number is.
        """
        rules = self.rules
        most = 0 if rules is None else rules.slots_ahead
        return self._free(number, dialled, after=now + wait, until=now + HORIZON, most=most)

    def _free(self, number: str, dialled: str, *, after: float, until: float, most: int) -> list[float]:
        rules = self.rules
        if rules is None:
            return []
        hours = (lambda at: self.guard.opening(number, at)), (lambda at: self.guard.house(dialled, at))
        taken, twice = self._taken(), self.guard.comes_twice
        return free_slots(hours, taken, twice, capacity=rules.slot_capacity, most=most, after=after, until=until)

    def has_room(self, at: float, call: str = "") -> bool:
        """Tell whether one more callback than that of `call` can be promised for the slot of a time."""
        rules = self.rules
        return rules is not None and self._taken(but=call).count(at // SLOT * SLOT) < rules.slot_capacity

    def _taken(self, but: str = "") -> list[float]:
        """Return the slots of all callbacks `but` that of a call: those promised, or first come up in. Further attempts take nobody's."""
        return [
            (one.due if one.promise is None else one.promise - SLOT) // SLOT * SLOT
            for one in self.books.open.values()
            if one.call != but and (one.promise is not None or not one.dialled)
        ]

    def _may_be_due(self, number: str, due: float, call: str, now: float) -> None:
        """Refuse, with a sentence, a time for which nothing can be promised, whoever names it."""
        if due > now + HORIZON:
            raise Refused("a callback can be put off by less than six days")
        opening = self.guard.opening(number, due)
        if opening is not None and not opening.open:
            begin = "" if opening.changes_at is None else f"; they begin at {self.guard.clock(opening.changes_at)}"
            raise Refused(f"that time is not in the calling hours where {number} is: {opening.reason}{begin}")
        if opening is not None and opening.closing_within(SLOT - 1.0, due):
            end = "" if opening.changes_at is None else f" at {self.guard.clock(opening.changes_at)}"
            raise Refused(
                f"the calling hours where {number} is end{end}, within the quarter of an hour that is promised"
            )
        if not self.has_room(due, call):
            following = self._free(number, "", after=due, until=now + HORIZON, most=1)
            room = f"; the next with room begins at {self.guard.clock(following[0])}" if following else ""
            raise Refused(
                "as many callbacks as callbacks.slot_capacity allows are promised for that quarter of an hour already"
                + room
            )

    def _expires(self, number: str, dialled: str, at: float) -> float:
        """Return when a callback has expired: never in a night or a weekend, but when the hours after it end.

        Those are the calling hours, or where there are none, the hours of our number that was dialled.
        """

        def hours(when: float) -> Opening | None:
            return self.guard.opening(number, when) or self.guard.house(dialled, when)

        night = hours(at)
        if night is None or night.open or night.changes_at is None:
            return at
        day = hours(night.changes_at)
        return at if day is None or day.changes_at is None else day.changes_at

    # --- dialling ---------------------------------------------------------------------------------------------------

    def obstacle(self, one: Callback, now: float, ahead: int = 0) -> Until | None:
        """Return until when a callback can't be made for reasons of hours and caps, and why; None when it can, after `ahead` others."""
        rules = self.rules
        if rules is None:
            return Until(now + LOOK_AGAIN, "nobody is called back any more")
        opening = self.guard.opening(one.number, now)
        if opening is not None and not opening.open:
            return Until(opening.changes_at or one.expires, f"not in calling hours: {opening.reason}")
        return self._ledger.obstacle(rules, now, ahead)

    def _not_offered_before(self, one: Callback, now: float) -> Until | None:
        """As `obstacle`; besides, one that has expired is offered no more, or it never would be over while agent after agent refuses it."""
        if now >= one.expires:
            return Until(now + LOOK_AGAIN, "its time is over")
        return self.obstacle(one, now, self.books.about_to_be_dialled())

    def dialling(self, one: Callback, now: float, *, first: bool = False) -> e.CallbackDialled:
        """Return the fact that a customer is about to be dialled: for an agent who was told, or `first`, for one who is kept.

        Raises:
            Refused: with a sentence, when that can't be.
        """
        if one.state is not (CallbackState.OFFERED if first else CallbackState.ANNOUNCED):
            raise Refused(f"the callback is {one.state}")
        if (until := self.obstacle(one, now)) is not None:
            raise Refused(until.reason)
        attempt = one.dialled + 1
        leg = f"{one.call}-d{attempt}"
        agent = None if first else one.agent
        return e.CallbackDialled(at=now, call=one.call, leg=leg, agent=agent, number=one.number, attempt=attempt)

    def dialling_outside(self, call: str, queue: str, number: str, now: float) -> e.OutsideDialled:
        """Return the fact that a caller is about to be connected with a number outside: the same guards as for callbacks hold.

        Raises:
            Refused: with a sentence, when that can't be.
        """
        rules = self.rules
        if rules is None:
            raise Refused("the site file has no table [callbacks], which says how to call out")
        if (until := self._ledger.obstacle(rules, now)) is not None:
            raise Refused(until.reason)
        if self._ledger.outside_now() + self.books.under_way() >= rules.at_once:
            raise Refused(f"{rules.at_once} calls go out already")
        return e.OutsideDialled(at=now, call=call, queue=queue, number=self.guard.judged(number))

    def leg_over(self, leg: str, reason: str, now: float) -> Iterator[e.Fact | CancelOffer | WakeAt]:
        """The customer's channel is gone, or never came to be: an attempt failed, or the conversation is over."""
        one = self.books.by_leg.get(leg)
        if one is None:
            return
        if one.state in (CallbackState.DIALLED, CallbackState.HERE):
            reason = reason if one.state is CallbackState.DIALLED else "hung up"
            yield e.CallbackAttemptEnded(at=now, call=one.call, leg=leg, attempt=one.dialled, reason=reason)
        elif one.state is CallbackState.TALKING:
            yield from self.end(one, "done", reason, "", now)

    def put_off(self, one: Callback, now: float) -> Iterator[e.Fact]:
        """A customer who said yes has waited in vain: they hang up, and are called again, at the place they have."""
        if one.state is CallbackState.HERE:
            leg = one.leg or ""
            yield e.CallbackAttemptEnded(at=now, call=one.call, leg=leg, attempt=one.dialled, reason=NOBODY_FREE)

    def end(self, one: Callback, result: str, reason: str, by: str, now: float) -> Iterator[e.Fact | CancelOffer]:
        """End a callback: done, failed, expired or cancelled. Its promise is settled, and what nobody did is left to a person."""
        if not one.settled and one.promise is not None and now > one.promise:
            yield self._settled(one, now)
        dialled = one.leg if one.state is CallbackState.DIALLED else None
        offered = one.state in (CallbackState.OFFERED, CallbackState.DIALLED) and one.attended_leg is None
        ringing = one.agent_leg if offered else None
        yield e.CallbackEnded(at=now, call=one.call, result=result, reason=reason, by=by, talked=one.talked)
        for leg in (dialled, ringing):  # an agent who has picked up is told so by the agent's own conversation
            if leg is not None:
                yield CancelOffer(leg, OfferEnd.CALLER_LEFT)
        if result in ("failed", "expired"):
            yield e.ItemOpened(
                at=now, call=one.call, queue=one.queue, item="callback failed", number=one.number, reason=reason
            )

    # --- core.following.Follower ------------------------------------------------------------------------------------

    def apply(self, fact: e.Fact) -> None:
        """Count a fact; the line's books have applied it already."""
        self._ledger.apply(fact)

    def follow(self, fact: e.Fact, now: float) -> Follows:
        """Return what follows from a fact."""
        self._ledger.apply(fact)
        one = self.books.open.get(getattr(fact, "call", "") or "")
        return () if one is None else list(self._follow(one, fact, now))

    def wake(self, key: tuple[str, str], now: float) -> Follows:
        """Do what was to be done now."""
        what, which = key
        one = self.books.open.get(which)
        if one is None:
            return ()
        match what:
            case "callback expires" if now >= one.expires:
                return list(self._expire(one, now))
            case "callback promise" if one.promise is not None and now >= one.promise and not one.settled:
                reason = "the customer was not called by the time that was said"
                return [
                    e.ItemOpened(
                        at=now, call=one.call, queue=one.queue, item="promise broken", number=one.number, reason=reason
                    )
                ]
            case "callback waits" if one.first and one.state is CallbackState.HERE:
                return self._waits_in_vain(one, now)
            case "callback agent" if one.agent_leg is not None and one.state in _IDLE:
                return [CancelOffer(one.agent_leg, OfferEnd.NOT_REACHED)]
        return ()

    def resume(self, now: float) -> Follows:
        """Set all timers again; callbacks whose queue the site file has lost are over."""
        follows: list[e.Fact | CancelOffer | WakeAt] = []
        for one in list(self.books.open.values()):
            follows += self._lost_queue(one, now) or self._timers(one, now)
            if one.first and one.state is CallbackState.HERE:
                follows.append(WakeAt(max(now + _SETTLING, one.since + self._patience()), ("callback waits", one.call)))
            if one.undecided:  # a crash came between the end of an attempt and what follows from it
                follows += self._after_attempt(one, one.last_failure, now)
        return follows

    # --- inside -----------------------------------------------------------------------------------------------------

    def _follow(self, one: Callback, fact: e.Fact, now: float) -> Iterator[e.Fact | CancelOffer | WakeAt]:
        match fact:
            case e.CallbackRequested():
                yield from self._timers(one, now)
            case e.CallbackRescheduled() if fact.promise is not None:
                yield from self._timers(one, now)
            case e.CallEnded() if one.state is CallbackState.TALKING and one.leg is None:
                yield from self.end(one, "done", "connected while asking to be called back", "", now)
            case e.CallEnded():
                yield from self._lost_queue(one, now)
            case e.CallbackDialled() | e.CallConnected() if one.promise is not None and not one.settled:
                yield self._settled(one, now)
            case e.CallbackAccepted() if one.first:
                yield WakeAt(now + self._patience(), ("callback waits", one.call))
            case e.MessageLeft() if one.state is CallbackState.HERE:
                yield from self.end(one, "cancelled", "left a message instead", "caller", now)
            case e.OfferEnded() if one.state is CallbackState.HERE and one.since == fact.at:
                yield WakeAt(now + self._patience(), ("callback waits", one.call))
            case e.OfferEnded() if self._agent_left(one) and one.leg is not None:
                yield CancelOffer(one.leg, OfferEnd.CALLER_LEFT)
                yield e.CallbackAttemptEnded(
                    at=now, call=one.call, leg=one.leg, attempt=one.dialled, reason="agent left"
                )
            case e.CallbackAttemptEnded():
                if one.agent_leg is not None and one.attended_leg is None:
                    yield CancelOffer(one.agent_leg, OfferEnd.NOT_REACHED)
                elif one.agent_leg is not None:
                    yield WakeAt(now + AGENT_TOLD, ("callback agent", one.call))
                yield from self._after_attempt(one, fact.reason, now)

    def _after_attempt(self, one: Callback, reason: str, now: float) -> Iterator[e.Fact | CancelOffer]:
        rules = self.rules or CallbackRules()
        if one.failed >= one.attempts(rules):
            yield from self.end(one, "failed", f"{one.failed} attempts, the last: {reason}", "", now)
        else:
            pause = min(rules.spacing, LOOK_AGAIN) if reason in NOT_COUNTED else rules.spacing
            yield e.CallbackRescheduled(at=now, call=one.call, due=now + pause, reason=reason)

    @staticmethod
    def _agent_left(one: Callback) -> bool:
        """Tell whether the customer is being dialled for an agent who is gone."""
        return one.state is CallbackState.DIALLED and one.agent_leg is None and not one.first

    def _patience(self) -> float:
        return (self.rules or CallbackRules()).customer_waits

    def _waits_in_vain(self, one: Callback, now: float) -> list[e.Fact | CancelOffer | WakeAt | LeaveLine]:
        """Tell a customer who said yes and has no agent; not while a phone rings for them. Who waits on is told again later."""
        key = ("callback waits", one.call)
        if one.agent_leg is not None:
            return [WakeAt(now + 1.0, key)]
        return [
            LeaveLine(one.call, one.queue, Outcome.TIMEOUT, "called back, and nobody is free"),
            WakeAt(now + max(self._patience(), LOOK_AGAIN), key),
        ]

    def _timers(self, one: Callback, now: float) -> list[e.Fact | CancelOffer | WakeAt]:
        due: list[e.Fact | CancelOffer | WakeAt] = [WakeAt(max(now, one.expires), ("callback expires", one.call))]
        if one.promise is not None and not one.settled:
            due.append(WakeAt(max(now, one.promise), ("callback promise", one.call)))
        return due

    def _lost_queue(self, one: Callback, now: float) -> list[e.Fact | CancelOffer | WakeAt]:
        if one.queue in self._plan().queues:
            return []
        return list(self.end(one, "failed", f"queue {one.queue} is gone from the site file", "", now))

    def _expire(self, one: Callback, now: float) -> Iterator[e.Fact | CancelOffer | WakeAt]:
        if one.state in _IDLE:
            why = f", the last attempt: {one.last_failure}" if one.last_failure else ""
            yield from self.end(one, "expired", f"not made in time{why}", "", now)
        else:
            yield WakeAt(now + LOOK_AGAIN, ("callback expires", one.call))

    def _settled(self, one: Callback, now: float) -> e.PromiseSettled:
        promise = one.promise or now
        return e.PromiseSettled(
            at=now, call=one.call, promise=promise, kept=now <= promise, late=max(0.0, now - promise)
        )


__all__ = ["NOT_DIALLED", "CallingBack", "NumberGuard", "Wish"]
