"""Figures of those who were kept ringing (docs/adr/0013), hour by hour, from facts alone.

No part of any line's figures: `waited` begins when a call enters one, which is later. Who hung up while it rang is abandoned, short
within `SHORT_ABANDON`. Those whose end nobody saw are counted, and have no length.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from callhandler.core import events as e
from callhandler.core.kpi import percentile
from callhandler.core.model import SHORT_ABANDON, RingEnd
from callhandler.core.scoring import HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class RingingFigures:
    """What became of those who began to ring within an hour, which begins at `hour` (seconds since the epoch). Lengths in seconds.

    `calls` counts all who came over a trunk in it, `rang` those who were kept ringing: of these `answered` were let in, `longest_time` of
    them only after the longest time, `hung_up` gave up (`short` of them within the first seconds), `other` were withdrawn or lost.
    The lengths are of those let in, and of those who hung up; 0 where there is none. `longest_call` rang longest of all.
    """

    hour: float
    calls: int
    rang: int
    answered: int
    longest_time: int
    hung_up: int
    short: int
    other: int
    median_answered: float
    p90_answered: float
    longest_answered: float
    median_hung_up: float
    longest_hung_up: float
    longest_call: str


def ringing_figures(ends: Iterable[e.CallRang], calls: Mapping[float, int]) -> list[RingingFigures]:
    """Return the figures of each hour in which somebody began to ring, in order; `calls` counts those who came over a trunk, by hour."""
    by_hour: dict[float, list[e.CallRang]] = {}
    for end in ends:
        by_hour.setdefault((end.at - end.rang) // HOUR * HOUR, []).append(end)
    return [_figures(hour, calls.get(hour, 0), by_hour[hour]) for hour in sorted(by_hour)]


def _figures(hour: float, calls: int, ends: Sequence[e.CallRang]) -> RingingFigures:
    answered = sorted(end.rang for end in ends if end.reason.answers)
    hung_up = sorted(end.rang for end in ends if end.reason is RingEnd.CALLER_LEFT)
    known = [end for end in ends if end.reason is not RingEnd.LOST]
    return RingingFigures(
        hour=hour,
        calls=calls,
        rang=len(ends),
        answered=len(answered),
        longest_time=sum(end.reason is RingEnd.LONGEST for end in ends),
        hung_up=len(hung_up),
        short=sum(rang <= SHORT_ABANDON for rang in hung_up),
        other=len(ends) - len(answered) - len(hung_up),
        median_answered=percentile(answered, 0.5),
        p90_answered=percentile(answered, 0.9),
        longest_answered=percentile(answered, 1.0),
        median_hung_up=percentile(hung_up, 0.5),
        longest_hung_up=percentile(hung_up, 1.0),
        longest_call=max(known, key=lambda end: end.rang).call if known else "",
    )
