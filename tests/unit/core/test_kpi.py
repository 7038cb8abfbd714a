"""The figures of check-ins, with the published vectors."""

import pytest

from callhandler.core import events as e
from callhandler.core.kpi import check_in_figures, percentile, proof, stays
from callhandler.core.model import Outcome, Where

AT_MOST = 90.0


def entered(call: str, at: float = 0.0) -> e.CallEntered:
    return e.CallEntered(at=at, call=call, queue="q", entered=at, priority=5, bonus=0.0, wants="")


def word(call: str, at: float, started: float | None = None, said: str = "thanks-1", cut_by: str = "") -> e.CheckedIn:
    began = at - 5 if started is None else started
    return e.CheckedIn(at=at, call=call, where=Where.IN_LINE, due=began, started=began, said=said, cut_by=cut_by)


def answered(call: str, at: float) -> e.CallConnected:
    return e.CallConnected(at=at, call=call, leg=f"{call}-o1", agent="a", queue="q", waited=at)


def breach(call: str, at: float, since: float) -> e.CheckInBreached:
    return e.CheckInBreached(
        at=at, call=call, where=Where.IN_LINE, since=since, silent=at - since, reason="the daemon was away"
    )


WELL = [entered("well"), word("well", 58), word("well", 121), word("well", 180), answered("well", 200)]
BADLY = [entered("badly"), word("badly", 58), breach("badly", 148, 58), word("badly", 180), answered("badly", 200)]


def test_the_vector_of_gaps() -> None:
    """A wait of 200 s with words that end at 58, 121 and 180: silences 58, 63, 59, 20. Without the second: 122, which is a breach."""
    (well,) = stays(WELL)
    assert well.silences(300.0) == [58.0, 63.0, 59.0, 20.0]
    assert (well.until, well.ended_by) == (200.0, "answered")
    (badly,) = stays(BADLY)
    assert badly.silences(300.0) == [58.0, 122.0, 20.0]
    assert proof("well", [well], AT_MOST, 300.0).kept
    broken = proof("badly", [badly], AT_MOST, 300.0)
    assert (broken.kept, broken.explained, broken.stays[0].longest) == (False, True, 122.0)


def test_compliance_counts_those_who_waited_longer_than_promised() -> None:
    short = [entered("short", 10.0), answered("short", 40.0)]
    (figures,) = check_in_figures(stays([*WELL, *BADLY, *short]), AT_MOST, 300.0)
    assert (figures.stays, figures.long, figures.kept, figures.compliance) == (3, 2, 1, 0.5)
    assert (figures.longest_silence, figures.longest_call) == (122.0, "badly")
    assert (figures.median_wait, figures.p90_wait, figures.p99_wait) == (200.0, 200.0, 200.0)
    assert figures.median_silence == 58.0
    assert figures.p95_silence == 122.0
    assert figures.breaches == (("the daemon was away", 1),)


def test_what_an_answer_cut_belongs_to_the_wait_that_it_ended() -> None:
    (stay,) = stays([entered("x"), answered("x", 64.0), word("x", 64.001, 61.0, cut_by="answer")])
    assert len(stay.words) == 1
    assert stay.silences(100.0) == [pytest.approx(64.001), 0.0]


def test_there_is_no_silence_in_a_conversation_that_the_caller_began() -> None:
    (stay,) = stays([entered("x"), word("x", 250.0, 40.0, "menu message:q"), answered("x", 300.0)])
    assert stay.silences(300.0) == [40.0, 50.0]


def test_a_move_goes_on_with_the_wait_and_a_new_line_begins_another() -> None:
    moved = e.CallMoved(at=30.0, call="x", queue="r", from_queue="q", by="caller")
    (stay,) = stays([entered("x"), moved, answered("x", 50.0)])
    assert (stay.queue, stay.since, stay.until) == ("r", 0.0, 50.0)
    left = e.CallLeftLine(at=30.0, call="x", queue="q", outcome=Outcome.TIMEOUT, waited=30.0, reason="waited 30 s")
    first, second = stays([entered("x"), left, entered("x", 33.0)])
    assert (first.until, first.ended_by, second.since, second.until) == (30.0, "waited 30 s", 33.0, None)
    assert second.silences(53.0) == [20.0]


def test_a_hold_is_a_stay_of_its_own() -> None:
    held = e.CallHeld(at=210.0, call="well", leg="well-o1", agent="a")
    spoken = e.CheckedIn(at=275.0, call="well", where=Where.ON_HOLD, due=270.0, started=270.0, said="held")
    taken_back = e.CallResumed(at=290.0, call="well", leg="well-o1", agent="a")
    found = check_in_figures(stays([*WELL, held, spoken, taken_back]), AT_MOST, 300.0)
    assert [one.where for one in found] == [Where.IN_LINE, Where.ON_HOLD]
    assert found[1].longest_silence == 65.0


def test_percentiles_by_nearest_rank() -> None:
    assert percentile([], 0.5) == 0.0
    assert percentile([1.0], 0.95) == 1.0
    assert percentile([float(value) for value in range(1, 101)], 0.95) == 95.0


def test_who_is_called_back_and_waits_for_an_agent_waits_in_line() -> None:
    asked = [entered("x"), e.CallEnded(at=30.0, call="x", outcome=Outcome.CALLBACK, reason="asked for")]
    said_yes = e.CallbackAccepted(
        at=600.0, call="x", leg="x-d1", channel="PJSIP/x", number="+555", caller_name="", queue="q", entered=0.0,
        wants="", language="en", offers_made=0,
    )  # fmt: skip
    gone = e.CallbackAttemptEnded(at=700.0, call="x", leg="x-d1", attempt=1, reason="hung up")
    first, second = stays([*asked, said_yes, word("x", 665.0), gone])
    assert (first.since, first.until, first.ended_by) == (0.0, 30.0, "asked for")
    assert (second.where, second.since, second.until, second.ended_by) == (Where.IN_LINE, 600.0, 700.0, "hung up")
    assert second.silences(800.0) == [65.0, 35.0]
