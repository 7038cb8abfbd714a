"""What the journal knows of waiting: check-ins, holds and estimates. Rows are looked up by index; the figures are the core's."""

from callhandler.core import events as e
from callhandler.core.experience import MEMORY
from callhandler.core.kpi import Stay, stays
from callhandler.core.scoring import EstimateFigures, estimate_figures
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import facts_of, facts_where
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
_HANDLING: tuple[type[e.Fact], ...] = (e.TalkEnded, e.WrapUpStarted)
_REMEMBERED = 86_400.0
_MOST = 2_000


def stays_of(source: Source, call: str) -> list[Stay]:
    """Return one call's stays (its exact id), in order."""
    return stays(found.fact for found in facts_of(source, call) if found.fact is not None)


def stays_between(source: Source, start: float, end: float) -> list[Stay]:
    """Return the stays that began from `start` until before `end` (seconds since the epoch)."""
    found = stays(_facts(source, _STAYS, start, end + _LONGEST_WAIT))
    return [stay for stay in found if start <= stay.since < end]


def estimates_between(source: Source, start: float, end: float) -> list[EstimateFigures]:
    """Return what became of the estimates made from `start` until before `end`, by hour and queue."""
    facts = _facts(source, _ESTIMATES, start, end + _LONGEST_WAIT)
    return estimate_figures(fact for fact in facts if not isinstance(fact, e.EstimateMade) or fact.at < end)


def estimates_so_far(source: Source, now: float) -> list[e.Fact]:
    """Return the facts from which estimates are made and trusted: of the last day at most, and bounded however long the journal is."""
    recent = _facts(source, _ESTIMATES, now - _REMEMBERED, now + 1.0, _MOST)
    return sorted([*recent, *_facts(source, _HANDLING, now - MEMORY, now + 1.0, _MOST)], key=lambda fact: fact.at)


def _facts(
    source: Source, kinds: tuple[type[e.Fact], ...], start: float, end: float, most: int = 1_000_000
) -> list[e.Fact]:
    """Return facts of some kinds within a stretch of time, in order; of each kind the last `most`."""
    clause = "WHERE kind = :kind AND at >= :first AND at < :past ORDER BY at DESC, seq DESC LIMIT :most"
    first, past = milliseconds(start), milliseconds(end)
    found = [
        stored
        for kind in kinds
        for stored in facts_where(source, clause, kind=kind.__name__, first=first, past=past, most=most)
    ]
    return [stored.fact for stored in sorted(found, key=lambda one: one.seq) if stored.fact is not None]
