"""Figures of how well people were looked after while they waited, from facts alone, so that each can be computed again.

A *stay* is one stretch of waiting without an agent: in line (somebody called back who has said yes is there again), or on hold.
A *silence* is the time between the ends of two spoken words, or from the stay's begin to the end of the first, or from the end of the
last to the stay's end. In a conversation that the caller began with a key there is no silence, however long it takes. Compliance counts
the stays that were longer than promised at most: which part of them had no silence longer than that.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

from callhandler.core import events as e
from callhandler.core.model import Where
from callhandler.core.watch import MENU


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One stretch of waiting. Times in seconds since the epoch; `until` is None while it lasts. `ended_by` says what ended it."""

    call: str
    where: Where
    queue: str
    since: float
    until: float | None
    ended_by: str
    words: tuple[e.CheckedIn, ...] = ()
    breaches: tuple[e.CheckInBreached, ...] = ()

    def length(self, now: float) -> float:
        """Return how long it took, in seconds; of a stay that lasts, until `now`."""
        return (now if self.until is None else self.until) - self.since

    def silences(self, now: float) -> list[float]:
        """Return the silences, in order, in seconds; of a stay that lasts, as it is `now`."""
        ends, last = [], self.since
        for word in self.words:
            ends.append((word.started if word.said.startswith(MENU) else word.at) - last)
            last = word.at
        until = now if self.until is None else self.until
        return [max(0.0, silence) for silence in (*ends, until - last)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StayProof:
    """A stay with its silences in seconds, one more than there are words; `kept` tells whether none was longer than promised."""

    stay: Stay
    silences: tuple[float, ...]
    longest: float
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Evidence of how a caller was looked after; `explained`: a breach with its cause stands for each stay that wasn't kept."""

    call: str
    at_most: float
    stays: tuple[StayProof, ...]
    kept: bool
    explained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInFigures:
    """How well the promise was kept where somebody waited. Waits (a stay's length) and silences in seconds, 0 where there is none.

    `long` counts the stays that were longer than `at_most`, `kept` those among them without a longer silence; `compliance` is None when
    nobody waited that long. `longest_call` is the call of the longest silence; `breaches` are counted by cause.
    """

    where: Where
    at_most: float
    stays: int
    long: int
    kept: int
    compliance: float | None
    median_wait: float
    p90_wait: float
    p99_wait: float
    median_silence: float
    p95_silence: float
    longest_silence: float
    longest_call: str
    breaches: tuple[tuple[str, int], ...]


def stays(facts: Iterable[e.Fact]) -> list[Stay]:
    """Return the stays of the calls that the facts, in order, tell of; by when they began."""
    reading = _Reading()
    for fact in facts:
        reading.take(fact)
    return [stay.closed() for stay in reading.found]


@dataclass(slots=True)
class _Open:
    """A stay that is being read."""

    call: str
    where: Where
    queue: str
    since: float
    words: list[e.CheckedIn] = field(default_factory=list)
    breaches: list[e.CheckInBreached] = field(default_factory=list)
    until: float | None = None
    ended_by: str = ""

    def closed(self) -> Stay:
        return Stay(
            call=self.call,
            where=self.where,
            queue=self.queue,
            since=self.since,
            until=self.until,
            ended_by=self.ended_by,
            words=tuple(self.words),
            breaches=tuple(self.breaches),
        )


class _Reading:
    """The stays while their facts are read one by one. `_last` holds each call's last stay of either kind, over or not."""

    def __init__(self) -> None:
        self.found: list[_Open] = []
        self._last: dict[tuple[str, Where], _Open] = {}

    def take(self, fact: e.Fact) -> None:
        match fact:
            case e.CallEntered() | e.CallbackAccepted():
                self._begin(fact.call, Where.IN_LINE, fact.at, fact.queue)
            case e.CallHeld():
                self._begin(fact.call, Where.ON_HOLD, fact.at, "")
            case e.CallMoved() if (stay := self._last.get((fact.call, Where.IN_LINE))) is not None:
                stay.queue = fact.queue
            case e.CallConnected():
                self._end(fact.call, fact.at, "answered")
            case e.CallResumed():
                self._end(fact.call, fact.at, "taken back")
            case e.CallAbandoned():
                self._end(fact.call, fact.at, "hung up")
            case e.TalkEnded() | e.CallLeftLine() | e.CallEnded() | e.CallbackAttemptEnded() | e.CallbackEnded():
                self._end(fact.call, fact.at, fact.reason)
            case e.CheckedIn() | e.CheckInBreached():
                self._evidence(fact)

    def _begin(self, call: str, where: Where, at: float, queue: str) -> None:
        before = self._last.get((call, where))
        if before is not None and before.until is None:  # the same wait in another line, or a fact repeated
            before.queue = queue
            return
        stay = self._last[call, where] = _Open(call, where, queue, at)
        self.found.append(stay)

    def _end(self, call: str, at: float, by: str) -> None:
        for where in Where:
            stay = self._last.get((call, where))
            if stay is not None and stay.until is None:
                stay.until, stay.ended_by = at, by

    def _evidence(self, fact: e.CheckedIn | e.CheckInBreached) -> None:
        """Put a word where it was said: what an answer or a hang-up cut is written just after the stay has ended."""
        stay = self._last.get((fact.call, fact.where))
        if stay is None:
            return
        if isinstance(fact, e.CheckInBreached):
            stay.breaches.append(fact)
        elif stay.until is None or fact.started <= stay.until:
            stay.words.append(fact)


def proof(call: str, found: Iterable[Stay], at_most: float, now: float) -> Proof:
    """Return the evidence of one call's stays; `at_most` is what is promised, in seconds."""
    proofs = []
    for stay in found:
        silences = stay.silences(now)
        proofs.append(
            StayProof(stay=stay, silences=tuple(silences), longest=max(silences), kept=max(silences) <= at_most)
        )
    return Proof(
        call=call,
        at_most=at_most,
        stays=tuple(proofs),
        kept=all(one.kept for one in proofs),
        explained=all(one.kept or one.stay.breaches for one in proofs),
    )


def check_in_figures(found: Iterable[Stay], at_most: float, now: float) -> list[CheckInFigures]:
    """Return the figures for each place that somebody waited in; `at_most` is what is promised, in seconds."""
    every = list(found)
    return [
        _figures(where, [stay for stay in every if stay.where is where], at_most, now)
        for where in Where
        if any(stay.where is where for stay in every)
    ]


def _figures(where: Where, found: list[Stay], at_most: float, now: float) -> CheckInFigures:
    silences = sorted((silence, stay.call) for stay in found for silence in stay.silences(now))
    waits = sorted(stay.length(now) for stay in found)
    long = [stay for stay in found if stay.length(now) > at_most]
    well = sum(max(stay.silences(now)) <= at_most for stay in long)
    causes = Counter(breach.reason for stay in found for breach in stay.breaches)
    return CheckInFigures(
        where=where,
        at_most=at_most,
        stays=len(found),
        long=len(long),
        kept=well,
        compliance=well / len(long) if long else None,
        median_wait=percentile(waits, 0.5),
        p90_wait=percentile(waits, 0.9),
        p99_wait=percentile(waits, 0.99),
        median_silence=percentile([silence for silence, _ in silences], 0.5),
        p95_silence=percentile([silence for silence, _ in silences], 0.95),
        longest_silence=silences[-1][0],
        longest_call=silences[-1][1],
        breaches=tuple(causes.most_common()),
    )


def percentile(values: list[float], part: float) -> float:
    """Return the smallest of some sorted values that `part` of them don't exceed (nearest rank); 0 of none."""
    return values[max(0, ceil(part * len(values)) - 1)] if values else 0.0
