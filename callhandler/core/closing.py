"""Closing time while people wait: when the hours of the number they dialled end, or the whole site is closed at once, everybody in line is
sent on to be told. Whoever's call rings at an agent's phone is waited for.

A follower (core/following.py). Knows when a number closes by a function; calendars are not its business.
"""

from collections.abc import Callable

from callhandler.core import events as e
from callhandler.core.books import Books
from callhandler.core.calls import Calls
from callhandler.core.decisions import Decision, LeaveLine, WakeAt
from callhandler.core.hours import Opening
from callhandler.core.model import Outcome

CLOSING = "closing"
_AGAIN = 1.0
"""Seconds until a call whose offer was waited for is looked at again."""
Hours = Callable[[str, float], Opening | None]
"""A dialled number and a time to whether it is open then; None where it has no hours."""
Follows = list[e.Fact | Decision]


class Closing:
    """Watches over closing times of those in line."""

    heeds = (e.CallEntered, e.EmergencyClosed, e.EmergencyOpened, e.SiteLoaded)

    def __init__(self, calls: Calls, books: Books, hours: Hours) -> None:
        self._calls = calls
        self._books = books
        self._hours = hours
        self._emergency: str | None = None

    def apply(self, fact: e.Fact) -> None:
        """Take note of an emergency closing."""
        match fact:
            case e.EmergencyClosed():
                self._emergency = fact.reason
            case e.EmergencyOpened():
                self._emergency = None

    def follow(self, fact: e.Fact, now: float) -> Follows:
        """Take note of a fact, and return when a call that it put in line is to be looked at."""
        self.apply(fact)
        match fact:
            case e.CallEntered():
                return self._timer(fact.call, now)
            case e.EmergencyClosed() | e.SiteLoaded():
                return [WakeAt(now, (CLOSING, ""))]
        return []

    def resume(self, now: float) -> Follows:
        """Look at everybody in line again."""
        return [WakeAt(now, (CLOSING, ""))]

    def wake(self, key: tuple[str, str], now: float) -> Follows:
        """Send on whoever waits at a number that is closed, in their order, and see when the others are to be looked at."""
        what, which = key
        if what != CLOSING:
            return []
        waiting = sorted(self._books.calls.values(), key=lambda one: one.key)
        calls = [which] if which else [call.id for call in waiting]
        return [follow for call in calls for follow in self._look(call, now)]

    def _look(self, call: str, now: float) -> Follows:
        waiting, reason = self._books.calls.get(call), self._reason(call, now)
        if waiting is None or call not in self._calls.here:  # not in line, or a callback, whose caller isn't here
            return []
        if reason is None:
            return self._timer(call, now)
        if self._books.offers_of(call):
            return [WakeAt(now + _AGAIN, (CLOSING, call))]
        queue, waited = waiting.queue, waiting.waited(now)
        left = e.CallLeftLine(
            at=now, call=call, queue=queue, outcome=Outcome.CLOSED, waited=waited, reason=f"closed: {reason}"
        )
        return [left, LeaveLine(call, queue, Outcome.CLOSED, reason)]

    def _reason(self, call: str, now: float) -> str | None:
        """Return why a call can't wait on, None when it can."""
        if self._emergency is not None:
            return f"emergency: {self._emergency}"
        opening = self._opening(call, now)
        return None if opening is None or opening.open else opening.reason

    def _opening(self, call: str, now: float) -> Opening | None:
        here = self._calls.here.get(call)
        return None if here is None else self._hours(here.number, now)

    def _timer(self, call: str, now: float) -> Follows:
        opening = self._opening(call, now)
        if self._emergency is not None or (opening is not None and not opening.open):
            return [WakeAt(now, (CLOSING, call))]
        if opening is None or opening.changes_at is None:
            return []
        return [WakeAt(opening.changes_at, (CLOSING, call))]
