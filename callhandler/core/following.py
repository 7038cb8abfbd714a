"""What follows a call beside the line: a part of the core with books of its own, told of facts, that may add to them.

The switchboard (switchboard.py) knows its followers; a follower knows neither it nor the other followers.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from callhandler.core.decisions import Decision
from callhandler.core.events import FACTS, Fact

Follows = Iterable[Fact | Decision]


class Follower(Protocol):
    """Something that is told of facts. What it returns is recorded and carried out, in order, before anything else happens."""

    @property
    def heeds(self) -> Collection[type[Fact]]:
        """The kinds of facts it is told of: most facts concern few."""

    def apply(self, fact: Fact) -> None:
        """Change its books as a fact says: also with facts of the past, at a start."""

    def follow(self, fact: Fact, now: float) -> Follows:
        """Apply a fact that has just been recorded (the line has applied it already), and return what follows from it."""

    def wake(self, key: tuple[str, str], now: float) -> Follows:
        """Do what was to be done now (`WakeAt`). A key that isn't its own, or no longer due, does nothing."""

    def resume(self, now: float) -> Follows:
        """Asterisk is seen (again), and state was compared with it: set all timers (again)."""


def heeding(followers: Sequence[Follower]) -> dict[type[Fact], tuple[Follower, ...]]:
    """Return who is told of each kind of fact, in order."""
    return {kind: tuple(one for one in followers if kind in one.heeds) for kind in FACTS.values()}
