"""Estimates: the published vectors, the ranges, and that nothing is said that doesn't come true."""

import pytest

from callhandler.core import events as e
from callhandler.core.estimates import (
    HEAD_OF_LINE,
    QUEUE_LENGTH,
    Staff,
    by_head_of_line,
    by_queue_length,
    giving_up,
    handling,
    rounded_up,
    still_busy,
)
from callhandler.core.estimating import KNOWN, Estimating
from callhandler.core.experience import MEMORY, MOST, NEVER, TRUSTED, Handled, History
from callhandler.core.model import Queue
from callhandler.core.scoring import estimate_figures
from tests.unit.core.world import START, World, agent, plan


def test_the_vector_of_the_formula() -> None:
    """Four ahead, nobody free, four agents' worth of share, 20 calls of 240 s in the last hour, nobody gives up but for 6 %: 258.5 s."""
    took = handling(20, 20 * 240.0)
    assert took == pytest.approx(220.0)
    wait = by_queue_length(4, Staff(4.0, 0, 4, 0.0), took, 0.06)
    assert wait == pytest.approx(258.5)
    assert rounded_up(wait or 0.0) == 300.0


def test_nobody_there_is_no_estimate_and_enough_free_is_none_to_wait() -> None:
    assert by_queue_length(0, Staff(0.0, 0, 0, 0.0), 200.0, 0.0) is None
    assert by_queue_length(2, Staff(3.0, 3, 0, 0.0), 200.0, 0.0) == 0.0


def test_never_sooner_than_the_busy_can_be_done() -> None:
    staff = Staff(100.0, 0, 2, 2 * 90.0)
    assert by_queue_length(0, staff, 200.0, 0.0) == pytest.approx(90.0 / 3)


@pytest.mark.parametrize(
    ("seconds", "most"),
    [(0, 60), (60, 60), (60.1, 120), (121, 300), (258.5, 300), (599, 600), (601, 900), (1_800, 1_800), (1_801, None)],
)
def test_ranges_are_rounded_up(seconds: float, most: float | None) -> None:
    assert rounded_up(seconds) == most


def test_what_is_known_is_drawn_towards_the_usual() -> None:
    assert handling(0, 0.0) == 180.0
    assert giving_up(0, 0) == 0.0
    assert giving_up(5, 90) == 0.05
    assert still_busy(200.0, 50.0) == 150.0
    assert still_busy(200.0, 500.0) == 50.0
    assert by_head_of_line(100.0, 30.0) == 70.0
    assert by_head_of_line(100.0, 130.0) == 0.0


class Centre:
    """One agent, calls that take `talk` seconds, and somebody who always waits behind."""

    def __init__(self) -> None:
        self.world = World(plan((Queue("q", "Queue", wrap_up=0.0),), (agent("a"),)), attach=False)
        self.estimating = Estimating(self.world.board.line.books)
        self.world.board.followed_by(self.estimating)
        self.world.attach()
        self.world.login("a")

    def serve(self, talk: float, count: int) -> None:
        """Have `count` callers wait, each behind one who talks for `talk` seconds, and then be answered."""
        for _ in range(count):
            self.serve_next(talk)

    def serve_next(self, talk: float) -> None:
        """Have one caller wait until the one before has talked."""
        if not self.world.of(e.CallConnected):
            self.current = self.world.enter("q")
            self.world.answers(self.world.leg("a"))
        following = self.world.enter("q")
        self.world.passes(talk)
        self.world.agent_hangs_up(self.current)
        self.world.caller_hangs_up(self.current)
        self.world.answers(self.world.leg("a"))
        self.current = following


def test_the_head_of_the_line_at_first_then_the_lines_length() -> None:
    centre = Centre()
    centre.serve(100.0, KNOWN - 1)
    centre.world.enter("q")
    assert {fact.method for fact in centre.world.of(e.EstimateMade)} == {HEAD_OF_LINE}
    assert centre.world.of(e.EstimateMade)[-1].seconds == pytest.approx(99.0, abs=1.0)
    centre.world.passes(50.0)
    centre.world.agent_hangs_up(centre.current)
    centre.world.enter("q")
    made = centre.world.of(e.EstimateMade)[-1]
    assert made.method == QUEUE_LENGTH
    assert made.ahead == 0  # the one before rings already
    assert made.most is None


def test_who_is_offered_at_once_gets_no_estimate() -> None:
    centre = Centre()
    centre.world.enter("q")
    assert centre.world.of(e.EstimateMade) == []


def made(call: str, at: float, seconds: float, most: float | None = None) -> e.EstimateMade:
    return e.EstimateMade(at=at, call=call, queue="q", method=QUEUE_LENGTH, seconds=seconds, ahead=1, most=most)


def answered(call: str, at: float) -> e.CallConnected:
    return e.CallConnected(at=at, call=call, leg=f"{call}-o1", agent="a", queue="q", waited=1.0)


def stretch_after(*callers: tuple[float, float]) -> float | None:
    """Return how estimates are stretched after callers who were (expected to wait, in fact waited)."""
    estimating = Centre().estimating
    for index, (expected, waited) in enumerate(callers):
        estimating.apply(made(f"call-{index}", START, expected))
        estimating.apply(answered(f"call-{index}", START + waited))
    return estimating._history("q").stretch()


def test_silent_until_known_of_enough_callers_and_silent_again_when_it_does_not_come_true() -> None:
    well, badly, hopelessly = (50.0, 40.0), (50.0, 100.0), (50.0, 4_000.0)
    assert stretch_after(*[well] * (TRUSTED - 1)) is None
    assert stretch_after(*[well] * TRUSTED) == 1.0
    assert stretch_after(*[well] * 20, *[badly] * 3) == 1.0, "three of 23 were told wrong"
    assert stretch_after(*[well] * 20, *[badly] * 4) == 1.25, "four of 24 are too many: what is said is stretched"
    assert stretch_after(*[well] * 20, *[hopelessly] * 4) is None, "no stretch would have done"
    assert stretch_after(*[hopelessly] * 20, *[well] * 50) == 1.0, "what is long past counts no more"


def test_what_is_said_is_the_estimate_stretched() -> None:
    centre = Centre()
    centre.serve(100.0, TRUSTED)
    waiting = centre.world.enter("q").id
    estimate, said = (
        find(waiting, centre.world.now) for find in (centre.estimating.estimate, centre.estimating.trusted)
    )
    assert estimate == said is not None
    centre.estimating._history("q").needed = dict.fromkeys(map(str, range(TRUSTED)), 2.0)
    stretched = centre.estimating.trusted(waiting, centre.world.now)
    assert stretched is not None
    assert stretched.seconds == 2 * said.seconds


def test_who_gives_up_after_what_was_said_proves_it_wrong_and_who_does_before_proves_nothing() -> None:
    centre = Centre()
    centre.serve(100.0, TRUSTED + 2)
    history = centre.estimating._history("q")
    known = dict(history.needed)
    impatient = centre.world.enter("q")
    centre.world.passes(1.0)
    centre.world.caller_hangs_up(impatient)
    assert history.needed == known
    patient = centre.world.enter("q")
    centre.world.passes(2_000.0)
    centre.world.caller_hangs_up(patient)
    assert history.needed[patient.id] == NEVER


def test_all_is_computed_from_facts_and_a_fact_taken_twice_counts_once() -> None:
    centre = Centre()
    centre.serve(100.0, TRUSTED + 5)
    again = Estimating(centre.world.board.line.books)
    for fact in [*centre.world.facts, *centre.world.facts[-30:]]:
        again.apply(fact)
    here, there = centre.estimating._history("q"), again._history("q")
    assert (list(there.handled.values()), there.last_wait) == (list(here.handled.values()), here.last_wait)
    assert there.needed == here.needed
    assert there.stretch() == here.stretch() is not None


def test_a_busy_queue_remembers_so_many_calls_and_no_more_also_where_nobody_asks_for_an_estimate() -> None:
    history = History()
    for n in range(MOST + 50):
        history.took(f"leg{n}", Handled(START + n / 100, 60.0))
        history.over(f"call{n}", START + n / 100, abandoned=n % 2 == 0)
    assert len(history.handled) == len(history.ended) == MOST
    assert "leg49" not in history.handled and f"leg{MOST + 49}" in history.handled
    history.took("later", Handled(START + MEMORY + 60.0, 60.0))
    assert list(history.handled) == ["later"]


def test_error_bias_and_what_came_true_by_the_hour() -> None:
    hour = START // 3_600 * 3_600
    facts: list[e.Fact] = [
        made("one", hour, 100.0, 120.0),
        made("two", hour + 10, 50.0),
        answered("one", hour + 80),  # 20 s sooner than expected
        answered("two", hour + 90),  # 30 s later, and later than the range
        made("three", hour + 100, 40.0, 60.0),
        made("four", hour + 100, 40.0),
        e.CallAbandoned(at=hour + 200, call="three", queue="q", waited=100.0, reason=""),  # after what was said
        e.CallAbandoned(at=hour + 110, call="four", queue="q", waited=10.0, reason=""),  # before: nothing is known
        made("five", hour + 3_700, 10.0),
    ]
    (figures,) = estimate_figures(facts)
    assert (figures.hour, figures.queue, figures.made, figures.answered) == (hour, "q", 3, 2)
    assert figures.error == pytest.approx(25.0)
    assert figures.bias == pytest.approx(-5.0)
    assert figures.right == pytest.approx(1 / 3)
    assert (figures.said, figures.said_right) == (2, 0.5)
