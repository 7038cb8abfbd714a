"""What became of those who were kept ringing, hour by hour."""

from callhandler.core.events import CallRang
from callhandler.core.model import RingEnd
from callhandler.core.ringing import ringing_figures

HOUR = 3_600.0


def rang(call: str, began: float, seconds: float, reason: RingEnd = RingEnd.LET_IN) -> CallRang:
    return CallRang(at=began + seconds, call=call, rang=seconds, reason=reason)


def test_an_hour_in_which_some_were_let_in_and_some_gave_up() -> None:
    ends = [
        *(rang(f"in-{seconds}", 10.0, seconds) for seconds in (1.0, 2.0, 3.0, 30.0)),
        rang("full", 10.0, 45.0, RingEnd.LONGEST),
        rang("short", 10.0, 4.0, RingEnd.CALLER_LEFT),
        rang("gone", 10.0, 20.0, RingEnd.CALLER_LEFT),
        rang("back", 10.0, 60.0, RingEnd.WITHDRAWN),
        rang("lost", 10.0, 300.0, RingEnd.LOST),
    ]
    (one,) = ringing_figures(ends, {0.0: 36})
    assert (one.hour, one.calls, one.rang) == (0.0, 36, 9)
    assert (one.answered, one.longest_time, one.hung_up, one.short, one.other) == (5, 1, 2, 1, 2)
    assert (one.median_answered, one.p90_answered, one.longest_answered) == (3.0, 45.0, 45.0)
    assert (one.median_hung_up, one.longest_hung_up) == (4.0, 20.0)
    assert one.longest_call == "back", "how long the lost one rang nobody knows"
    assert one.rang == one.answered + one.hung_up + one.other


def test_who_rings_from_one_hour_into_the_next_counts_where_it_began() -> None:
    ends = [rang("a", HOUR - 10.0, 20.0), rang("b", HOUR + 1.0, 2.0)]
    assert [(one.hour, one.calls, one.longest_call) for one in ringing_figures(ends, {HOUR: 7})] == [
        (0.0, 0, "a"),
        (HOUR, 7, "b"),
    ]


def test_where_nobody_rang_there_is_nothing_to_tell() -> None:
    assert ringing_figures([], {0.0: 7}) == []


def test_of_those_only_lost_nobody_knows_how_long() -> None:
    (one,) = ringing_figures([rang("lost", 10.0, 300.0, RingEnd.LOST)], {0.0: 1})
    assert (one.other, one.longest_call, one.longest_answered, one.longest_hung_up) == (1, "", 0.0, 0.0)
