"""A check-in: when the next word to somebody in line is due, and what it says. Pure; watch.py keeps the books, scripts say it.

What is said names standard prompts (site/standard.py) without their `std-`. Never a worse place and never a longer wait than was said
before, without saying first that it got busier; a wait that is no news is not repeated.
"""

from dataclasses import dataclass

from callhandler.core.estimates import Estimate
from callhandler.core.model import Promise

TURNS = ("thanks-1", "thanks-2", "thanks-3", "thanks-4")
"""Turns of phrase, one after another: never the same twice running."""

MARGIN = 0.05
"""Part of the promised time that is kept for a slow machine."""
USUAL_LENGTH = 1 / 6
"""Part of the promised time that a spoken word is taken to last, until longer ones are known."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a call in line. `estimate` is None where none can be made or none may be said; `keys` are those offered."""

    position: int
    estimate: Estimate | None
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What somebody in line was told so far: how often, which place, and by when (seconds since the epoch) an agent was to come."""

    times: int = 0
    position: int | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What is to be said, and which place and upper end of the range of seconds it tells."""

    said: tuple[str, ...]
    position: int | None = None
    most: float | None = None


def check_in(standing: Standing, before: Before, now: float, *, first: bool = False) -> CheckIn:
    """Return what is to be said now; `first` for the word on entering the line, which thanks nobody for having waited."""
    wait, most, longer = _wait(standing.estimate, before, now)
    worse = before.position is not None and standing.position > before.position
    return CheckIn(
        (
            *(() if first else (TURNS[before.times % len(TURNS)],)),
            *(("busier",) if longer or worse else ()),
            "next" if standing.position <= 1 else "place",
            *wait,
            *(f"key-{key}" for key in standing.keys),
        ),
        standing.position,
        most,
    )


def _wait(estimate: Estimate | None, before: Before, now: float) -> tuple[tuple[str, ...], float | None, bool]:
    """Return the range to be said (nothing, where it is no news), its upper end, and whether it got longer than was said before."""
    left = None if before.until is None else before.until - now
    if estimate is None:
        return (), None, left is not None and left < 0
    most = estimate.most
    if left is not None and (most is None or most > left) and estimate.seconds <= left:
        return (), None, False
    longer = left is not None and estimate.seconds > left
    return ("wait-long" if most is None else f"wait-{most / 60:.0f}",), most, longer


def starts_at(since: float, promise: Promise, longest: float) -> float:
    """Return when the next word is to begin: at the aim, or earlier where a word of `longest` seconds would not end in time."""
    length = max(longest, USUAL_LENGTH * promise.at_most)
    latest = promise.at_most * (1 - MARGIN) - length
    return since + max(0.0, min(promise.aim, latest))


def due(since: float, promise: Promise, longest: float) -> float:
    """Return when the next word is to begin at the latest, so that it ends within what is promised."""
    return since + max(0.0, promise.at_most - max(longest, USUAL_LENGTH * promise.at_most))
