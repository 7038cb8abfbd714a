"""Whom a call goes to: each strategy, and each first reason why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.agents import Agent
from callhandler.core.explaining import Decided, replay, write_down
from callhandler.core.model import AgentPlan, Device, Serves, State, Status, Strategy
from callhandler.core.routing import best, obstacle
from callhandler.core.skills import parse
from callhandler.core.waiting import Waiting

NOW = 1_000.0


def free(agent_id: str, idle_since: float = 0.0, calls: int = 0, handled: float = 0.0, **skills: int) -> Agent:
    return Agent(
        AgentPlan(agent_id, agent_id, skills),
        status=Status.AVAILABLE,
        phone=f"p{agent_id}",
        device=Device.FREE,
        idle_since=idle_since,
        calls=calls,
        handled=handled,
    )


def waiting(**changes: object) -> Waiting:
    call = Waiting("c", "sales", 900.0, 900.0, 5, 0.0)
    for name, value in changes.items():
        setattr(call, name, value)
    return call


AGENTS = [
    free("a", 10.0, 3, 500.0, sales=9),
    free("b", 20.0, 1, 100.0, sales=5),
    free("c", 30.0, 2, 100.0, sales=9),
    free("d", 20.0, 1, 900.0, sales=1),
]


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        (Strategy.LONGEST_IDLE, "abdc"),
        (Strategy.RING_ALL, "abdc"),
        (Strategy.BEST_SKILL, "acbd"),
        (Strategy.LEAST_OCCUPIED, "bcad"),
        (Strategy.FEWEST_CALLS, "bdca"),
    ],
)
def test_each_strategy(strategy: Strategy, order: str) -> None:
    wanted = parse("sales")
    assert [agent.id for agent in best(strategy, AGENTS, wanted, NOW, 4)] == list(order)
    assert [agent.id for agent in best(strategy, AGENTS, wanted, NOW)] == [order[0]]
    assert best(strategy, [], wanted, NOW) == []


@given(st.permutations(AGENTS), st.sampled_from(Strategy), st.integers(1, 4))
def test_the_order_in_which_agents_come_does_not_matter(agents: list[Agent], strategy: Strategy, most: int) -> None:
    wanted = parse("sales")
    assert best(strategy, agents, wanted, NOW, most) == best(strategy, AGENTS, wanted, NOW, most)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"status": Status.LOGGED_OUT}, "logged out"),
        ({"plan": AgentPlan("x", "x", {"sales": 9}, (Serves("support"),))}, "does not serve sales"),
        ({"plan": AgentPlan("x", "x", {"sales": 4})}, "lacks sales >= 5"),
        ({"status": Status.ON_BREAK}, "on break"),
        ({"status": Status.ON_BREAK, "break_reason": "tea"}, "on break: tea"),
        ({"state": State.WRAPPING_UP, "wrap_until": NOW + 7}, "wrapping up, 7 s left"),
        ({"state": State.TALKING}, "talking"),
        ({"state": State.OFFERED}, "offered"),
        ({"state": State.NOT_ANSWERING}, "not answering"),
        ({"phone": None}, "has no phone"),
        ({"device": Device.UNREACHABLE}, "phone px is unreachable"),
        ({"device": Device.IN_USE}, "phone px is in use"),
        ({"rest_until": NOW + 3}, "rests for 3 s after a failed offer"),
        ({"plan": AgentPlan("x", "x", {"sales": 9}, (Serves("sales", 1, 200.0),))}, "sees sales calls after 200 s"),
    ],
)
def test_the_first_reason_why_not(changes: dict[str, object], reason: str) -> None:
    agent = free("x", sales=9)
    for name, value in changes.items():
        setattr(agent, name, value)
    assert obstacle(agent, waiting(), parse("sales >= 5"), None, NOW) == reason


def test_reasons_that_lie_in_the_call() -> None:
    agent, wanted = free("x", sales=9), parse("sales")
    assert obstacle(agent, waiting(), wanted, "y", NOW) == "kept for agent y"
    assert obstacle(agent, waiting(), wanted, "x", NOW) == ""
    refused = waiting(refused={"x": 990.0})
    assert obstacle(agent, refused, wanted, None, NOW) == "was offered this call and did not take it"


@pytest.mark.parametrize("strategy", Strategy)
def test_a_decision_made_again_is_the_same(strategy: Strategy) -> None:
    call, wanted = waiting(refused={"a": 950.0}), parse("sales >= 2")
    able = [agent for agent in AGENTS if not obstacle(agent, call, wanted, None, NOW)]
    chosen = best(strategy, able, wanted, NOW, 2)
    decided = write_down(call, wanted, strategy, 2, None, chosen, AGENTS, 9, NOW)
    again = Decided.from_json(decided.to_json())
    assert again == decided
    assert again.left_out == 5
    assert replay(again).same
    assert replay(again).verdicts["a"] == "was offered this call and did not take it"
    assert replay(again).verdicts["d"] == "lacks sales >= 2"


def test_a_decision_that_was_tampered_with_is_not_the_same() -> None:
    call, wanted = waiting(), parse("sales")
    decided = write_down(call, wanted, Strategy.LONGEST_IDLE, 1, None, [AGENTS[1]], AGENTS, 4, NOW)
    assert replay(decided).chosen == ("a",)
    assert not replay(decided).same
