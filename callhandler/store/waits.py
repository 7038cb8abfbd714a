"""What the journal knows of waiting: ringing before the answer, check-ins, holds and estimates.

Rows are looked up by index; the figures are the core's.
"""

from typing import NamedTuple

from callhandler.core import events as e
from callhandler.core.experience import MEMORY
from callhandler.core.kpi import Stay, stays
from callhandler.core.ringing import RingingFigures, ringing_figures
from callhandler.core.scoring import HOUR, EstimateFigures, estimate_figures
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import facts_between, facts_of
from callhandler.store.sources import Source

_LONGEST_WAIT = 4 * 3_600.0
"""Seconds before a stretch of time in which a stay that goes on in it may have begun."""
_STAYS: tuple[type[e.Fact], ...] = (
    e.CallEntered,
    e.CallMoved,
    e.CallConnected,
    e.CallAbandoned,
    e.CallLeftLine,
    e.CallEnded,
    e.CallHeld,
    e.CallResumed,
    e.TalkEnded,
    e.CallbackAccepted,
    e.CallbackAttemptEnded,
    e.CallbackEnded,
    e.CheckedIn,
    e.CheckInBreached,
)
_ESTIMATES: tuple[type[e.Fact], ...] = (
    e.EstimateMade,
    e.CallConnected,
    e.CallAbandoned,
    e.CallMoved,
    e.CallLeftLine,
    e.CallEnded,
)
_RINGING_IS_OVER = 600.0
"""Seconds after a stretch of time in which the ringing of somebody who began to ring in it has ended."""
_HANDLING: tuple[type[e.Fact], ...] = (e.TalkEnded, e.WrapUpStarted)
_REMEMBERED = 86_400.0
_MOST = 2_000


def stays_of(source: Source, call: str) -> list[Stay]:
    """Return one call's stays (its exact id), in order."""
    return stays(found.fact for found in facts_of(source, call) if found.fact is not None)


def stays_between(source: Source, start: float, end: float) -> list[Stay]:
    """Return the stays that began from `start` until before `end` (seconds since the epoch)."""
    found = stays(facts_between(source, _STAYS, start, end + _LONGEST_WAIT))
    return [stay for stay in found if start <= stay.since < end]


def estimates_between(source: Source, start: float, end: float) -> list[EstimateFigures]:
    """Return what became of the estimates made from `start` until before `end`, by hour and queue."""
    facts = facts_between(source, _ESTIMATES, start, end + _LONGEST_WAIT)
    return estimate_figures(fact for fact in facts if not isinstance(fact, e.EstimateMade) or fact.at < end)


class _Came(NamedTuple):
    hour: int
    calls: int


def ringing_between(source: Source, start: float, end: float) -> list[RingingFigures]:
    """Return what became of those who began to ring from `start` until before `end`, by hour."""
    ends = facts_between(source, (e.CallRang,), start, end + _RINGING_IS_OVER)
    rang = [one for one in ends if isinstance(one, e.CallRang) and start <= one.at - one.rang < end]
    if not rang:
        return []
    hour = milliseconds(HOUR)
    sql = f"""
        SELECT arrived / {hour}, count(*) FROM call WHERE arrived >= :first AND arrived < :past AND source LIKE 'trunk:%'
        GROUP BY arrived / {hour}
    """  # noqa: S608 - a number of this program's own
    came = source.ask(_Came, sql, first=milliseconds(start), past=milliseconds(end))
    return ringing_figures(rang, {one.hour * HOUR: one.calls for one in came})


def estimates_so_far(source: Source, now: float) -> list[e.Fact]:
    """Return the facts from which estimates are made and trusted: of the last day at most, and bounded however long the journal is."""
    recent = facts_between(source, _ESTIMATES, now - _REMEMBERED, now + 1.0, _MOST)
    return sorted(
        [*recent, *facts_between(source, _HANDLING, now - MEMORY, now + 1.0, _MOST)], key=lambda fact: fact.at
    )
