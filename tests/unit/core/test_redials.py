"""Calling again: the old place once, for a while, and nobody who came before is overtaken."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callhandler import switchboard
from callhandler.core import events as e
from callhandler.core import redials
from callhandler.core.calls import Call
from callhandler.core.model import Outcome, Queue
from callhandler.core.redials import is_shown
from callhandler.store.abandoned import abandoned
from callhandler.store.journal import Journal
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", max_length=3), Queue("r", "Rest")], [agent("a")])


def world() -> World:
    one = World(SITE)
    one.login("a")
    one.pause("a")
    return one


def waits(one: World, number: str, queue: str = "q") -> Call:
    call = one.call(number)
    one.admitted(call, queue)
    return call


def test_the_old_place_is_taken_up() -> None:
    one = world()
    first = waits(one, "555")
    one.passes(20.0)
    second = waits(one, "777")
    one.passes(20.0)
    one.caller_hangs_up(first)
    one.passes(100.0)
    again = waits(one, "555")
    assert again.entered == first.entered
    assert [call.id for call in sorted(one.board.line.books.calls.values(), key=lambda call: call.key)] == [
        again.id,
        second.id,
    ]


def test_not_for_long_not_twice_not_elsewhere() -> None:
    one = world()
    first = waits(one, "555")
    one.passes(20.0)
    one.caller_hangs_up(first)
    assert waits(one, "555", "r").entered == one.now, "another line"
    first = waits(one, "777")
    one.passes(20.0)
    one.caller_hangs_up(first)
    again, other = waits(one, "777"), waits(one, "777")
    assert (again.entered, other.entered) == (first.entered, one.now), "two behind one number"
    one.caller_hangs_up(again)
    one.passes(301.0)
    assert waits(one, "777").entered == one.now


def test_who_called_in_time_and_is_told_so_has_the_place_though_its_time_is_over_meanwhile() -> None:
    one = world()
    first, other = waits(one, "555"), waits(one, "777")
    one.caller_hangs_up(first)
    one.passes(299.0)
    again = one.call("555")
    assert one.board.redials.find(again) is not None, "told that the place is kept"
    one.passes(4.0)
    one.caller_hangs_up(other)  # whose place comes to be kept, and what is over is forgotten
    one.admitted(again, "q")
    assert again.entered == first.entered
    one.caller_hangs_up(again)
    one.passes(300.0)
    late = one.call("555")
    assert one.board.redials.find(late) is None


def test_a_site_that_keeps_no_places_keeps_none() -> None:
    one = World(replace(SITE, redial=0.0))
    one.login("a")
    one.pause("a")
    first = waits(one, "555")
    at_once = one.call("555")
    one.passes(9.0)
    one.caller_hangs_up(first)
    one.admitted(at_once, "q")
    assert at_once.entered == one.now


def test_what_can_be_taken_up_no_more_is_forgotten() -> None:
    one = world()
    for number in ("1111", "2222", "3333"):
        one.caller_hangs_up(waits(one, number))
        one.passes(200.0)
    assert list(one.board.redials._left) == ["2222", "3333"]


def test_no_more_places_and_last_agents_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redials, "MOST_KEPT", 2)
    monkeypatch.setattr(switchboard, "REDIAL_MEMORY", 2)
    one = World(plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a")]))
    one.login("a")
    for number in ("1111", "2222", "3333"):
        talking = waits(one, number)
        one.answers(one.leg("a"))
        one.caller_hangs_up(waits(one, number.replace("1", "4")))
        one.agent_hangs_up(talking)
    assert list(one.board.last_talks) == ["2222", "3333"]
    assert len(one.board.redials._left) <= 2


def test_who_had_a_place_has_one_though_the_line_is_full() -> None:
    one = world()
    calls = [waits(one, number) for number in ("1111", "2222", "3333")]
    one.caller_hangs_up(calls[0])
    waits(one, "4444")
    assert one.admitted(one.call("5555"), "q") is Outcome.FULL
    assert one.admitted(one.call("1111"), "q") is None


@pytest.mark.parametrize("number", ["", "anonymous", "Restricted", "12", "+", "٣٣٣٣"])
def test_a_withheld_number_is_nobody(number: str) -> None:
    assert not is_shown(number)
    one = world()
    one.passes(5.0)
    first = waits(one, number)
    one.passes(20.0)
    one.caller_hangs_up(first)
    assert waits(one, number).entered == one.now


async def test_it_outlives_the_daemon(tmp_path: Path) -> None:
    one = world()
    first = waits(one, "555")
    one.board.record(e.AttributeSet(at=one.now, call=first.id, name="reason", value="sales"))
    other = waits(one, "777")
    one.passes(20.0)
    one.caller_hangs_up(first)
    one.caller_hangs_up(other)
    async with Journal("sqlite:///var/journal.db", "pbx1", tmp_path) as journal:
        for fact in one.facts:
            journal.append(fact)
        facts = await journal.ask(abandoned, one.now - 300.0)
    again = World(SITE)
    again.now = one.now
    again.board.redials.restore(facts, {"777": one.now + 1.0})
    call = again.call("555")
    left = again.board.redials.find(call)
    assert left is not None
    assert (left.entered, left.queue, left.answers) == (first.entered, "q", {"reason": "sales"})
    assert again.board.redials.find(again.call("777")) is None, "has talked with an agent since"


Doing = st.lists(st.tuples(st.sampled_from(["calls", "hangs up", "waits"]), st.integers(0, 4)), max_size=60)


@settings(max_examples=200, deadline=None)
@given(Doing)
def test_whoever_calls_again_overtakes_nobody_who_was_there_before(doing: list[tuple[str, int]]) -> None:
    """The order is that of the times at which each number first joined the line, without ever having left it for long."""
    one = World(plan([Queue("q", "Sales")], [agent("a")]))
    one.login("a")
    one.pause("a")
    here: dict[int, Call] = {}
    joined: dict[int, float] = {}
    left: dict[int, float] = {}
    for what, who in doing:
        one.passes(7.0)
        if what == "calls" and who not in here:
            if who not in left or one.now - left[who] > 300.0:
                joined[who] = one.now
            here[who] = waits(one, f"55{who}")
        elif what == "hangs up" and who in here:
            one.caller_hangs_up(here.pop(who))
            left[who] = one.now
        elif what == "waits":
            one.passes(who * 60.0)
        order = [call.id for call in sorted(one.board.line.books.calls.values(), key=lambda call: call.key)]
        assert order == [here[number].id for number in sorted(here, key=lambda number: joined[number])]
