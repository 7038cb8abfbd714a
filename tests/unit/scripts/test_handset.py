"""Feature codes as ladders."""

from pathlib import Path

import pytest

from callhandler.core import events as e
from callhandler.core.model import Outcome
from tests.unit.scripts.ladder import HANGS_UP, Ladder


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    return Ladder(tmp_path)


def pin(ladder: Ladder, agent: str) -> str:
    return ladder.site.agents[agent].pin.get_secret_value()


def test_logging_in_at_any_phone(ladder: Ladder) -> None:
    heard = ladder.dials("*60", "7003", pin(ladder, "7003"), source="phone:101").heard
    assert heard == ["answered", "agent-user", "agent-pass", "agent-loginok", "hung up on"]
    assert ladder.house.done == ["login 7003 at 101"]
    assert ladder.facts(e.HandsetUsed) == ["login None: dialled", "login 7003: done"]


def test_a_wrong_pin_three_times(ladder: Ladder) -> None:
    heard = ladder.dials("*60", "7003", "0", "7003", "1", "7003", "2", source="phone:101").heard
    assert heard.count("agent-incorrect") == 2
    assert heard[-2:] == ["vm-goodbye", "hung up on"]
    assert ladder.house.done == []
    wrong = "login 7003: wrong PIN"
    assert ladder.facts(e.HandsetUsed) == ["login None: dialled", wrong, wrong, wrong, "login None: not identified"]


def test_a_wrong_pin_then_the_right_one(ladder: Ladder) -> None:
    ladder.dials("*60", "7003", "0", "7003", pin(ladder, "7003"), source="phone:101")
    assert ladder.house.done == ["login 7003 at 101"]


@pytest.mark.parametrize(("code", "what"), [("*61", "logout"), ("*62", "pause"), ("*63", "resume")])
def test_whoever_sits_here_needs_no_pin(ladder: Ladder, code: str, what: str) -> None:
    heard = ladder.dials(code, "#", source="phone:102").heard
    assert ladder.house.done == [f"{what} 7002"]
    assert "agent-pass" not in heard


def test_logging_in_always_needs_a_pin(ladder: Ladder) -> None:
    heard = ladder.dials("*60", "#", "", HANGS_UP, source="phone:102").heard
    assert "agent-incorrect" in heard
    assert ladder.house.done == []


@pytest.mark.parametrize("reactions", [[""], ["7002", "0", ""], ["9999", "1", ""]])
@pytest.mark.parametrize("code", ["*60", "*61", "*62", "*63"])
def test_silence_stands_for_nobody_least_of_all_after_a_wrong_pin(
    ladder: Ladder, code: str, reactions: list[str]
) -> None:
    heard = ladder.dials(code, *reactions, source="phone:102").heard
    assert heard[-2:] == ["vm-goodbye", "hung up on"]
    assert ladder.house.done == []


def test_the_key_for_whoever_sits_here_counts_at_the_first_question_only(ladder: Ladder) -> None:
    ladder.dials("*61", "7003", "0", "#", "", "", "", source="phone:102")
    assert ladder.house.done == []


def test_what_may_be_a_pin_in_the_wrong_place_is_not_noted(ladder: Ladder) -> None:
    ladder.dials("*61", "481516", "0", "", "", source="phone:102")
    assert ladder.facts(e.HandsetUsed)[1] == "logout None: no such agent"


def test_hanging_up_in_the_middle_is_no_visit_to_a_menu(ladder: Ladder) -> None:
    ladder.dials("*60", "7", HANGS_UP, source="phone:101")
    ladder.world.caller_hangs_up(ladder.call)
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.HANDSET


def test_what_is_refused_is_said(ladder: Ladder) -> None:
    ladder.house.refuses = "agent 7002 talks"
    heard = ladder.dials("*61", "#", source="phone:102").heard
    assert heard[-2:] == ["feature-not-avail-line", "hung up on"]
    assert ladder.facts(e.HandsetUsed)[-1:] == ["logout 7002: agent 7002 talks"]


def test_nobody_outside_can_use_a_code(ladder: Ladder) -> None:
    heard = ladder.dials("*60", "7003", pin(ladder, "7003")).heard
    assert heard == ["answered", "feature-not-avail-line", "hung up on"]
    assert ladder.house.done == []
