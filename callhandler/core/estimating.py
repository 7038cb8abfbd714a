"""Making estimates of those in line, and finding out whether they come true: what isn't true is not said.

Every queue keeps a short memory of how long calls took and of how many gave up (an hour), and of the last callers of whom an estimate
was made: by how much it would have had to be stretched, so that they were answered within the range. What is said is stretched so that
enough of the last RECENT would have been told the truth. Nothing is said before TRUSTED callers, nor while no stretch would have done.
All of it is computed from facts, live and at a start alike; a fact taken twice counts once.
"""

from bisect import bisect_left
from dataclasses import dataclass, field, replace

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
    still_busy,
)
from callhandler.core.experience import NEVER, Handled, History, needed_stretch
from callhandler.core.model import State, Status
from callhandler.core.waiting import Waiting

KNOWN = 10
"""Calls within the memory from which on their length counts as known."""
FRESH = 1.0
"""Seconds for which a look at the agents is good: a busy house isn't counted anew for every caller."""


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

    heeds = (
        e.CallEntered, e.CallMoved, e.CallConnected, e.CallAbandoned, e.CallLeftLine, e.CallEnded, e.TalkEnded, e.WrapUpStarted,
        e.EstimateMade,
    )  # fmt: skip

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
                    rival = look.rivals[key] = pool.bits & others.bits != 0
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
                self._history(fact.queue).took(fact.leg, Handled(fact.at, fact.talked))
            case e.WrapUpStarted():
                self._wraps_up(fact)
            case e.CallMoved() | e.CallLeftLine() | e.CallEnded():
                self._open.pop(fact.call, None)

    def _answered(self, fact: e.CallConnected) -> None:
        history = self._history(fact.queue)
        history.over(fact.call, fact.at, abandoned=False)
        history.last_wait = fact.waited
        needed = [needed_stretch(one, fact.at) for one in self._open.pop(fact.call, {}).values()]
        if needed:
            history.found_out(fact.call, max(needed))

    def _gave_up(self, fact: e.CallAbandoned) -> None:
        """Who gave up later than could have been said proves it wrong; who gave up before proves nothing."""
        history = self._history(fact.queue)
        history.over(fact.call, fact.at, abandoned=True)
        if any(needed_stretch(one, fact.at) == NEVER for one in self._open.pop(fact.call, {}).values()):
            history.found_out(fact.call, NEVER)

    def _wraps_up(self, fact: e.WrapUpStarted) -> None:
        handled = self._history(fact.queue).handled
        leg = next((leg for leg in reversed(handled) if leg.startswith(f"{fact.call}-")), None)
        if leg is not None:
            handled[leg].wrapped_up = fact.until - fact.at
