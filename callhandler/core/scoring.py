"""How good the estimates were, hour by hour, from facts alone: what was expected beside what really happened."""

from collections.abc import Iterable
from dataclasses import dataclass

from callhandler.core import events as e
from callhandler.core.estimates import rounded_up

HOUR = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateFigures:
    """What became of the estimates made for a queue within an hour, which begins at `hour` (seconds since the epoch).

    Counted are those of callers who were answered since, and of callers who gave up only after what was said, which proves it wrong.
    `error` is how far off they were in the mean, `bias` by how much too long (too short is negative), both in seconds and of those
    answered. `right` is the part that came true: answered within the range that was said, or, where none was, within the estimate's own.
    `said` counts those that were said, `said_right` is their part that came true. What can't be told is None.
    """

    hour: float
    queue: str
    made: int
    answered: int
    error: float | None
    bias: float | None
    right: float | None
    said: int
    said_right: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An estimate and what became of it: `off` by how many seconds it was too long (None: the caller gave up), `right` as `came_true`."""

    made: e.EstimateMade
    off: float | None
    right: bool | None


def outcomes(facts: Iterable[e.Fact]) -> list[Outcome]:
    """Return what became of the estimates that the facts, in order, tell of; those of which nothing is known yet are left out."""
    open_: dict[str, list[e.EstimateMade]] = {}
    found: list[Outcome] = []
    for fact in facts:
        match fact:
            case e.EstimateMade():
                open_.setdefault(fact.call, []).append(fact)
            case e.CallConnected():
                for made in open_.pop(fact.call, ()):
                    found.append(Outcome(made, made.seconds - (fact.at - made.at), came_true(made, fact.at)))
            case e.CallAbandoned():
                gone = open_.pop(fact.call, ())
                found += [Outcome(made, None, False) for made in gone if came_true(made, fact.at) is False]
            case e.CallMoved() | e.CallLeftLine() | e.CallEnded():
                open_.pop(fact.call, None)
    return found


def came_true(made: e.EstimateMade, at: float) -> bool | None:
    """Tell whether someone who was answered `at` was so within the range; None for one longer than any, which says nothing."""
    most = rounded_up(made.seconds) if made.most is None else made.most
    return None if most is None else at - made.at <= most


def estimate_figures(facts: Iterable[e.Fact]) -> list[EstimateFigures]:
    """Return the figures by hour and queue, in order."""
    by_hour: dict[tuple[float, str], list[Outcome]] = {}
    for one in outcomes(facts):
        by_hour.setdefault((one.made.at // HOUR * HOUR, one.made.queue), []).append(one)
    return [_figures(hour, queue, by_hour[hour, queue]) for hour, queue in sorted(by_hour)]


def _figures(hour: float, queue: str, found: list[Outcome]) -> EstimateFigures:
    offs = [one.off for one in found if one.off is not None]
    right = [one.right for one in found if one.right is not None]
    said = [one.right for one in found if one.right is not None and one.made.most is not None]
    return EstimateFigures(
        hour=hour,
        queue=queue,
        made=len(found),
        answered=len(offs),
        error=sum(map(abs, offs)) / len(offs) if offs else None,
        bias=sum(offs) / len(offs) if offs else None,
        right=sum(right) / len(right) if right else None,
        said=len(said),
        said_right=sum(said) / len(said) if said else None,
    )
