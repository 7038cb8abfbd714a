"""When a callback that was never made has expired: not in a night or a weekend, in which nobody was allowed to make it."""

from datetime import UTC, datetime

import pytest

from callhandler.core.callback import LONGEST_OPEN
from callhandler.core.hours import Opening, Schedule, Span, opening
from callhandler.core.model import CallbackState
from tests.unit.callbacks.backs import Backs, Numbers, site
from tests.unit.core.world import agent

WEEKDAYS = Schedule("UTC", (*((Span(9 * 60, 17 * 60),),) * 5, (), ()))


class OfficeHours(Numbers):
    """Numbers that are called from Monday to Friday, nine to five."""

    def opening(self, number: str, now: float) -> Opening | None:
        return opening(WEEKDAYS, now)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def world_at(text: str, *, hours: bool = True) -> Backs:
    """A world at a time of the week, in which nobody but agent z has time, who is on break."""
    world = Backs(site(agents=(agent("a"), agent("z"))))
    world.now = at(text)
    if hours:
        world.callbacks.guard_by(OfficeHours())
    world.login("z")
    world.pause("z")
    return world


@pytest.mark.parametrize(
    ("asked", "expires"),
    [
        ("2026-03-04T10:00", "2026-03-05T10:00"),
        ("2026-03-04T18:00", "2026-03-06T17:00"),
        ("2026-03-06T16:55", "2026-03-09T17:00"),
        ("2026-03-07T12:00", "2026-03-09T17:00"),
    ],
    ids=["within hours: a day", "an evening", "friday afternoon", "saturday"],
)
def test_a_day_that_ends_outside_calling_hours_ends_with_the_next_ones(asked: str, expires: str) -> None:
    assert world_at(asked).waits_back("555").expires == pytest.approx(at(expires), abs=5.0)


class Closed(OfficeHours):
    """A house that is closed for half a year."""

    def opening(self, number: str, now: float) -> Opening | None:
        return Opening(False, "winter", at("2026-09-01T09:00"))


def test_none_is_open_for_ever_however_long_the_house_is_closed() -> None:
    world = world_at("2026-03-06T16:55")
    world.callbacks.guard_by(Closed())
    one = world.waits_back("555")
    assert one.expires == pytest.approx(one.requested + LONGEST_OPEN, abs=5.0)


def test_without_calling_hours_a_day_is_a_day() -> None:
    one = world_at("2026-03-06T16:55", hours=False).waits_back("555")
    assert one.expires == pytest.approx(at("2026-03-07T16:55"), abs=5.0)


def test_who_asked_on_friday_afternoon_is_called_on_monday() -> None:
    world = world_at("2026-03-06T16:55")
    one = world.waits_back("555")
    world.passes(600.0)
    world.login("a")
    assert one.state is CallbackState.RESTING, "it is evening where the customer is"
    assert one.due == at("2026-03-09T09:00")
    world.passes(one.due - world.now)
    assert world.leg("a").callback
