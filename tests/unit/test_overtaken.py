"""Who counts as overtaken in a benchmark's crowd, by the journal alone."""

from collections.abc import Mapping

import pytest

from bench.calling.crowd import Step, overtaken
from callhandler.core.events import CallKeptRinging, CallRang
from callhandler.core.model import RingEnd


def facts(came: str, let_in: Mapping[str, float]) -> list[Step]:
    """Calls that began to ring in this order, and when they were let in, in seconds."""
    rang = [CallRang(at=at, call=call, rang=0.0, reason=RingEnd.LET_IN) for call, at in let_in.items()]
    return [*(CallKeptRinging(at=0.0, call=call) for call in came), *rang]


@pytest.mark.parametrize(
    ("let_in", "count"),
    [
        ({"a": 1.0, "b": 2.0, "c": 3.0}, 0),
        ({"b": 1.0, "a": 2.0, "c": 3.0}, 1),
        ({"c": 1.0, "a": 2.0, "b": 3.0}, 2),
        ({"b": 1.0, "a": 1.1, "c": 3.0}, 0),  # by no more than those let in together may be
        ({"b": 1.0, "c": 2.0}, 1),  # never let in, though a later one was
        ({"a": 1.0}, 0),  # who came later isn't let in yet
    ],
)
def test_overtaken_is_whose_turn_came_after_that_of_a_later_one(let_in: Mapping[str, float], count: int) -> None:
    assert overtaken(facts("abc", let_in), CallKeptRinging, CallRang, 0.15) == count
