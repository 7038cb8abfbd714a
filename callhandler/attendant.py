"""The attendant: keeps the promise to those in line. Tells a script when the next word is due and what it says, and has it written down.

Brings together the watch (core/watch.py), the estimates (core/estimating.py) and the switchboard, where both are followers.
Knows no Asterisk and no database.
"""

from collections.abc import Iterable

from callhandler.core.calls import Call
from callhandler.core.checkins import CheckIn, Standing, check_in
from callhandler.core.estimating import Estimating
from callhandler.core.events import CallMoved, Fact
from callhandler.core.model import Outcome
from callhandler.core.watch import Watch
from callhandler.switchboard import Switchboard


class Attendant:
    """Looks after everybody in line; implements scripts.house.Attending."""

    def __init__(self, switchboard: Switchboard) -> None:
        """Follow everything from now on; to be made before the switchboard is restored."""
        self._switchboard = switchboard
        self._watch = Watch(switchboard.line.books)
        self._estimating = Estimating(switchboard.line.books)
        switchboard.followed_by(self._estimating, self._watch)

    def restore(self, facts: Iterable[Fact]) -> None:
        """Take up what the journal knows of estimates and what became of them."""
        for fact in facts:
            self._estimating.apply(fact)

    def next_word(self, call: Call) -> float:
        """Return when the next word to a call in line is to begin, in seconds since the epoch."""
        return self._watch.starts_at(call.id, self._switchboard.clock())

    def standing(self, call: Call) -> Standing | None:
        """Return how it stands with a call, with an estimate only where it may be said; None when it isn't in line."""
        books, now = self._switchboard.line.books, self._switchboard.clock()
        waiting = books.calls.get(call.id)
        if waiting is None:
            return None
        return Standing(books.position(waiting), self._estimating.trusted(call.id, now))

    def is_offered(self, call: Call) -> bool:
        """Tell whether an agent's phone rings for a call."""
        return bool(self._switchboard.line.books.offers_of(call.id))

    def check_in(self, call: Call, standing: Standing, *, first: bool) -> CheckIn:
        """Return what is to be said to a call now."""
        return check_in(standing, self._watch.before(call.id), self._switchboard.clock(), first=first)

    def begin(self, call: Call, what: CheckIn) -> None:
        """Take note that something begins to be said."""
        now = self._switchboard.clock()
        if what.position is not None:
            made = self._estimating.made(call.id, now, what.most)
            if made is not None:
                self._switchboard.record(made)
        self._watch.begin(call.id, what, now)

    def end(self, call: Call, cut_by: str, silent_for: float | None) -> None:
        """Take note that it ended `silent_for` seconds ago; does nothing where an answer or a hang-up did so before."""
        now = self._switchboard.clock()
        if silent_for is None:
            self._watch.unheard(call.id, now)
        else:
            self._switchboard.take(self._watch.end(call.id, cut_by, now - silent_for))

    def move(self, call: Call, queue: str) -> Outcome | None:
        """Have a call in line wait in another queue, place kept; or say why not, and nothing changes."""
        refused = self._switchboard.line.admit(queue, call.wants, self._switchboard.clock())
        if refused is None:
            now, from_queue = self._switchboard.clock(), call.queue or ""
            moved = CallMoved(at=now, call=call.id, queue=queue, from_queue=from_queue, by="caller")
            self._switchboard.record(moved)
        return refused
