"""Why a wait ends, told as ladders: who is told what, what is offered, and where each outcome leads."""

from pathlib import Path

import pytest

from callhandler.core import events as e
from callhandler.core.closing import Closing
from callhandler.core.hours import Opening
from callhandler.core.inbox import InboxKeeper
from callhandler.core.model import Outcome
from callhandler.numbers import SiteNumbers
from callhandler.scripts.treatment import treatment
from tests.unit.scripts.ladder import HANGS_UP, Ladder

LINE = """
[queues.line]
name = "Line"
fallback = "say:nobody-here"
on_nobody = "say:closed"
on_timeout = "message:line"
on_full = "queue:other"
max_wait = 60
max_length = 1
steps = [{ wants = "english" }]

[queues.other]
name = "Other"
fallback = "queue:line"
on_closing = "say:closed"

[numbers.5009]
enters = "queue:line"

[numbers.5010]
enters = "queue:other"
"""


@pytest.fixture
def ladder(tmp_path: Path) -> Ladder:
    return Ladder(tmp_path, LINE)


def all_leave(ladder: Ladder) -> None:
    for _ in range(2):
        for leg in list(ladder.world.pbx.ringing.values()):
            ladder.world.fails(leg)
        for agent in ladder.site.agents:
            ladder.world.logout(agent)


def test_where_each_outcome_leads(ladder: Ladder) -> None:
    leads = {outcome: treatment(ladder.site, "line", outcome) for outcome in Outcome}
    assert leads[Outcome.NOBODY] == "say:closed"
    assert leads[Outcome.TIMEOUT] == "message:line"
    assert leads[Outcome.FULL] == "queue:other"
    assert leads[Outcome.CLOSED] == "say:nobody-here"
    assert treatment(ladder.site, "gone", Outcome.NOBODY) == "operator"


def test_closing_leads_past_other_lines_and_never_round(ladder: Ladder, tmp_path: Path) -> None:
    assert treatment(ladder.site, "other", Outcome.CLOSED) == "say:closed"
    (tmp_path / "round").mkdir()
    circle = LINE.replace("say:nobody-here", "queue:other").replace('on_closing = "say:closed"\n', "")
    round_ = Ladder(tmp_path / "round", circle)
    assert treatment(round_.site, "line", Outcome.CLOSED) == "hangup"


def test_everyone_left_and_a_message_instead(ladder: Ladder) -> None:
    caller = ladder.dials("5009", lambda: all_leave(ladder), "2", "", "6 s", "1")
    told = caller.told.index("std-nobody")
    assert caller.told[told : told + 3] == ["std-nobody", "std-key-2", "std-message"]
    assert caller.told[-2:] == ["std-message-kept", "hung up on"]
    assert [fact.queue for fact in ladder.world.of(e.MessageLeft)] == ["line"]
    ladder.world.caller_hangs_up(ladder.call)
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.MESSAGE


def test_going_back_from_the_message_leads_on_to_the_treatment(ladder: Ladder) -> None:
    caller = ladder.dials("5009", lambda: all_leave(ladder), "2", "*")
    assert caller.told[-2:] == ["closed", "hung up on"]
    assert ladder.facts(e.CallSent)[-1] == "sent to say:closed: nobody in queue line"


def test_a_full_line_says_so_and_leads_to_the_next(ladder: Ladder) -> None:
    ladder.dials("5009", HANGS_UP)
    caller = ladder.dials("5009", "", "", HANGS_UP)
    assert caller.told[1:3] == ["std-full", "std-key-2"]
    assert ladder.call.queue == "other"


def test_the_longest_wait_leads_to_a_message_without_offering_it_twice(ladder: Ladder) -> None:
    pauses(ladder)
    caller = ladder.dials("5009", lambda: ladder.world.passes(100.0), "", "6 s", "1")
    told = caller.told.index("std-timeout")
    assert caller.told[told : told + 2] == ["std-timeout", "std-message"]


class Hours:
    """A number that closes at a time."""

    def __init__(self, closes: float) -> None:
        self.closes = closes

    def __call__(self, number: str, now: float) -> Opening | None:
        if number != "5009":
            return None
        return Opening(now < self.closes, "after hours", self.closes if now < self.closes else None)


def pauses(ladder: Ladder) -> None:
    for agent in ladder.site.agents:
        ladder.world.pause(agent)


def closing(ladder: Ladder, after: float) -> None:
    board = ladder.world.board
    board.followed_by(Closing(board.calls, board.line.books, Hours(ladder.world.now + after)), InboxKeeper())


def test_closing_time_while_somebody_waits(ladder: Ladder) -> None:
    closing(ladder, 50.0)
    pauses(ladder)
    caller = ladder.dials("5009", lambda: ladder.world.passes(60.0), "", "")
    told = caller.told.index("std-closing")
    assert caller.told[told : told + 4] == ["std-closing", "std-key-2", "nobody-here", "hung up on"]
    (left,) = ladder.world.of(e.CallLeftLine)
    assert (left.outcome, left.reason, left.waited) == (Outcome.CLOSED, "closed: after hours", 50.0)
    ladder.world.caller_hangs_up(ladder.call)
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.CLOSED


def test_a_call_that_rings_at_closing_time_is_waited_for(ladder: Ladder) -> None:
    closing(ladder, 5.0)
    ladder.dials("5009", HANGS_UP)
    ladder.world.passes(8.0)
    assert ladder.call.queue == "line"
    ladder.world.answers(ladder.world.pbx.offered[-1])
    ladder.world.passes(30.0)
    assert ladder.world.of(e.CallLeftLine) == []
    assert ladder.call.answered


def test_an_emergency_closes_for_those_who_wait_too(ladder: Ladder) -> None:
    closing(ladder, 1e6)
    pauses(ladder)

    def emergency() -> None:
        ladder.house.emergency = "fire"
        ladder.world.board.record(e.EmergencyClosed(at=ladder.world.now, reason="fire", by="eva"))
        ladder.world.passes(1.0)

    caller = ladder.dials("5010", emergency, "", "")
    told = caller.told.index("std-emergency")
    assert caller.told[told : told + 4] == ["std-emergency", "std-key-2", "closed", "hung up on"]
    assert [fact.reason for fact in ladder.world.of(e.CallLeftLine)] == ["closed: emergency: fire"]


def test_whoever_comes_out_of_a_menu_after_closing_is_told_too(ladder: Ladder) -> None:
    closing(ladder, -1.0)
    pauses(ladder)
    ladder.dials("5009", lambda: ladder.world.passes(1.0), "", "")
    assert [fact.outcome for fact in ladder.world.of(e.CallLeftLine)] == [Outcome.CLOSED]


def test_a_callback_instead_keeps_the_place_of_whoever_was_sent_out_of_the_line(tmp_path: Path) -> None:
    ladder = Ladder(tmp_path, '\n[callbacks]\ntrunk = "pstn"\n' + LINE)
    ladder.world.board.callbacks.guard_by(SiteNumbers(ladder.site))
    pauses(ladder)
    ladder.dials("5009", lambda: ladder.world.passes(100.0), "1", *["1"] * 4, caller="+12025550123")
    (promised,) = ladder.world.of(e.CallbackRequested)
    assert (promised.queue, promised.entered) == ("line", ladder.call.entered)
    ladder.world.caller_hangs_up(ladder.call)
    assert ladder.world.of(e.CallEnded)[-1].outcome is Outcome.CALLBACK
