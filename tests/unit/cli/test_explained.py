"""Decisions out of the journal: ranked, with reasons, and found out when they don't come out the same."""

import json
from pathlib import Path

import pytest

from callhandler.cli import main
from callhandler.core.explained import explained
from callhandler.core.model import Device, Queue
from tests.unit.cli.decision import SNAPSHOT
from tests.unit.cli.journals import kept
from tests.unit.core.world import World, agent, plan


def test_where_nobody_s_phone_is_there_it_says_so_of_each_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    world = World(plan([Queue("q", "Sales")], [agent("a"), agent("b")]))
    world.login("a", "b")
    for phone in ("pa", "pb"):
        world.phone(phone, Device.UNREACHABLE)
    world.passes(60.0)
    call = world.call("555")
    world.admitted(call, "q")
    (tmp_path / "callhandler.toml").touch()
    (tmp_path / "var").mkdir()
    kept(tmp_path, world.facts)
    assert main(["explain", call.id, "--site", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for says in ("phone pa is unreachable", "phone pb is unreachable", "left queue q: nobody here can take q calls"):
        assert says in shown


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
