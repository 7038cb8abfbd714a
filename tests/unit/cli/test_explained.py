"""Decisions out of the journal: ranked, with reasons, and found out when they don't come out the same."""

import json

import pytest

from callhandler.core.explained import explained
from tests.unit.cli.decision import SNAPSHOT


def test_the_able_come_first_and_the_others_say_why_not() -> None:
    view = explained(SNAPSHOT)
    assert [(one.agent, one.rank) for one in view.candidates] == [("7001", 1), ("7002", None)]
    assert "logged out" in view.candidates[1].verdict
    assert (view.chosen, view.replayed, view.same, view.waited) == (("7001",), ("7001",), True, 1.0)


def test_a_choice_that_does_not_follow_is_found_out() -> None:
    view = explained(json.dumps(json.loads(SNAPSHOT) | {"chosen": ["7002"]}))
    assert (view.same, view.replayed) == (False, ("7001",))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "7", '{"candidates": [{}]}', json.dumps({"candidates": []}), '{"form": 1}']
)
def test_another_versions_snapshot_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        explained(text)
