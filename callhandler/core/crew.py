"""The crew: who sits at which phone, who is there, who is ready, and who fits what. Knows no calls; part of the books.

What fits whom depends on the plan alone, so it is worked out once for each (queue, wanted) and kept until the plan is replaced.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatchmethod

from callhandler.core import events as e
from callhandler.core.agents import Agent, Trigger
from callhandler.core.model import Device, Plan, Serves, State, Status
from callhandler.core.skills import Expression


@dataclass(frozen=True, slots=True)
class Fit:
    """How an agent fits what is wanted in a queue: the row of the routing profile, and the levels' sum."""

    row: Serves
    score: int


class Crew:
    """All agents, computed from facts and from what Asterisk says of phones."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.devices: dict[str, Device] = {}
        self._at_phone: dict[str, Agent] = {}
        self._there: set[str] = set()
        self._ready: list[tuple[float, str]] = []
        self._ready_key: dict[str, tuple[float, str]] = {}
        self._pools: dict[tuple[str, str], dict[str, Fit]] = {}

    # --- looking things up ------------------------------------------------------------------------------------------

    def agent_at(self, phone: str) -> Agent | None:
        """Return the agent logged in at a phone."""
        return self._at_phone.get(phone)

    def is_ready(self, agent: str) -> bool:
        """Tell whether an agent is free for offers but for a rest."""
        return agent in self._ready_key

    def ready(self) -> Iterator[Agent]:
        """Yield the agents who are free for offers but for a rest, longest idle first. Nothing may change while this runs."""
        return (self.agents[agent] for _, agent in self._ready)

    def pool(self, queue: str, wanted: Expression) -> dict[str, Fit]:
        """Return who fits `wanted` in a queue, logged in or not, most skilled first."""
        key = (queue, wanted.text)
        found = self._pools.get(key)
        if found is None:
            rows = ((agent, agent.row_for(queue)) for agent in self.agents.values())
            fits = [
                (agent.id, Fit(row, wanted.score(agent.plan.skills)))
                for agent, row in rows
                if row is not None and wanted.matches(agent.plan.skills)
            ]
            found = self._pools[key] = dict(sorted(fits, key=lambda item: -item[1].score))
        return found

    def ready_who_fit(self, queue: str, wanted: Expression) -> Iterator[Agent]:
        """Yield the ready agents who fit, longest idle first. Nothing may change while this runs."""
        pool = self.pool(queue, wanted)
        if len(pool) * 8 < len(self._ready):
            keys: Iterator[tuple[float, str]] = iter(
                sorted(self._ready_key[agent] for agent in pool if agent in self._ready_key)
            )
        else:
            keys = (key for key in self._ready if key[1] in pool)
        return (self.agents[agent] for _, agent in keys)

    def is_anybody_there(self, queue: str, wanted: Expression) -> bool:
        """Tell whether somebody who fits is there (Agent.is_there)."""
        return not self._there.isdisjoint(self.pool(queue, wanted))

    def may_come_back(self, queue: str, wanted: Expression, now: float, grace: float) -> bool:
        """Tell whether somebody who fits is away only because a phone went out of reach less than `grace` seconds ago."""
        return any(self.agents[agent].is_away_since(now - grace) for agent in self.pool(queue, wanted))

    # --- changing ---------------------------------------------------------------------------------------------------

    def replace(self, plan: Plan) -> None:
        """Take up another plan. Agents on a call outlive it until they are done."""
        for one in plan.agents.values():
            if one.id in self.agents:
                self.agents[one.id].plan = one
            else:
                self.agents[one.id] = Agent(one)
        for gone in [one for one in self.agents.values() if one.id not in plan.agents and not one.is_on_a_call()]:
            gone.status = Status.LOGGED_OUT
            self.sit(gone, None)
            del self.agents[gone.id]
        self._pools.clear()

    def set_device(self, phone: str, device: Device, now: float) -> None:
        """Take note of a phone's state."""
        before = self.devices.get(phone, Device.UNREACHABLE)
        self.devices[phone] = device
        agent = self._at_phone.get(phone)
        if agent is not None:
            agent.device = device
            if device is Device.UNREACHABLE and before is not device:
                agent.unreachable_since = now
            self.refresh(agent)

    def sit(self, agent: Agent, phone: str | None) -> None:
        """Have an agent sit at a phone, or at none. Whoever sat there has no phone from then on."""
        if agent.phone is not None and self._at_phone.get(agent.phone) is agent:
            del self._at_phone[agent.phone]
        other = self._at_phone.get(phone) if phone is not None else None
        if other is not None:
            self.sit(other, None)
        agent.phone = phone
        agent.device = self.devices.get(phone, Device.UNREACHABLE) if phone is not None else Device.UNREACHABLE
        if phone is not None:
            self._at_phone[phone] = agent
        self.refresh(agent)

    def refresh(self, agent: Agent) -> None:
        """Keep the lists of who is ready and who is there true, after an agent changed."""
        key = (agent.idle_since, agent.id) if agent.is_ready() else None
        before = self._ready_key.get(agent.id)
        if key != before:
            if before is not None:
                del self._ready[bisect_left(self._ready, before)]
                del self._ready_key[agent.id]
            if key is not None:
                insort(self._ready, key)
                self._ready_key[agent.id] = key
        if agent.is_there():
            self._there.add(agent.id)
        else:
            self._there.discard(agent.id)

    @singledispatchmethod
    def apply(self, fact: e.Fact) -> None:
        """Change the crew as a fact about an agent says. Other facts, and those about strangers, change nothing."""

    @apply.register
    def _(self, fact: e.AgentLoggedIn) -> None:
        if agent := self.agents.get(fact.agent):
            self.sit(agent, fact.phone)
            if agent.status is Status.LOGGED_OUT:
                agent.logged_in_at, agent.handled, agent.calls = fact.at, 0.0, 0
            self._choose(agent, Status.AVAILABLE, Trigger.LOG_IN, fact.at)

    @apply.register
    def _(self, fact: e.AgentLoggedOut) -> None:
        if agent := self.agents.get(fact.agent):
            self._choose(agent, Status.LOGGED_OUT, Trigger.LOG_OUT, fact.at)
            self.sit(agent, None)

    @apply.register
    def _(self, fact: e.AgentPaused) -> None:
        if agent := self.agents.get(fact.agent):
            self._choose(agent, Status.ON_BREAK, Trigger.PAUSE, fact.at, fact.reason)

    @apply.register
    def _(self, fact: e.AgentResumed) -> None:
        if agent := self.agents.get(fact.agent):
            self._choose(agent, Status.AVAILABLE, Trigger.RESUME, fact.at)

    @apply.register
    def _(self, fact: e.AgentNotAnswering) -> None:
        if agent := self.agents.get(fact.agent):
            agent.turn(Trigger.MISSES, fact.at)
            self.refresh(agent)

    @apply.register
    def _(self, fact: e.WrapUpStarted) -> None:
        if (agent := self.agents.get(fact.agent)) and not agent.turn(Trigger.WRAP_UP, fact.at):
            agent.wrap_until = fact.until
            self.refresh(agent)

    @apply.register
    def _(self, fact: e.WrapUpEnded) -> None:
        if agent := self.agents.get(fact.agent):
            self._end_wrap_up(agent, Trigger.WRAP_UP_END, fact.at)
            self.refresh(agent)

    def _choose(self, agent: Agent, status: Status, trigger: Trigger, at: float, reason: str = "") -> None:
        self._end_wrap_up(agent, trigger, at)
        agent.status, agent.break_reason, agent.misses, agent.rest_until = status, reason, 0, 0.0
        agent.chosen_at = at
        self.refresh(agent)

    def _end_wrap_up(self, agent: Agent, trigger: Trigger, at: float) -> None:
        started, was = agent.since, agent.state
        agent.turn(trigger, at)
        if was is State.WRAPPING_UP and agent.state is not was:
            agent.handled += max(0.0, at - started)
        if agent.state is State.IDLE:
            agent.idle_since = at
