"""How often and how long the house calls out: counted from facts, and compared with the site's caps. Knows no callback's state.

`any day` means any 24 hours and `any hour` any 60 minutes: a cap that starts anew at midnight lets twice as much through around it.
"""

from collections import deque
from typing import NamedTuple

from callhandler.core import events as e
from callhandler.core.model import CallbackRules

HOUR, DAY = 3_600.0, 86_400.0


class _To(NamedTuple):
    at: float
    number: str


class _Talked(NamedTuple):
    at: float
    seconds: float


class Until(NamedTuple):
    """Nothing may be dialled before `at`, and why."""

    at: float
    reason: str


class Ledger:
    """What was asked for, dialled and talked within the last day."""

    def __init__(self) -> None:
        self._asked: deque[_To] = deque()
        self._customers: deque[_To] = deque()
        self._dialled: deque[float] = deque()
        self._talked: deque[_Talked] = deque()
        self._outside: dict[str, float | None] = {}

    def apply(self, fact: e.Fact) -> None:
        """Count what a fact says."""
        match fact:
            case e.CallbackRequested():
                self._asked.append(_To(fact.at, fact.number))
            case e.CallbackDialled():
                self._dialled.append(fact.at)
                self._customers.append(_To(fact.at, fact.number))
            case e.OutsideDialled():
                self._dialled.append(fact.at)
                self._outside[fact.call] = None
            case e.ExtensionConnected() if fact.call in self._outside:
                self._outside[fact.call] = fact.at
            case e.CallEntered() | e.CallEnded() if fact.call in self._outside:
                since = self._outside.pop(fact.call)
                if since is not None:
                    self._talked.append(_Talked(fact.at, fact.at - since))
            case e.CallbackEnded() if fact.talked > 0:
                self._talked.append(_Talked(fact.at, fact.talked))
            case _:
                return
        self._forget(fact.at)

    def outside_now(self) -> int:
        """Return how many callers are with a number outside, or on their way there."""
        return len(self._outside)

    def asked_for(self, number: str, now: float) -> int:
        """Return how many callbacks to a number were asked for within the last day."""
        return sum(one.number == number and one.at > now - DAY for one in self._asked)

    def dialled_to(self, number: str, now: float) -> bool:
        """Tell whether a customer's number was dialled within the last day, whenever that was asked for."""
        return any(one.number == number and one.at > now - DAY for one in self._customers)

    def obstacle(self, rules: CallbackRules, now: float, ahead: int = 0) -> Until | None:
        """Return until when no call may go out after the `ahead` that are about to, and why; None when one may."""
        if (until := self._nth_last(rules.per_hour - ahead, now, HOUR)) is not None:
            return Until(until, f"{rules.per_hour} calls went out within an hour")
        if (until := self._nth_last(rules.per_day - ahead, now, DAY)) is not None:
            return Until(until, f"{rules.per_day} calls went out within a day")
        left = rules.minutes_per_day * 60.0
        for talk in reversed(self._talked):
            left -= talk.seconds if talk.at > now - DAY else 0.0
            if left <= 0:
                return Until(talk.at + DAY, f"{rules.minutes_per_day} minutes were talked on calls out within a day")
        return None

    def _nth_last(self, most: int, now: float, window: float) -> float | None:
        """Return when the `most`-th last dialling leaves the window, None when there is room. Where none may be in it, that is the next."""
        if most <= 0:
            return now + window
        if len(self._dialled) < most or self._dialled[-most] <= now - window:
            return None
        return self._dialled[-most] + window

    def _forget(self, now: float) -> None:
        while self._asked and self._asked[0].at <= now - DAY:
            self._asked.popleft()
        while self._customers and self._customers[0].at <= now - DAY:
            self._customers.popleft()
        while self._dialled and self._dialled[0] <= now - DAY:
            self._dialled.popleft()
        while self._talked and self._talked[0].at <= now - DAY:
            self._talked.popleft()
