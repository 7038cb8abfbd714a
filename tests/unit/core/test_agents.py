"""One agent: the table is total, and says what it should."""

from itertools import product

import pytest

from callhandler.core.agents import TABLE, Agent, No, Trigger
from callhandler.core.model import AgentPlan, Device, Serves, State, Status


def at_work(**changes: object) -> Agent:
    agent = Agent(AgentPlan("7", "Seven"), status=Status.AVAILABLE, phone="107", device=Device.FREE)
    for name, value in changes.items():
        setattr(agent, name, value)
    return agent


def test_every_state_answers_every_trigger() -> None:
    assert set(TABLE) == set(product(State, Trigger))


def test_every_no_says_why() -> None:
    assert all(answer.reason for answer in TABLE.values() if isinstance(answer, No))


def test_only_the_idle_are_offered_calls() -> None:
    assert [state for state in State if not isinstance(TABLE[state, Trigger.OFFER], No)] == [State.IDLE]


def test_a_person_s_choice_never_ends_a_call() -> None:
    for choice in (Trigger.LOG_IN, Trigger.LOG_OUT, Trigger.PAUSE, Trigger.RESUME):
        assert TABLE[State.TALKING, choice] is State.TALKING
        assert TABLE[State.OFFERED, choice] is State.OFFERED
        assert TABLE[State.NOT_ANSWERING, choice] is State.IDLE
        assert TABLE[State.WRAPPING_UP, choice] is State.IDLE


def test_a_refused_trigger_changes_nothing() -> None:
    agent = at_work(state=State.TALKING, since=5.0)
    refusal = agent.turn(Trigger.OFFER, 9.0)
    assert refusal == No("is talking")
    assert (agent.state, agent.since) == (State.TALKING, 5.0)


def test_since_is_when_the_state_last_changed() -> None:
    agent = at_work()
    agent.turn(Trigger.OFFER, 3.0)
    agent.turn(Trigger.PAUSE, 4.0)
    assert (agent.state, agent.since) == (State.OFFERED, 3.0)


@pytest.mark.parametrize(
    ("change", "there", "ready"),
    [
        ({}, True, True),
        ({"status": Status.ON_BREAK}, True, False),
        ({"status": Status.LOGGED_OUT}, False, False),
        ({"state": State.WRAPPING_UP}, True, False),
        ({"state": State.NOT_ANSWERING}, False, False),
        ({"phone": None}, False, False),
        ({"device": Device.IN_USE}, True, False),
        ({"device": Device.RINGING}, True, False),
        ({"device": Device.UNREACHABLE}, False, False),
        ({"device": Device.UNREACHABLE, "state": State.TALKING}, True, False),
    ],
)
def test_who_is_there_and_who_is_ready(change: dict[str, object], there: bool, ready: bool) -> None:
    agent = at_work(**change)
    assert (agent.is_there(), agent.is_ready()) == (there, ready)


def test_no_rows_mean_every_queue() -> None:
    assert Agent(AgentPlan("7", "Seven")).row_for("sales") == Serves("sales")
    picky = Agent(AgentPlan("7", "Seven", serves=(Serves("sales", 2, 30.0),)))
    assert picky.row_for("sales") == Serves("sales", 2, 30.0)
    assert picky.row_for("support") is None


def test_occupancy() -> None:
    agent = at_work(handled=30.0, logged_in_at=100.0)
    assert agent.occupancy(160.0) == 0.5
    assert agent.occupancy(100.0) == 0.0
