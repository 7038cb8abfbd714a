"""The line as one would write it without a thought for speed: everybody looked at, each time. The real one must do the same."""

from collections.abc import Callable

from callhandler.core.agents import Agent
from callhandler.core.explaining import Choice, text_of
from callhandler.core.line import Line, Outcomes
from callhandler.core.model import CallbackState, Plan, Strategy
from callhandler.core.routing import obstacle
from callhandler.core.skills import Expression, both
from callhandler.core.waiting import Waiting

CUSTOMER_IS_HERE = (CallbackState.HERE, CallbackState.TALKING)
IDLE = (CallbackState.ASKED, CallbackState.WAITING, CallbackState.RESTING)


def wanted_by(line: Line, call: Waiting) -> Expression:
    """Return what a call wants at its step, worked out anew."""
    step = line.plan.queues[call.queue].steps[call.step]
    return step.wants if step.drop_call_wants else both(step.wants, call.wants)


def rings_for(line: Line, call: Waiting) -> int:
    """Return how many phones ring for a call."""
    return sum(agent.call == call.id and agent.state == "offered" for agent in line.books.agents.values())


def places(line: Line, call: Waiting) -> int:
    """Return how many more phones may ring for a call: for a callback one, once its time has come and where calls may go out."""
    queue, callback = line.plan.queues[call.queue], line.books.callbacks.open.get(call.id)
    several = queue.ring_best if queue.strategy is Strategy.RING_ALL else 1
    if callback is not None and callback.state not in CUSTOMER_IS_HERE:
        rules = line.plan.callbacks
        out = sum(one.state not in IDLE for one in line.books.callbacks.open.values())
        waits = callback.state is CallbackState.WAITING and rules is not None and out < rules.at_once
        several = 1 if waits else 0
    return several - rings_for(line, call)


def able(line: Line, agent: Agent, call: Waiting, now: float) -> bool:
    """Tell whether an agent could be offered a call."""
    wanted = wanted_by(line, call)
    return not obstacle(agent, call, wanted, line.books.kept_for(call, line.books.pool(call), now), now)


def best_agents(line: Line, call: Waiting, now: float) -> list[str]:
    """Return whom a call is to be offered to."""
    queue, wanted = line.plan.queues[call.queue], wanted_by(line, call)

    def rank(agent: Agent) -> tuple[float, float, str]:
        level = sum(agent.plan.skills.get(skill, 0) for skill in wanted.skills())
        first = {
            Strategy.LONGEST_IDLE: 0.0,
            Strategy.RING_ALL: 0.0,
            Strategy.BEST_SKILL: -level,
            Strategy.LEAST_OCCUPIED: round(agent.occupancy(now), 2),
            Strategy.FEWEST_CALLS: agent.calls,
        }[queue.strategy]
        return (first, agent.idle_since, agent.id)

    found = sorted((agent for agent in line.books.agents.values() if able(line, agent, call, now)), key=rank)
    return [agent.id for agent in found[: max(0, places(line, call))]]


def overtaken(line: Line, agent: Agent, call: Waiting, now: float) -> list[str]:
    """Return the calls that should have been offered to an agent before this one."""

    def order(one: Waiting) -> tuple[int, int, float, str]:
        row = agent.row_for(one.queue)
        return (row.priority if row else 0, one.priority, one.entered - one.bonus, one.id)

    return [
        other.id
        for other in line.books.calls.values()
        if places(line, other) > 0 and able(line, agent, other, now) and order(other) < order(call)
    ]


class CheckedLine(Line):
    """The real line, compared with the naive one at each offer.

    `more_is_due` tells whether something else is due at this very instant: what is due together is done in no particular order. After a
    gap or another site file many agents meet many calls at once, and what is first for one may be best for another: there, too, only
    the choice of agents is compared.
    """

    more_is_due: Callable[[], bool]
    meeting = False

    def resume(self, now: float) -> Outcomes:
        self.meeting = True
        try:
            return super().resume(now)
        finally:
            self.meeting = False

    def replace(self, plan: Plan, now: float) -> Outcomes:
        self.meeting = True
        try:
            return super().replace(plan, now)
        finally:
            self.meeting = False

    def _offer(self, choice: Choice, now: float) -> None:
        assert all(agent.written in ("", text_of(agent)) for agent in self.books.agents.values())
        assert choice.pool.wanted == wanted_by(self, choice.call)
        assert [agent.id for agent in choice.agents] == best_agents(self, choice.call, now)
        for agent in choice.agents if not (self.meeting or self.more_is_due()) else ():
            before = overtaken(self, agent, choice.call, now)
            assert not before, f"{choice.call.id} goes to {agent.id} before {before}"
        super()._offer(choice, now)
