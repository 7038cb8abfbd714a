"""Callbacks as the journal has them, past ones too: one record each, computed from its call's facts. Works while the daemon is down."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from callhandler.core import events as e
from callhandler.core.callback import LONGEST_OPEN
from callhandler.core.callback_slots import HORIZON
from callhandler.core.promises import PromiseFigures, promise_figures
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import facts_between, facts_where
from callhandler.store.sources import Source

_PROMISES: tuple[type[e.Fact], ...] = (
    e.CallbackRequested, e.CallbackRescheduled, e.PromiseSettled, e.CallbackEnded,
)  # fmt: skip
_DAY = 86_400.0
_KEPT = LONGEST_OPEN + _DAY
"""Longer than any callback can be open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One time the customer was dialled; `result` is accepted, or why not, None while it is under way."""

    at: float
    agent: str | None
    result: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRecord:
    """One callback. Times are seconds since the epoch, durations seconds.

    `result` is done, failed, expired or cancelled, None while it is open. `response` is the time from when the customer first entered the
    line until they talked with an agent; `saved` is that part of it which they did not have to spend on the telephone,
    None where a person added the callback: nobody had been waiting.
    `kept` tells whether the time that was said was kept, None where none was said, or it is open.
    """

    call: str
    queue: str
    number: str
    confirmed: bool
    caller_name: str
    by: str
    entered: float
    requested: float
    due: float | None
    promise: float | None
    kept: bool | None
    attempts: tuple[AttemptRecord, ...]
    agent: str | None
    connected: float | None
    talked: float
    ended: float | None
    result: str | None
    reason: str
    response: float | None
    saved: float | None


def asked_between(source: Source, start: float, end: float) -> list[str]:
    """Return the calls in which callbacks were asked for from `start` until before `end`, oldest first."""
    asked = "SELECT call FROM fact WHERE kind = 'CallbackRequested' AND at >= :first AND at < :past ORDER BY seq"
    return list(dict.fromkeys(source.ask(str, asked, first=milliseconds(start), past=milliseconds(end))))


def calls_to_be_made(source: Source, now: float) -> list[str]:
    """Return the calls whose callbacks are open."""
    open_ones = """
        SELECT asked.call FROM fact AS asked WHERE asked.kind = 'CallbackRequested' AND asked.at >= :since
        AND NOT EXISTS (SELECT 1 FROM fact AS over WHERE over.call = asked.call AND over.kind = 'CallbackEnded')
    """
    return list(dict.fromkeys(source.ask(str, open_ones, since=milliseconds(now - _KEPT))))


def open_callbacks(source: Source, now: float) -> list[CallbackRecord]:
    """Return the callbacks that are open."""
    return [record for call in calls_to_be_made(source, now) for record in callbacks_of(source, call)]


def promises_since(source: Source, start: float, zone: ZoneInfo, now: float) -> list[PromiseFigures]:
    """Return what became of the promises for a time from `start` on, day by day."""
    earliest = start - HORIZON - _DAY  # a promise is made this long before its time at the most
    return promise_figures(facts_between(source, _PROMISES, earliest, now + 1.0), zone, start, now)


def callbacks_of(source: Source, call: str) -> list[CallbackRecord]:
    """Return a call's callbacks (its exact id): one at most, as a rule."""
    clause = "WHERE call = :call AND kind <> 'RoutingDecided' ORDER BY seq"
    facts = [stored.fact for stored in facts_where(source, clause, call=call) if stored.fact is not None]
    return callback_records(facts)


def callback_records(facts: Iterable[e.Fact]) -> list[CallbackRecord]:
    """Compute the records of a call's callbacks from its facts, in the order they were written."""
    found: list[_Reading] = []
    for fact in facts:
        if isinstance(fact, e.CallbackRequested):
            found.append(_Reading(fact))
        elif found:
            found[-1].take(fact)
    return [one.record() for one in found]


class _Reading:
    """What is known of a callback while its facts are read one by one."""

    def __init__(self, asked: e.CallbackRequested) -> None:
        self._asked = asked
        self._due = asked.due
        self._promise = asked.promise
        self._queue = asked.queue
        self._attempts: list[AttemptRecord] = []
        self._connected: e.CallConnected | None = None
        self._settled: e.PromiseSettled | None = None
        self._ended: e.CallbackEnded | None = None

    def take(self, fact: e.Fact) -> None:
        """Read the next fact."""
        match fact:
            case e.CallbackRescheduled():
                self._due = fact.due
                if fact.promise is not None:
                    self._promise, self._settled = fact.promise, None
            case e.CallMoved():
                self._queue = fact.queue
            case e.CallbackDialled():
                self._attempts.append(AttemptRecord(at=fact.at, agent=fact.agent, result=None))
            case e.CallbackAccepted():
                self._came_to("accepted")
            case e.CallbackAttemptEnded():
                self._came_to(fact.reason)
            case e.CallConnected():
                self._connected = self._connected or fact
            case e.PromiseSettled():
                self._settled = fact
            case e.CallbackEnded():
                self._ended = fact

    def _came_to(self, result: str) -> None:
        if self._attempts:
            last = self._attempts[-1]
            self._attempts[-1] = AttemptRecord(at=last.at, agent=last.agent, result=result)

    def record(self) -> CallbackRecord:
        """Return what is known by now."""
        asked, ended, talk = self._asked, self._ended, self._connected
        response = None if talk is None else round(max(0.0, talk.at - asked.entered), 3)
        by_hand = asked.reason == e.ADDED_BY_HAND
        return CallbackRecord(
            call=asked.call,
            queue=self._queue,
            number=asked.number,
            confirmed=asked.confirmed,
            caller_name=asked.caller_name,
            by=asked.by,
            entered=asked.entered,
            requested=asked.at,
            due=self._due,
            promise=self._promise,
            kept=None if self._settled is None else self._settled.kept,
            attempts=tuple(self._attempts),
            agent=None if talk is None else talk.agent,
            connected=None if talk is None else talk.at,
            talked=0.0 if ended is None else ended.talked,
            ended=None if ended is None else ended.at,
            result=None if ended is None else ended.result,
            reason="" if ended is None else ended.reason,
            response=response,
            saved=None
            if response is None or by_hand
            else round(max(0.0, response - max(0.0, asked.at - asked.entered)), 3),
        )
