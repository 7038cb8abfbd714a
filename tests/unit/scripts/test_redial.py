"""Calling again, told as ladders."""

from pathlib import Path

import pytest

from callhandler.core import events as e
from tests.unit.scripts.ladder import HANGS_UP, Ladder


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    one = Ladder(tmp_path)
    one.dials("5001", "", "2", "2", HANGS_UP, caller="493012345")
    one.world.passes(20.0)
    one.world.caller_hangs_up(one.call)
    one.world.passes(60.0)
    return one


def test_straight_back_into_line_in_the_old_language_with_the_old_answers(ladder: Ladder) -> None:
    first = ladder.call
    caller = ladder.dials("5001", "", HANGS_UP, caller="493012345")
    assert caller.heard[:3] == ["answered", "speaks es", "std-place-kept"]
    assert "language-menu" not in caller.heard
    assert ladder.call.entered == first.entered
    assert ladder.call.attributes == first.attributes
    assert "reason = support" in ladder.facts(e.AttributeSet)
    assert ladder.facts(e.CallSent) == [f"sent to queue:support: called again: the place of call {first.id}"]
    assert ladder.facts(e.CallEntered) == ["enters support wanting spanish"]


def test_star_leads_to_the_usual_beginning(ladder: Ladder) -> None:
    caller = ladder.dials("5001", "*", HANGS_UP, caller="493012345")
    assert caller.heard[2:] == ["std-place-kept", "welcome", "gone"]
    assert ladder.facts(e.CallSent) == ["sent to menu:languages: dialled 5001"]


@pytest.mark.parametrize(("number", "caller"), [("5000", "493012345"), ("5001", "493099999"), ("5001", "")])
def test_somebody_else_or_another_number(ladder: Ladder, number: str, caller: str) -> None:
    assert "std-place-kept" not in ladder.dials(number, HANGS_UP, caller=caller).heard
