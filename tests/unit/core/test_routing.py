"""Whom a call goes to: each strategy, and each first reason why not."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.agents import Agent
from callhandler.core.explaining import Choice, Decided, replay, write_down
from callhandler.core.model import AgentPlan, Device, Queue, Serves, State, Status, Strategy
from callhandler.core.orders import Order
from callhandler.core.pools import Pool
from callhandler.core.routing import best, obstacle
from callhandler.core.skilled import Skilled
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


def choice_of(call: Waiting, strategy: Strategy, most: int, agents: list[Agent], wants: str) -> Choice:
    """Return a choice among AGENTS, who are all in the pool that fit."""
    skilled, order = Skilled([agent.plan.skills for agent in AGENTS]), Order(Strategy.LONGEST_IDLE, AGENTS)
    queue, everybody = Queue("sales", "Sales", strategy=strategy), {0.0: (1 << len(AGENTS)) - 1}
    return Choice(call, Pool(queue, parse(wants), everybody, skilled, order, 0), most, None, agents, [])


@pytest.mark.parametrize("strategy", Strategy)
def test_a_decision_made_again_is_the_same(strategy: Strategy) -> None:
    call, wanted = waiting(refused={"a": 950.0}), parse("sales >= 2")
    able = [agent for agent in AGENTS if not obstacle(agent, call, wanted, None, NOW)]
    chosen = best(strategy, able, wanted, NOW, 2)
    again = Decided.from_json(write_down(choice_of(call, strategy, 2, chosen, "sales >= 2"), AGENTS, 9, NOW))
    assert (again.at, again.call, again.key, again.left_out) == (NOW, "c", call.key, 5)
    assert replay(again).same
    assert replay(again).verdicts["a"] == "was offered this call and did not take it"
    assert replay(again).verdicts["d"] == "lacks sales >= 2"


def test_a_decision_that_was_tampered_with_is_not_the_same() -> None:
    text = write_down(choice_of(waiting(), Strategy.LONGEST_IDLE, 1, [AGENTS[1]], "sales"), AGENTS, 4, NOW)
    decided = Decided.from_json(text)
    assert replay(decided).chosen == ("a",)
    assert not replay(decided).same


@given(st.text(), st.text(), st.floats(0.0, 1e10), st.sampled_from(State), st.none() | st.text())
def test_what_is_written_of_an_agent_is_read_back(
    name: str, reason: str, at: float, state: State, phone: str | None
) -> None:
    agent = free("a", at, 7, at, sales=3, other=4)
    agent.plan = replace(agent.plan, name=name)
    agent.break_reason, agent.state, agent.phone, agent.rest_until, agent.wrap_until = reason, state, phone, at, at
    text = write_down(choice_of(waiting(), Strategy.BEST_SKILL, 1, [], "sales"), [agent], 1, NOW)
    [one] = Decided.from_json(text).candidates
    for field in fields(one):
        if field.name not in ("id", "name", "levels", "row"):
            assert getattr(one, field.name) == getattr(agent, field.name)
    assert (one.id, one.name, one.levels, one.row) == ("a", name, {"sales": 3}, (1, 0.0))
