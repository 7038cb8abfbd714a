"""How well times that were said to customers were kept, day by day, from facts alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from callhandler.core import events as e


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseFigures:
    """What became of the promises to call by a time of one day (`day`, such as 2026-11-23, by the site's clock).

    `kept`: dialled by then. `broken`: dialled later or not at all, also where the time is over and nobody has been dialled yet. `open`: the
    time is to come. `not_needed`: cancelled in time, or the customer had called by themselves. These four make up `made`.
    A promise put off before its time is one for the new time; one that was kept or broken by then stays so beside the new one.
    `share` is the part kept of those kept and broken, None where there is neither; `latest` the longest delay in seconds, so far.
    """

    day: str
    made: int
    kept: int
    broken: int
    open: int
    not_needed: int
    share: float | None
    latest: float


_NOT_REACHED = ("failed", "expired")
"""Results of a callback that nobody called off: what was promised in it was not kept."""


@dataclass(slots=True)
class _Promise:
    at: float
    kept: bool | None = None
    late: float = 0.0
    ended: bool = False


def promise_figures(facts: Iterable[e.Fact], zone: ZoneInfo, start: float, now: float) -> list[PromiseFigures]:
    """Return the figures of the days from `start` on, in order. `facts` are those of callbacks, in order; times are since the epoch."""
    days: dict[str, list[_Promise]] = {}
    for one in _promises(facts):
        if one.at >= start:
            day = datetime.fromtimestamp(one.at, UTC).astimezone(zone).date().isoformat()
            days.setdefault(day, []).append(one)
    return [_figures(day, days[day], now) for day in sorted(days)]


def _promises(facts: Iterable[e.Fact]) -> Iterable[_Promise]:
    made: list[_Promise] = []
    last: dict[str, _Promise] = {}
    for fact in facts:
        match fact:
            case e.CallbackRequested():
                last.pop(fact.call, None)
                if fact.promise is not None:
                    last[fact.call] = _Promise(fact.promise)
                    made.append(last[fact.call])
            case e.CallbackRescheduled() if fact.promise is not None:
                if fact.call in last and last[fact.call].kept is None:
                    last[fact.call].at = fact.promise
                else:
                    last[fact.call] = _Promise(fact.promise)
                    made.append(last[fact.call])
            case e.PromiseSettled() if fact.call in last:
                last[fact.call].kept, last[fact.call].late = fact.kept, fact.late
            case e.CallbackEnded() if fact.call in last:
                one = last[fact.call]
                one.ended = True
                if one.kept is None and fact.result in _NOT_REACHED:
                    one.kept = False
    return made


def _figures(day: str, promises: list[_Promise], now: float) -> PromiseFigures:
    kept = sum(one.kept is True for one in promises)
    waiting = [one for one in promises if one.kept is None and not one.ended]
    overdue = [one for one in waiting if one.at < now]
    broken = sum(one.kept is False for one in promises) + len(overdue)
    return PromiseFigures(
        day=day,
        made=len(promises),
        kept=kept,
        broken=broken,
        open=len(waiting) - len(overdue),
        not_needed=sum(one.kept is None and one.ended for one in promises),
        share=kept / (kept + broken) if kept + broken else None,
        latest=round(max([0.0, *(one.late for one in promises), *(now - one.at for one in overdue)]), 3),
    )
