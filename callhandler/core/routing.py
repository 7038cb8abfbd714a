"""Which agent for a call, which call for an agent, and the first reason why not. Total, deterministic, no state of its own.

Among agents each strategy is one sort key. Among calls the order is: the row of the agent's routing profile (priority), then the call's
own key (waiting.py).
"""

from collections.abc import Iterable
from typing import Protocol

from callhandler.core.agents import Agent
from callhandler.core.model import Device, Serves, State, Status, Strategy
from callhandler.core.skills import Expression
from callhandler.core.waiting import Waiting

PERCENT = 0.01
"""How finely occupancy is told apart: those within the same percent go by who has been idle for longest."""


class Rankable(Protocol):
    """What ranking needs of an agent, live or from a journal's snapshot."""

    @property
    def id(self) -> str:
        """The agent's id: the last tie-breaker."""

    @property
    def idle_since(self) -> float:
        """Since when the agent has had nothing to do."""

    @property
    def calls(self) -> int:
        """Calls handled."""


def rank(strategy: Strategy, agent: Rankable, score: int, occupancy: float) -> tuple[float, float, str]:
    """Return an agent's place under a strategy: smaller is offered first; ties go to the longest idle, then to the id."""
    match strategy:
        case Strategy.LONGEST_IDLE | Strategy.RING_ALL:
            first = 0.0
        case Strategy.BEST_SKILL:
            first = -float(score)
        case Strategy.LEAST_OCCUPIED:
            first = round(occupancy, 2)
        case Strategy.FEWEST_CALLS:
            first = float(agent.calls)
    return (first, agent.idle_since, agent.id)


def why_unfit(agent: Agent, row: Serves | None, wanted: Expression, queue: str) -> str:
    """Return the first lasting reason why an agent never gets such a call, "" when there is none."""
    if agent.status is Status.LOGGED_OUT:
        return "logged out"
    if row is None:
        return f"does not serve {queue}"
    if not wanted.matches(agent.plan.skills):
        return f"lacks {wanted}"
    return ""


def why_away(agent: Agent, now: float) -> str:
    """Return the first passing reason why an agent can't be offered anything now, "" when there is none."""
    if agent.status is Status.ON_BREAK:
        return f"on break: {agent.break_reason}" if agent.break_reason else "on break"
    if agent.state is State.WRAPPING_UP:
        return f"wrapping up, {max(0.0, agent.wrap_until - now):.0f} s left"
    if agent.state is not State.IDLE:
        return str(agent.state)
    if agent.phone is None:
        return "has no phone"
    if agent.device is not Device.FREE:
        return f"phone {agent.phone} is {agent.device}"
    if agent.rest_until > now:
        return f"rests for {agent.rest_until - now:.0f} s after a failed offer"
    return ""


def why_not_this_call(agent: Agent, row: Serves, call: Waiting, kept_for: str | None, now: float) -> str:
    """Return the first reason that lies in this call and this agent, "" when there is none."""
    if kept_for is not None and kept_for != agent.id:
        return f"kept for agent {kept_for}"
    if call.joined + row.delay > now:
        return f"sees {call.queue} calls after {row.delay:.0f} s"
    if agent.id in call.refused:
        return "was offered this call and did not take it"
    return ""


def obstacle(agent: Agent, call: Waiting, wanted: Expression, kept_for: str | None, now: float) -> str:
    """Return the first reason why an agent can't be offered a call now, "" when the agent can."""
    row = agent.row_for(call.queue)
    unfit = why_unfit(agent, row, wanted, call.queue)
    if unfit or row is None:
        return unfit
    return why_away(agent, now) or why_not_this_call(agent, row, call, kept_for, now)


def best(strategy: Strategy, agents: Iterable[Agent], wanted: Expression, now: float, most: int = 1) -> list[Agent]:
    """Return up to `most` of `agents`, all of them free to take the call, best first."""

    def key(agent: Agent) -> tuple[float, float, str]:
        score = wanted.score(agent.plan.skills) if strategy is Strategy.BEST_SKILL else 0
        occupancy = agent.occupancy(now) if strategy is Strategy.LEAST_OCCUPIED else 0.0
        return rank(strategy, agent, score, occupancy)

    if most == 1:
        chosen = min(agents, key=key, default=None)
        return [] if chosen is None else [chosen]
    return sorted(agents, key=key)[:most]
