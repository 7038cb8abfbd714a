"""A queue's memory: how long calls took, how many gave up, and how true its estimates were. Computed from facts (estimating.py)."""

from dataclasses import dataclass, field
from math import inf

from callhandler.core.estimates import giving_up, handling, rounded_up
from callhandler.core.events import EstimateMade

TRUSTED, RECENT, RIGHT = 20, 50, 0.86
"""Callers; and the part of them who were told the truth. Four of five are promised; the rest is for what changes meanwhile."""
STRETCHES = (1.0, 1.25, 1.5, 2.0, 3.0)
NEVER = inf
MEMORY = 3_600.0
"""Seconds for which it is remembered how long calls took and who gave up."""
MOST = 1_000
"""Calls of which it is remembered at the most: more make no estimate better, and each is looked through for each estimate."""


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
        """Forget what is longer ago than the memory, and more than it holds."""
        while self.handled and (len(self.handled) > MOST or next(iter(self.handled.values())).at < now - MEMORY):
            del self.handled[next(iter(self.handled))]
        while self.ended and (len(self.ended) > MOST or next(iter(self.ended.values()))[0] < now - MEMORY):
            del self.ended[next(iter(self.ended))]

    def took(self, leg: str, handled: Handled) -> None:
        """Remember how long an agent was busy with a call."""
        self.handled[leg] = handled
        self.forget(handled.at)

    def over(self, call: str, at: float, *, abandoned: bool) -> None:
        """Remember that a caller was answered, or gave up."""
        self.ended[call] = (at, abandoned)
        self.forget(at)

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

    def found_out(self, call: str, needed: float) -> None:
        """Remember by how much a caller's estimates would have had to be stretched."""
        self.needed.pop(call, None)
        self.needed[call] = needed
        if len(self.needed) > RECENT:
            del self.needed[next(iter(self.needed))]


def needed_stretch(made: EstimateMade, at: float) -> float:
    """Return by how much an estimate had to be stretched for someone answered `at` to be so within the range; NEVER for none."""
    waited = at - made.at
    ranges = ((stretch, rounded_up(made.seconds * stretch)) for stretch in STRETCHES)
    return next((stretch for stretch, most in ranges if most is None or waited <= most), NEVER)
