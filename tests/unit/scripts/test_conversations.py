"""What callers meet, told as ladders: what they do, what they hear, where they end up."""

from pathlib import Path

import pytest

from callhandler.core import events as e
from callhandler.core.hours import Opening
from callhandler.core.model import Outcome
from callhandler.scripts.house import Customer
from tests.unit.scripts.ladder import HANGS_UP, Ladder

LOOKUP = '\n[lookup]\ncsv = "customers.csv"\n'


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    (tmp_path / "customers.csv").write_text("number\n")
    return Ladder(tmp_path, LOOKUP)


def test_straight_to_sales(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "", "1", "", HANGS_UP)
    assert caller.heard == ["answered", "welcome", "main-menu", "please-wait", "music default", "gone"]
    assert ladder.facts(e.KeyPressed, e.CallEntered) == ["1 in main -> queue:sales", "enters sales wanting "]
    assert ladder.world.pbx.offered[-1].phone == "101"


def test_a_key_that_cuts_the_greeting_short_is_the_menus(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "2", HANGS_UP)
    assert caller.heard[:3] == ["answered", "welcome", "please-wait"]
    assert ladder.facts(e.KeyPressed) == ["2 in main -> queue:support"]


def test_a_wrong_key_in_the_greeting_is_told_in_the_menu_which_can_be_cut_too(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "7", "2", HANGS_UP)
    assert caller.heard[:5] == ["answered", "welcome", "pm-invalid-option", "main-menu", "please-wait"]
    assert ladder.facts(e.KeyPressed) == ["7 in main -> ", "2 in main -> queue:support"]


def test_a_key_in_the_greeting_of_a_number_without_a_menu_only_cuts_it(ladder: Ladder) -> None:
    ladder.site.numbers["5000"] = ladder.site.numbers["5000"].model_copy(update={"enters": "queue:support"})
    caller = ladder.dials("5000", "2", HANGS_UP)
    assert caller.heard[:3] == ["answered", "welcome", "please-wait"]


def test_a_key_after_the_prompt(ladder: Ladder) -> None:
    ladder.dials("5000", "", "", "3", HANGS_UP)
    assert ladder.facts(e.KeyPressed, e.MenuSilent) == ["3 in main -> queue:billing"]


def test_wrong_key_then_right(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "", "7", "1", HANGS_UP)
    assert caller.heard[2:5] == ["main-menu", "pm-invalid-option", "main-menu"]
    assert ladder.facts(e.KeyPressed) == ["7 in main -> ", "1 in main -> queue:sales"]


def test_silence_then_a_key(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "", "", "", "1", HANGS_UP)
    assert caller.heard[2:5] == ["main-menu", "please-try-again", "main-menu"]
    assert ladder.facts(e.MenuSilent) == ["silent in main"]


def test_a_confused_caller_reaches_a_person_and_is_not_hung_up_on(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "", "7", "", "", "*", HANGS_UP)
    assert "hung up on" not in caller.heard
    assert ladder.facts(e.CallSent)[-1] == "sent to operator: no usable key in menu main"
    assert ladder.facts(e.CallEntered) == ["enters operator wanting "]


def test_zero_reaches_a_person_from_every_menu(ladder: Ladder) -> None:
    for number in ("5000", "5001"):
        ladder.dials(number, "", "0", HANGS_UP)
        assert ladder.facts(e.CallEntered) == ["enters operator wanting "]


def test_the_menu_again(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "", "9", "1", HANGS_UP)
    assert caller.heard.count("main-menu") == 2
    assert caller.heard.count("welcome") == 1


def test_hanging_up_in_the_menu(ladder: Ladder) -> None:
    caller = ladder.dials("5000", "", HANGS_UP)
    assert caller.heard[-1] == "gone"
    ladder.world.caller_hangs_up(ladder.call)
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.LEFT_IN_MENU


def test_the_language_becomes_a_skill_wanted(ladder: Ladder) -> None:
    caller = ladder.dials("5001", "", "2", "1", HANGS_UP)
    assert caller.language == "es"
    assert ladder.facts(e.CallEntered) == ["enters sales wanting spanish"]


def test_the_last_language_chosen_counts(ladder: Ladder) -> None:
    ladder.house.customer = Customer(language="de")
    caller = ladder.dials("5001", "", "2", "1", HANGS_UP, caller="100")
    assert caller.heard[1] == "speaks de"
    assert ladder.facts(e.CallEntered) == ["enters sales wanting spanish"]


def test_who_is_known_gets_their_own_agent(ladder: Ladder) -> None:
    ladder.house.customer = Customer(name="Ms Jones", tier="gold", agent="7004")
    ladder.dials("5000", "", "1", HANGS_UP, caller="100")
    assert ladder.world.pbx.offered[-1].phone == "101"  # 7004 knows nothing of sales in the first step
    ladder.dials("5000", "", "3", HANGS_UP, caller="101")
    assert ladder.world.pbx.offered[-1].phone == "104"
    assert ladder.call.caller_name == "Ms Jones"
    assert ladder.call.attributes["tier"] == "gold"


@pytest.mark.parametrize("error", [TimeoutError(), OSError("no such file"), ValueError("a customer's data")])
def test_a_lookup_that_fails_stops_nobody(ladder: Ladder, error: Exception) -> None:
    ladder.house.customer = error
    caller = ladder.dials("5000", "", "1", HANGS_UP, caller="100")
    assert "main-menu" in caller.heard
    assert ladder.facts(e.LookupFailed) == [str(error) or "TimeoutError"]


def test_closed(ladder: Ladder) -> None:
    ladder.house.open = Opening(False, "Christmas Day", None)
    caller = ladder.dials("5002")
    assert caller.heard == ["answered", "closed", "hung up on"]
    assert ladder.facts(e.CallClosed) == ["Christmas Day"]
    ladder.world.caller_hangs_up(ladder.call)
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.CLOSED


def test_open_hours(ladder: Ladder) -> None:
    assert "main-menu" in ladder.dials("5002", "", "1").heard


def test_nobody_is_there_and_the_caller_is_told(ladder: Ladder) -> None:
    for agent in ladder.site.agents:
        ladder.world.logout(agent)
    caller = ladder.dials("5000", "", "1", "", "")
    assert caller.told[-4:] == ["std-nobody", "std-key-2", "nobody-here", "hung up on"]
    assert ladder.world.of(e.AlarmRaised)[-1].kind == "unroutable"


def test_everybody_leaves_while_a_caller_waits(ladder: Ladder) -> None:
    def all_leave() -> None:
        for leg in list(ladder.world.pbx.ringing.values()):
            ladder.world.fails(leg)
        for agent in ladder.site.agents:
            ladder.world.logout(agent)
        for leg in list(ladder.world.pbx.ringing.values()):
            ladder.world.fails(leg)

    caller = ladder.dials("5000", "", "1", "", all_leave, "", "")
    assert caller.cuts == 1
    assert caller.told[-4:] == ["std-nobody", "std-key-2", "nobody-here", "hung up on"]


def test_an_agent_by_extension(ladder: Ladder) -> None:
    ladder.house.free["7003"] = "103"
    caller = ladder.dials("7003", source="phone:101")
    assert caller.heard == ["-> callhandler-phone,103"]


def test_an_agent_who_cannot_be_rung(ladder: Ladder) -> None:
    caller = ladder.dials("7003", HANGS_UP, source="phone:101")
    assert caller.heard[:3] == ["answered", "7003", "vm-isunavail"]
    assert ladder.facts(e.CallEntered) == ["enters operator wanting "]


def test_nobody_answers_at_an_extension(ladder: Ladder) -> None:
    assert ladder.dials("102", source="phone:101").heard == ["-> callhandler-phone,102"]
    back = ladder.comes_back(HANGS_UP)
    assert "vm-nobodyavail" in back.heard
    assert ladder.facts(e.CallSent)[-1] == "sent to operator: nobody answered at phone 102"
    assert ladder.call.queue == "operator"


def test_coming_back_into_line_keeps_the_place_and_greets_nobody_twice(ladder: Ladder) -> None:
    ladder.dials("5000", "", "1", HANGS_UP)
    entered = ladder.call.entered
    ladder.world.passes(5.0)
    back = ladder.comes_back("", HANGS_UP)
    assert back.heard == ["answered", "speaks en", "music default", "gone"]
    assert ladder.call.entered == entered


def test_coming_back_into_the_menu(ladder: Ladder) -> None:
    ladder.dials("5000", "", HANGS_UP)
    assert ladder.comes_back("1", HANGS_UP).heard[:3] == ["answered", "speaks en", "main-menu"]


def test_coming_back_into_a_menu_that_the_site_file_lost(ladder: Ladder) -> None:
    ladder.dials("5000", "", HANGS_UP)
    del ladder.site.menus["main"]
    ladder.comes_back("", HANGS_UP)
    assert ladder.facts(e.CallSent)[-1] == "sent to operator: menu main is gone from the site file"
    assert ladder.call.queue == "operator"


def test_coming_back_after_the_line_let_go_unheard(ladder: Ladder) -> None:
    ladder.dials("5000", "", "1", HANGS_UP)
    for agent in ladder.site.agents:
        ladder.world.logout(agent)
    for leg in list(ladder.world.pbx.ringing.values()):
        ladder.world.fails(leg)
    assert ladder.call.queue is None
    back = ladder.comes_back("", "")
    assert back.told[-4:] == ["std-nobody", "std-key-2", "nobody-here", "hung up on"]


def test_transferred_to_another_number_after_a_talk(ladder: Ladder) -> None:
    ladder.dials("5000", "", "1", HANGS_UP)
    ladder.world.answers(ladder.world.pbx.offered[-1])
    ladder.world.agent_hangs_up(ladder.call)
    back = ladder.comes_back("3", HANGS_UP, number="5000")
    assert "main-menu" in back.heard
    assert ladder.facts(e.CallSent)[-2] == "sent to menu:main: transferred to 5000"
    assert ladder.call.queue == "billing"


def test_a_number_that_is_not_here(ladder: Ladder) -> None:
    ladder.dials("4711", HANGS_UP)
    assert ladder.facts(e.CallEntered) == ["enters operator wanting "]


def test_going_round_in_circles_ends_with_a_word(tmp_path: Path) -> None:
    circle = Ladder(
        tmp_path,
        '\n[queues.loop]\nname = "Loop"\nfallback = "queue:loop"\nsteps = [{ wants = "none" }]\n'
        '[numbers.5009]\nenters = "queue:loop"\n',
    )
    heard = circle.dials("5009", *[""] * 80).heard
    assert heard[-3:] == ["sorry-youre-having-problems", "vm-goodbye", "hung up on"]


@pytest.mark.parametrize("closed", ["say:closed", None])
def test_in_an_emergency_new_callers_are_told_and_then_go_where_the_closed_number_leads(
    ladder: Ladder, closed: str | None
) -> None:
    ladder.site.numbers["5000"] = ladder.site.numbers["5000"].model_copy(update={"closed": closed})
    ladder.house.emergency = "fire"
    heard = ladder.dials("5000").heard
    said = [word for word in heard if word != "silence"]
    assert said == ["answered", "std-emergency", *(["closed"] if closed else []), "hung up on"]
    assert ladder.facts(e.CallClosed) == ["emergency: fire"]
