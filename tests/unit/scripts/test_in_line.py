"""In line, told as ladders: where one stands, what the keys do, and that every menu leads back to the same place."""

from pathlib import Path

import pytest

from callhandler.core import events as e
from callhandler.core.model import Outcome
from tests.unit.scripts.ladder import HANGS_UP, FakeCaller, Ladder


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    """Everybody is on break: callers wait, and no phone rings."""
    made = Ladder(tmp_path)
    for agent in sorted(made.site.agents):
        made.world.pause(agent)
    return made


TO_SALES = ("", "1")
HELLO = ["answered", "welcome", "main-menu", "please-wait"]
FIRST = ["std-next", "std-key-2", "std-key-0"]


def heard(caller: FakeCaller) -> list[str]:
    """Return what was heard, without the ends of music that never began."""
    return [word for word in caller.heard if word != "silence"]


def test_who_enters_while_nobody_is_free_hears_the_place_and_what_can_be_done(ladder: Ladder) -> None:
    caller = ladder.dials("5000", *TO_SALES, "", "", HANGS_UP)
    assert heard(caller) == [*HELLO, *FIRST, "music default", "gone"]


def test_the_second_hears_a_number(ladder: Ladder) -> None:
    ladder.dials("5000", *TO_SALES, "", "", HANGS_UP)
    caller = ladder.dials("5000", *TO_SALES, "", "", HANGS_UP)
    assert heard(caller)[4:8] == ["std-place", "2", "std-key-2", "std-key-0"]


def test_a_word_when_it_is_time_and_never_the_same_twice_running(ladder: Ladder) -> None:
    def a_minute() -> None:
        ladder.world.passes(60.0)

    caller = ladder.dials("5000", *TO_SALES, "", "", a_minute, "", a_minute, "", HANGS_UP)
    said = heard(caller)[len([*HELLO, *FIRST, "music default"]) :]
    assert said == ["std-thanks-1", *FIRST, "std-thanks-2", *FIRST, "gone"]
    ladder.world.caller_hangs_up(ladder.call)
    words = ladder.world.of(e.CheckedIn)
    assert [word.said.split()[0] for word in words] == ["greeting", "next", "thanks-1", "thanks-2"]
    assert [word.position for word in words] == [None, 1, 1, 1]
    assert not ladder.world.of(e.CheckInBreached)


def test_zero_waits_for_the_operator_at_the_same_place_from_the_greeting_on(ladder: Ladder) -> None:
    caller = ladder.dials("5000", *TO_SALES, "0", "", HANGS_UP)
    assert heard(caller) == [*HELLO, "std-kept", "music default", "gone"]
    entered, moved = ladder.world.of(e.CallEntered)[-1], ladder.world.of(e.CallMoved)[-1]
    waiting = ladder.world.board.line.books.calls[ladder.call.id]
    assert (moved.queue, moved.from_queue, moved.by) == ("operator", "sales", "caller")
    assert (waiting.queue, waiting.entered) == ("operator", entered.entered)
    assert ladder.facts(e.KeyPressed)[-1] == "0 in line -> queue:operator"


def test_zero_with_no_operator_there_changes_nothing(ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder.house.attending, "move", lambda call, queue: Outcome.NOBODY)
    caller = ladder.dials("5000", *TO_SALES, "", "0", "", HANGS_UP)
    assert heard(caller)[-4:] == ["vm-nobodyavail", "std-kept", "music default", "gone"]
    assert ladder.world.board.line.books.calls[ladder.call.id].queue == "sales"


def test_a_key_is_live_also_while_the_caller_hears_that_the_place_is_kept(ladder: Ladder) -> None:
    caller = ladder.dials("5000", *TO_SALES, "", "2", "*", "0", "", HANGS_UP)
    assert heard(caller).count("std-kept") == 2
    assert ladder.facts(e.KeyPressed)[-2:] == ["2 in line -> message:sales", "0 in line -> queue:operator"]


def test_a_message_that_is_not_left_leads_back(ladder: Ladder) -> None:
    caller = ladder.dials("5000", *TO_SALES, "", "2", "*", "", HANGS_UP)
    assert "std-message" in heard(caller)
    assert heard(caller)[-1] == "gone"
    assert "std-kept" in heard(caller)
    assert ladder.world.board.line.books.calls[ladder.call.id].queue == "sales"
    menu = ladder.world.of(e.CheckedIn)[-1]
    assert menu.said == "menu message:sales"


def test_keys_that_mean_nothing_cut_nothing(ladder: Ladder) -> None:
    caller = ladder.dials("5000", *TO_SALES, "", "7", HANGS_UP)
    assert ladder.facts(e.KeyPressed) == ["1 in main -> queue:sales"]
    assert heard(caller)[-1] == "gone"


def test_a_callback_can_be_asked_for_only_where_the_site_calls_back(ladder: Ladder) -> None:
    caller = ladder.dials("5000", *TO_SALES, "", "1", HANGS_UP)
    assert "std-key-1" not in heard(caller)
    assert ladder.facts(e.KeyPressed) == ["1 in main -> queue:sales"]


def test_a_word_that_an_answer_cut_is_told_by_the_answer(ladder: Ladder) -> None:
    def answered() -> None:
        ladder.world.resume("7001")
        ladder.world.answers(ladder.world.pbx.offered[-1])

    ladder.dials("5000", *TO_SALES, "", answered, HANGS_UP)
    word = ladder.world.of(e.CheckedIn)[-1]
    assert (word.said, word.cut_by) == ("next key-2 key-0", "answer")
    assert ladder.world.story(ladder.call)[-2:] == ["CallConnected", "CheckedIn"]


def test_a_word_that_a_hang_up_cut_is_told_by_the_hang_up(ladder: Ladder) -> None:
    ladder.dials("5000", *TO_SALES, "", HANGS_UP)
    assert [word.said for word in ladder.world.of(e.CheckedIn)] == ["greeting"], "not settled by the session's end"
    ladder.world.caller_hangs_up(ladder.call)
    word = ladder.world.of(e.CheckedIn)[-1]
    assert (word.said, word.cut_by) == ("next key-2 key-0", "hang-up")
