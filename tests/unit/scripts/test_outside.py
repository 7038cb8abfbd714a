"""Overflow outside, told as ladders: under the guards of calls out, back to the old place, never for ever."""

from pathlib import Path

import pytest

from callhandler.core import events as e
from callhandler.errors import Refused, SiteError
from callhandler.numbers import SiteNumbers
from callhandler.site.loading import load
from callhandler.site.new import example
from tests.unit.scripts.ladder import HANGS_UP, Ladder

NUMBER = "+12025550199"
RULES = '\n[callbacks]\ntrunk = "pstn"\nper_hour = 4\nat_once = 2\n'
LINE = f"""{RULES}
[queues.over]
name = "Over"
fallback = "say:nobody-here"
on_timeout = "outside:{NUMBER}"
on_nobody = "outside:{NUMBER}"
max_wait = 60
callback = false

[numbers.5030]
enters = "queue:over"
"""


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    one = Ladder(tmp_path, LINE)
    one.world.board.callbacks.guard_by(SiteNumbers(one.site))
    for agent in one.site.agents:
        one.world.pause(agent)
    return one


def overflows(ladder: Ladder, caller: str = "") -> list[str]:
    return ladder.dials("5030", lambda: ladder.world.passes(70.0), "", "", caller=caller).heard


def test_out_and_back_to_the_old_place(ladder: Ladder) -> None:
    heard = overflows(ladder)
    assert heard[-2:] == ["std-outside", f"-> callhandler-outside,{NUMBER}"]
    assert [(fact.queue, fact.number) for fact in ladder.world.of(e.OutsideDialled)] == [("over", NUMBER)]
    entered = ladder.call.entered
    ladder.world.passes(30.0)
    back = ladder.comes_back("", HANGS_UP)
    assert "vm-nobodyavail" in back.heard
    assert ladder.call.queue == "over"
    assert ladder.call.entered == entered


def test_three_times_and_no_more(ladder: Ladder) -> None:
    overflows(ladder)
    for _ in range(2):
        back = ladder.comes_back("", lambda: ladder.world.passes(70.0), "", "")
        assert back.heard[-1] == f"-> callhandler-outside,{NUMBER}"
    assert ladder.call.tried_outside == 3
    back = ladder.comes_back("", lambda: ladder.world.passes(70.0), "", "", HANGS_UP)
    assert "std-outside" not in back.heard
    assert ladder.facts(e.CallSent)[-1] == "sent to queue:over: not dialled: dialled 3 times for this call"


def test_with_nobody_there_to_come_back_to_the_fallback_follows(ladder: Ladder) -> None:
    for agent in ladder.site.agents:
        ladder.world.logout(agent)
    ladder.dials("5030", "", "")
    back = ladder.comes_back()
    assert back.heard[-3:] == ["vm-nobodyavail", "nobody-here", "hung up on"]


def test_the_caps_of_calls_out_hold(ladder: Ladder) -> None:
    for number in ("111", "222"):
        assert overflows(ladder, number)[-1].startswith("-> callhandler-outside")
    assert "std-outside" not in overflows(ladder, "333")
    assert ladder.facts(e.CallSent)[-1] == "sent to queue:over: not dialled: 2 calls go out already"
    for call in list(ladder.world.board.calls.here.values()):
        ladder.world.caller_hangs_up(call)
    for number in ("444", "555"):
        overflows(ladder, number)
        ladder.world.caller_hangs_up(ladder.call)
    overflows(ladder, "666")
    assert ladder.facts(e.CallSent)[-1] == "sent to queue:over: not dialled: 4 calls went out within an hour"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+19005550123", "premium"),
        ("+4930123456", "not in a country that is called"),
        ("911", "emergency"),
        ("101", "one of our own"),
    ],
)
def test_a_number_that_costs_too_much_is_a_mistake_of_the_site_file(tmp_path: Path, number: str, said: str) -> None:
    (tmp_path / "callhandler.toml").write_text(
        example(15_000, "Acme", "UTC") + LINE.replace(NUMBER, number), encoding="utf-8"
    )
    with pytest.raises(SiteError, match=said):
        load(tmp_path)


def test_without_callbacks_nothing_says_how_to_call_out(tmp_path: Path) -> None:
    text = example(15_000, "Acme", "UTC") + LINE.replace(RULES, "")
    (tmp_path / "callhandler.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SiteError, match="nothing says how to call out"):
        load(tmp_path)


def test_what_nobody_allows_is_refused_at_the_last_moment_too(ladder: Ladder) -> None:
    ladder.dials("5000", HANGS_UP)
    with pytest.raises(Refused):
        ladder.house.call_out(ladder.call, "+19005550123")
