"""What comes of a simulated week, counted from its facts; nothing is decided here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import mean

from bench.simulated.centre import Centre
from callhandler.core import events as e
from callhandler.site.models import Site


@dataclass(slots=True)
class Figures:
    """What came of a week."""

    callers: int = 0
    abandoned: int = 0
    live: list[float] = field(default_factory=list)
    asked: int = 0
    called_back: list[float] = field(default_factory=list)
    results: dict[str, int] = field(default_factory=dict)
    on_the_line: float = 0.0
    choosers: int = 0
    choosers_talked: int = 0
    choosers_on_the_line: float = 0.0
    made: int = 0
    kept: int = 0
    broken: int = 0
    breaches: int = 0
    silence: float = 0.0

    def lines(self) -> Iterator[tuple[str, float | None]]:
        """Return all, as the table tells them."""
        yield "callers", self.callers
        yield "gave up, %", 100 * self.abandoned / self.callers
        reached = len(self.live) + self.results.get("done", 0)
        yield "talked with an agent, %", 100 * reached / self.callers
        yield "waiting on the line, mean of all callers, s", self.on_the_line / self.callers
        yield "choosers: talked with an agent, %", 100 * self.choosers_talked / self.choosers
        yield "choosers: waiting on the line, mean s", self.choosers_on_the_line / self.choosers
        yield "live: wait until answered, mean s", mean(self.live)
        yield "live: wait until answered, p90 s", percentile(self.live, 0.9)
        yield "callbacks asked for", self.asked
        yield "callbacks: talked, %", 100 * self.results.get("done", 0) / self.asked if self.asked else None
        yield "callbacks in turn: until talking, mean s", mean(self.called_back) if self.called_back else None
        yield "callbacks in turn: until talking, p90 s", percentile(self.called_back, 0.9) if self.called_back else None
        yield "times promised", self.made
        yield "times kept", self.kept
        yield "times broken", self.broken
        yield "callbacks open at the week's end", self.asked - sum(self.results.values())
        yield "longest silence in line, s", self.silence
        yield "silences longer than promised", self.breaches


def percentile(values: list[float], part: float) -> float:
    """Return the value that this part of all doesn't exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


class Counted(Centre):
    """A centre, counted."""

    def __init__(self, site: Site, start: float, seed: int) -> None:
        self.figures = Figures()
        self._promised: dict[str, float | None] = {}
        self._entered: dict[str, float] = {}
        self._choosers: set[str] = set()
        super().__init__(site, start, seed)

    def append(self, fact: e.Fact) -> None:
        """Count."""
        figures = self.figures
        match fact:
            case e.CallArrived():
                figures.callers += 1
                if self.visitors[fact.caller_number].keys:
                    figures.choosers += 1
                    self._choosers.add(fact.call)
            case e.CallEntered():
                self._entered[fact.call] = fact.at
            case e.CallEnded():
                self._left(fact)
            case e.CallAbandoned():
                figures.abandoned += 1
            case e.CallConnected():
                self._connected(fact)
            case e.CallbackRequested():
                figures.asked += 1
                figures.made += fact.promise is not None
                self._promised[fact.call] = fact.promise
            case e.CallbackEnded():
                figures.results[fact.result] = figures.results.get(fact.result, 0) + 1
            case e.PromiseSettled():
                figures.kept += fact.kept
                figures.broken += not fact.kept
            case e.CheckInBreached():
                figures.breaches += 1

    def _connected(self, fact: e.CallConnected) -> None:
        self.figures.choosers_talked += fact.call in self._choosers
        if fact.call not in self._promised:
            self.figures.live.append(fact.waited)
            self._left(fact)
        elif self._promised[fact.call] is None:
            self.figures.called_back.append(fact.waited)

    def _left(self, fact: e.CallConnected | e.CallEnded) -> None:
        """Count how long somebody waited on the line."""
        waited = fact.at - self._entered.pop(fact.call, fact.at)
        self.figures.on_the_line += waited
        self.figures.choosers_on_the_line += waited if fact.call in self._choosers else 0.0

    def silent(self, seconds: float) -> None:
        """Remember the longest silence."""
        self.figures.silence = max(self.figures.silence, seconds)

    def works(self, agent: str, first: float, last: float) -> None:
        """Have an agent work from `first` to `last`, with half an hour's break in the middle."""
        middle = (first + last) / 2
        phone = f"2{agent[1:]}"
        for fact in (
            e.AgentLoggedIn(at=first, agent=agent, phone=phone, by="week"),
            e.AgentPaused(at=middle - 900.0, agent=agent, reason="lunch", by="week"),
            e.AgentResumed(at=middle + 900.0, agent=agent, by="week"),
            e.AgentLoggedOut(at=last, agent=agent, by="week"),
        ):
            self.at(fact.at, self.board.record, fact)
