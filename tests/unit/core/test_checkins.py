"""What a check-in says and when it is due."""

from itertools import pairwise

import pytest

from callhandler.core.checkins import TURNS, Before, Standing, check_in, due, starts_at
from callhandler.core.estimates import QUEUE_LENGTH, Estimate
from callhandler.core.model import Promise

NOW = 1_000.0


def standing(position: int = 3, seconds: float | None = None, keys: str = "") -> Standing:
    estimate = None if seconds is None else Estimate(seconds, QUEUE_LENGTH, position - 1)
    return Standing(position, estimate, keys)


def test_a_turn_of_phrase_the_place_the_range_and_what_can_be_done() -> None:
    what = check_in(standing(3, 200.0, "120"), Before(), NOW)
    assert what.said == ("thanks-1", "place", "wait-5", "key-1", "key-2", "key-0")
    assert (what.position, what.most) == (3, 300.0)


def test_the_turn_changes_and_is_never_the_same_twice_running() -> None:
    turns = [check_in(standing(), Before(times), NOW).said[0] for times in range(12)]
    assert len(set(turns)) == len(TURNS) >= 3
    assert all(one != other for one, other in pairwise(turns))


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert check_in(standing(1), Before(), NOW).said == ("thanks-1", "next")
    assert check_in(standing(2, 5_000.0), Before(), NOW).said == ("thanks-1", "place", "wait-long")


def test_who_has_just_come_is_not_thanked_for_waiting() -> None:
    assert check_in(standing(2), Before(), NOW, first=True).said == ("place",)


def test_a_worse_place_is_never_said_without_saying_that_it_got_busier() -> None:
    assert "busier" in check_in(standing(4), Before(1, 3), NOW).said
    assert "busier" not in check_in(standing(3), Before(1, 3), NOW).said
    assert "busier" not in check_in(standing(2), Before(1, 3), NOW).said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (110.0, ("thanks-2", "place", "wait-2")),  # better than what stands: news
        (170.0, ("thanks-2", "place")),  # within what was said a minute ago: that stands
        (240.0, ("thanks-2", "place")),
        (250.0, ("thanks-2", "busier", "place", "wait-5")),  # longer than what was said: an apology first
        (2_000.0, ("thanks-2", "busier", "place", "wait-long")),
        (None, ("thanks-2", "place")),
    ],
)
def test_never_longer_than_was_said_without_saying_so(seconds: float | None, said: tuple[str, ...]) -> None:
    """Five minutes were said a minute ago: four of them are left."""
    assert check_in(standing(3, seconds), Before(1, 3, NOW + 240.0), NOW).said == said


def test_a_time_that_has_passed_is_apologised_for_even_when_nothing_better_is_known() -> None:
    assert check_in(standing(3), Before(1, 3, NOW - 1.0), NOW).said == ("thanks-2", "busier", "place")


def test_the_next_word_is_aimed_at_and_begins_earlier_when_it_would_not_end_in_time() -> None:
    promise = Promise(90.0, 60.0)
    assert starts_at(NOW, promise, 0.0) == NOW + 60.0
    assert starts_at(NOW, promise, 20.0) == NOW + 60.0
    assert starts_at(NOW, promise, 40.0) == NOW + 90.0 * 0.95 - 40.0
    assert due(NOW, promise, 20.0) == NOW + 70.0
    assert starts_at(NOW, Promise(10.0, 60.0), 30.0) == NOW
