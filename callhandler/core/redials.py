"""Calling again: whoever hung up while waiting and calls the same number again soon takes up the old place and the old answers.

The place is the time at which the first call entered the line, so nobody who had entered before is overtaken. Only a number that is
shown can be recognised. A follower (core/following.py).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from callhandler.core import events as e
from callhandler.core.calls import Call, Calls
from callhandler.core.decisions import Decision

MOST_KEPT = 5_000
ON_THE_WAY = 60.0
"""Seconds for which a place is kept beyond its time: who has called in time is told so first, and is in line only after that."""
SHORTEST_NUMBER = 3


@dataclass(frozen=True, slots=True)
class Left:
    """A place that somebody left by hanging up: `entered` is its time, `dialled` the number of ours, `answers` what was learnt."""

    at: float
    call: str
    dialled: str
    queue: str
    entered: float
    answers: Mapping[str, str]


class Redials:
    """The places that are kept for a while, by caller's number."""

    heeds = (e.CallEntered, e.CallConnected, e.CallAbandoned)

    def __init__(self, calls: Calls, window: Callable[[], float]) -> None:
        """Take the calls that are here, and for how many seconds a place is kept."""
        self._calls = calls
        self._window = window
        self._left: dict[str, Left] = {}

    def find(self, call: Call) -> Left | None:
        """Return the place that a call may take up: one that was left soon enough before it arrived."""
        left = self._left.get(call.caller_number)
        if left is None or left.dialled != call.number or max(0.0, call.arrived - left.at) >= self._window():
            return None
        return left

    def place(self, call: Call, queue: str) -> float | None:
        """Return since when a call that enters a queue has its place there, None when it has none."""
        left = self.find(call) if call.entered is None else None
        return left.entered if left is not None and left.queue == queue else None

    def restore(self, facts: Iterable[e.Fact], talks: Mapping[str, float]) -> None:
        """Take up the past: the facts of calls that hung up waiting, in order, and when each number last talked with an agent."""
        calls = Calls()
        for fact in facts:
            calls.apply(fact)
            if isinstance(fact, e.CallAbandoned):
                self._remember(calls.here.get(fact.call), fact)
        for number in [number for number, left in self._left.items() if talks.get(number, 0.0) > left.at]:
            del self._left[number]

    def apply(self, fact: e.Fact) -> None:
        """Take note of a fact."""
        match fact:
            case e.CallAbandoned():
                self._remember(self._calls.here.get(fact.call), fact)
            case e.CallEntered() | e.CallConnected():  # taken up, or no longer needed; a place is taken up once
                if call := self._calls.here.get(fact.call):
                    self._left.pop(call.caller_number, None)

    def follow(self, fact: e.Fact, now: float) -> Iterable[e.Fact | Decision]:
        """Take note of a fact; nothing follows from it."""
        self.apply(fact)
        return ()

    def wake(self, key: tuple[str, str], now: float) -> Iterable[e.Fact | Decision]:
        """Nothing is ever due here."""
        return ()

    def resume(self, now: float) -> Iterable[e.Fact | Decision]:
        """Nothing is ever due here."""
        return ()

    def _remember(self, call: Call | None, fact: e.CallAbandoned) -> None:
        if call is None or call.entered is None or not is_shown(call.caller_number):
            return
        self._left.pop(call.caller_number, None)
        self._left[call.caller_number] = Left(
            fact.at, call.id, call.number, fact.queue, call.entered, dict(call.attributes)
        )
        while len(self._left) > MOST_KEPT or self._is_over(fact.at):
            del self._left[next(iter(self._left))]

    def _is_over(self, now: float) -> bool:
        """Tell whether the oldest place can be taken up no more."""
        return now - next(iter(self._left.values())).at > self._window() + ON_THE_WAY


def is_shown(number: str) -> bool:
    """Tell whether a caller's number is a number at all, and not withheld (`anonymous`, `unavailable`, nothing)."""
    digits = number.removeprefix("+")
    return len(digits) >= SHORTEST_NUMBER and digits.isascii() and digits.isdigit()
