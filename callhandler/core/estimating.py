"""Making estimates of those in line, and finding out whether they come true: what isn't true is not said.

Every queue keeps a short memory of how long calls took and of how many gave up (an hour), and of the last callers of whom an estimate
was made: by how much it would have had to be stretched, so that they were answered within the range. What is said is stretched so that
enough of the last RECENT would have been told the truth. Nothing is said before TRUSTED callers, nor while no stretch would have done.
All of it is computed from facts, live and at a start alike; a fact taken twice counts once.
"""

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from math import inf

from callhandler.core import events as e
from callhandler.core.books import Books
from callhandler.core.decisions import Decision
from callhandler.core.estimates import (
    HEAD_OF_LINE,
    QUEUE_LENGTH,
    Estimate,
    Staff,
    by_head_of_line,
    by_queue_length,
    giving_up,
    handling,
    rounded_up,
    still_busy,
)
from callhandler.core.model import State, Status
from callhandler.core.waiting import Waiting

TRUSTED, RECENT, RIGHT = 20, 50, 0.86
"""Callers; and the part of them who were told the truth. Four of five are promised; the rest is for what changes meanwhile."""
STRETCHES = (1.0, 1.25, 1.5, 2.0, 3.0)
NEVER = inf
MEMORY = 3_600.0
"""Seconds for which it is remembered how long calls took and who gave up."""
KNOWN = 10
"""Calls within the memory from which on their length counts as known."""
FRESH = 1.0
"""Seconds for which a look at the agents is good: a busy house isn't counted anew for every caller."""


@dataclass(slots=True)
class Handled:
    """How long an agent was busy with a call, in seconds, and when the talk was over."""

    at: float
    talked: float
    wrapped_up: float = 0.0


@dataclass(slots=True)
class History:
    """A queue's memory. Maps by leg or call, oldest first, so that nothing counts twice."""

    handled: dict[str, Handled] = field(default_factory=dict)
    ended: dict[str, tuple[float, bool]] = field(default_factory=dict)
    needed: dict[str, float] = field(default_factory=dict)
    last_wait: float | None = None

    def forget(self, now: float) -> None:
        """Forget what is longer ago than the memory."""
        while self.handled and next(iter(self.handled.values())).at < now - MEMORY:
            del self.handled[next(iter(self.handled))]
        while self.ended and next(iter(self.ended.values()))[0] < now - MEMORY:
            del self.ended[next(iter(self.ended))]

    def handling(self) -> float:
        """Return how long a call takes here."""
        return handling(len(self.handled), sum(one.talked + one.wrapped_up for one in self.handled.values()))

    def giving_up(self) -> float:
        """Return which part of the callers give up here."""
        return giving_up(sum(abandoned for _, abandoned in self.ended.values()), len(self.ended))

    def stretch(self) -> float | None:
        """Return by how much estimates are stretched so that they can be trusted; None when they can't."""
        if len(self.needed) < TRUSTED:
            return None
        enough = RIGHT * len(self.needed)
        return next((one for one in STRETCHES if sum(needed <= one for needed in self.needed.values()) >= enough), None)


@dataclass(slots=True)
class _Look:
    """What goes for all who want the same of a queue at a moment; `rivals` tells who else is served by the same agents."""

    at: float
    known: bool
    handling: float
    giving_up: float
    staff: Staff
    rivals: dict[tuple[str, str], bool] = field(default_factory=dict)


class Estimating:
    """Estimates for all queues; a follower of the switchboard."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._histories: dict[str, History] = {}
        self._open: dict[str, dict[float, e.EstimateMade]] = {}
        self._looks: dict[tuple[str, str], _Look] = {}

    # --- asking -----------------------------------------------------------------------------------------------------

    def trusted(self, call_id: str, now: float) -> Estimate | None:
        """Return how long a call in line has still to wait, stretched so that it may be said; None where nothing may be."""
        call = self._books.calls.get(call_id)
        stretch = None if call is None else self._history(call.queue).stretch()
        found = None if stretch is None else self.estimate(call_id, now)
        return None if stretch is None or found is None else replace(found, seconds=found.seconds * stretch)

    def estimate(self, call_id: str, now: float) -> Estimate | None:
        """Return how long a call in line has still to wait; None when nothing can be known: nobody is there."""
        call = self._books.calls.get(call_id)
        if call is None:
            return None
        look = self._look(call, now)
        ahead = self._ahead(call, look)
        if look.known:
            seconds = by_queue_length(ahead, look.staff, look.handling, look.giving_up)
            return None if seconds is None else Estimate(seconds, QUEUE_LENGTH, ahead)
        heads_wait = self._heads_wait(call, now)
        if look.staff.share <= 0 or heads_wait is None:
            return None
        return Estimate(by_head_of_line(heads_wait, call.waited(now)), HEAD_OF_LINE, ahead)

    def _heads_wait(self, call: Waiting, now: float) -> float | None:
        """How long the head of the line has waited; for the head itself, how long the last one did who was answered."""
        head = min((one for one in self._books.calls.values() if one.queue == call.queue), key=lambda one: one.key)
        return head.waited(now) if head is not call else self._history(call.queue).last_wait

    def _look(self, call: Waiting, now: float) -> _Look:
        key = (call.queue, self._books.wanted(call).text)
        found = self._looks.get(key)
        if found is None or not found.at <= now < found.at + FRESH:
            history = self._history(call.queue)
            history.forget(now)
            took = history.handling()
            known, staff = len(history.handled) >= KNOWN, self._staff(call, took, now)
            found = self._looks[key] = _Look(now, known, took, history.giving_up(), staff)
        return found

    def _staff(self, call: Waiting, took: float, now: float) -> Staff:
        books = self._books
        waited_for = {one.queue for one in books.calls.values()}
        share, free, busy, left = 0.0, 0, 0, 0.0
        for agent_id in books.crew.pool(call.queue, books.wanted(call)):
            agent = books.agents[agent_id]
            if agent.status is not Status.AVAILABLE or not agent.is_there():
                continue
            served = sum(agent.row_for(queue) is not None for queue in waited_for)
            share += 1.0 / max(1, served)
            if agent.is_ready():
                free += 1
            elif agent.state is not State.IDLE:
                busy += 1
                wraps_up = agent.state is State.WRAPPING_UP
                left += max(0.0, agent.wrap_until - now) if wraps_up else still_busy(took, now - agent.since)
        return Staff(share, free, busy, left)

    def _ahead(self, call: Waiting, look: _Look) -> int:
        """How many calls and callbacks go first at agents whom this call could have. Those that ring already have theirs."""
        pool, count = self._books.crew.pool(call.queue, self._books.wanted(call)), 0
        for queue in self._books.plan.queues:
            for bucket in self._books.buckets.of_queue(queue):
                key = (queue, bucket.wanted.text)
                rival = look.rivals.get(key)
                if rival is None:
                    others = self._books.crew.pool(queue, bucket.wanted)
                    rival = look.rivals[key] = not pool.keys().isdisjoint(others)
                if rival:
                    count += bisect_left(bucket.calls, (call.key,))  # keys are unique: calls aren't compared
        return count

    def _history(self, queue: str) -> History:
        return self._histories.setdefault(queue, History())

    # --- following --------------------------------------------------------------------------------------------------

    def follow(self, fact: e.Fact, now: float) -> list[e.Fact | Decision]:
        """Apply a fact; whoever enters a line and isn't offered to an agent at once gets an estimate, said or not."""
        self.apply(fact)
        if not isinstance(fact, e.CallEntered) or self._books.offers_of(fact.call):
            return []
        made = self.made(fact.call, now)
        return [] if made is None else [made]

    def made(self, call_id: str, now: float, most: float | None = None) -> e.EstimateMade | None:
        """Return the fact that an estimate is made for a call now; `most` is the upper end of the range said, None when none is."""
        call, found = self._books.calls.get(call_id), self.estimate(call_id, now)
        if call is None or found is None:
            return None
        return e.EstimateMade(
            at=now,
            call=call_id,
            queue=call.queue,
            method=found.method,
            seconds=round(found.seconds, 1),
            ahead=found.ahead,
            most=most,
        )

    def wake(self, key: tuple[str, str], now: float) -> list[e.Fact | Decision]:
        """Do nothing: nothing is due here."""
        return []

    def resume(self, now: float) -> list[e.Fact | Decision]:
        """Do nothing: no timer was lost."""
        return []

    def apply(self, fact: e.Fact) -> None:
        """Take note of a fact."""
        match fact:
            case e.EstimateMade():
                self._open.setdefault(fact.call, {})[fact.at] = fact
            case e.CallConnected():
                self._answered(fact)
            case e.CallAbandoned():
                self._gave_up(fact)
            case e.TalkEnded():
                self._history(fact.queue).handled[fact.leg] = Handled(fact.at, fact.talked)
            case e.WrapUpStarted():
                self._wraps_up(fact)
            case e.CallMoved() | e.CallLeftLine() | e.CallEnded():
                self._open.pop(fact.call, None)

    def _answered(self, fact: e.CallConnected) -> None:
        history = self._history(fact.queue)
        history.ended[fact.call] = (fact.at, False)
        history.last_wait = fact.waited
        needed = [needed_stretch(one, fact.at) for one in self._open.pop(fact.call, {}).values()]
        if needed:
            self._found_out(history, fact.call, max(needed))

    def _gave_up(self, fact: e.CallAbandoned) -> None:
        """Who gave up later than could have been said proves it wrong; who gave up before proves nothing."""
        history = self._history(fact.queue)
        history.ended[fact.call] = (fact.at, True)
        if any(needed_stretch(one, fact.at) is NEVER for one in self._open.pop(fact.call, {}).values()):
            self._found_out(history, fact.call, NEVER)

    @staticmethod
    def _found_out(history: History, call: str, needed: float) -> None:
        history.needed.pop(call, None)
        history.needed[call] = needed
        if len(history.needed) > RECENT:
            del history.needed[next(iter(history.needed))]

    def _wraps_up(self, fact: e.WrapUpStarted) -> None:
        handled = self._history(fact.queue).handled
        leg = next((leg for leg in reversed(handled) if leg.startswith(f"{fact.call}-")), None)
        if leg is not None:
            handled[leg].wrapped_up = fact.until - fact.at


def needed_stretch(made: e.EstimateMade, at: float) -> float:
    """Return by how much an estimate had to be stretched for someone answered `at` to be so within the range; NEVER for none."""
    waited = at - made.at
    ranges = ((stretch, rounded_up(made.seconds * stretch)) for stretch in STRETCHES)
    return next((stretch for stretch, most in ranges if most is None or waited <= most), NEVER)
