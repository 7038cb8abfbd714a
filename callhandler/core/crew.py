"""The crew: who sits at which phone, who is there, who is ready, and the pools of those who fit. Decides nothing; part of the books.

Agents and pools have numbers, and sets of them are bits (bitsets.py).
"""

from collections.abc import Container
from functools import singledispatchmethod

from callhandler.core import events as e
from callhandler.core.agents import Agent, Trigger
from callhandler.core.bitsets import lowest_free, number_of
from callhandler.core.model import Device, Plan, Queue, State, Status, Strategy
from callhandler.core.orders import Order, order_of
from callhandler.core.pools import Pool, Sight
from callhandler.core.skilled import Skilled
from callhandler.core.skills import Expression

MOST_POOLS = 2_000
"""Pools kept. What calls want by themselves can differ without end: beyond this, pools in which no call waits are forgotten."""


class Crew:
    """All agents, computed from facts and from what Asterisk says of phones."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.devices: dict[str, Device] = {}
        self.people: list[Agent] = []
        """The agents by their numbers."""
        self.pools_at: dict[tuple[str, str, int], Pool] = {}
        """For the books to find pools again by what calls have; emptied when pools may be gone."""
        self._at_phone: dict[str, Agent] = {}
        self._there = 0
        self._was_there: list[bool] = []
        self._orders: list[Order] = []
        self._skilled = Skilled([])
        self._queues: dict[str, Queue] = {}
        self._sights: dict[str, dict[float, int]] = {}
        self._anywhere = 0
        self._pools: dict[tuple[str, str], Pool] = {}
        self._taken = 0
        self._most_pools = MOST_POOLS
        self._made: list[Pool] = []
        self._fits: list[tuple[int, int]] = []
        self._set_up({})

    # --- looking things up ------------------------------------------------------------------------------------------

    def agent_at(self, phone: str) -> Agent | None:
        """Return the agent logged in at a phone."""
        return self._at_phone.get(phone)

    def ready(self) -> list[Agent]:
        """Return the agents who are free for offers but for a rest, longest idle first."""
        return [self.people[number] for number in self._idle.numbers]

    def pool(self, queue: str, wanted: Expression) -> Pool:
        """Return the agents who fit `wanted` in a queue, logged in or not."""
        found = self._pools.get((queue, wanted.text))
        return self._new_pool(queue, wanted) if found is None else found

    def pools_of(self, agent: Agent) -> int:
        """Return the numbers of the pools that an agent fits. Pools that are new since the last time are looked at now, each once."""
        fits, seen = self._fits[agent.number]
        if seen < len(self._made):
            for pool in self._made[seen:]:
                if pool.members[agent.number]:
                    fits |= 1 << pool.number
            self._fits[agent.number] = fits, len(self._made)
        return fits

    def is_anybody_in(self, pool: Pool) -> bool:
        """Tell whether somebody of a pool is there (Agent.is_there)."""
        return pool.bits & self._there != 0

    def is_anybody_but(self, pool: Pool, refused: Container[str]) -> bool:
        """Tell whether somebody of a pool is there, and not on break, who is none of the `refused`."""
        return any(one.status is Status.AVAILABLE and one.id not in refused for one in pool.agents(among=self._there))

    def may_come_back(self, queue: str, wanted: Expression, now: float, grace: float) -> bool:
        """Tell whether somebody who fits is away only because a phone went out of reach less than `grace` seconds ago."""
        pool = self.pool(queue, wanted)
        return any(agent.is_away_since(now - grace) for agent in pool.agents(among=~self._there))

    # --- changing ---------------------------------------------------------------------------------------------------

    def replace(self, plan: Plan) -> None:
        """Take up another plan. Agents on a call outlive it until they are done; nobody else sits at a phone that it hasn't."""
        for one in plan.agents.values():
            if one.id in self.agents:
                self.agents[one.id].plan = one
            else:
                self.agents[one.id] = Agent(one)
        for gone in [one for one in self.agents.values() if one.id not in plan.agents and not one.is_on_a_call()]:
            gone.status = Status.LOGGED_OUT
            self.sit(gone, None)
            del self.agents[gone.id]
        for agent in self.agents.values():
            if agent.phone is not None and agent.phone not in plan.phones and not agent.is_on_a_call():
                self.sit(agent, None)
        self._set_up(plan.queues)

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
        """Keep what is known of who is ready, there and away true, after an agent changed."""
        agent.written = ""
        if agent.is_ready():
            for order in self._orders:
                order.put(agent)
        else:
            for order in self._orders:
                order.take(agent.number)
        there, before = agent.is_there(), self._was_there[agent.number]
        if there is not before:
            self._was_there[agent.number] = there
            self._there ^= 1 << agent.number

    # --- pools ------------------------------------------------------------------------------------------------------

    def _set_up(self, queues: dict[str, Queue]) -> None:
        """Begin anew to work out who fits what, and number the agents."""
        self.people = [self.agents[one] for one in sorted(self.agents)]
        for number, agent in enumerate(self.people):
            agent.number = number
        kinds = [Strategy.LONGEST_IDLE, *{order_of(one.strategy) for one in queues.values()} - {Strategy.LONGEST_IDLE}]
        self._orders = [Order(kind, self.people) for kind in kinds]
        self._idle = self._orders[0]
        self._there, self._was_there = 0, [False] * len(self.people)
        self._queues = queues
        self._skilled = Skilled([agent.plan.skills for agent in self.people])
        self._sights, self._anywhere = self._who_serves_what()
        self._pools, self._taken, self._most_pools = {}, 0, MOST_POOLS
        self._made, self._fits = [], [(0, 0)] * len(self.people)
        self.pools_at.clear()
        for agent in self.people:
            self.refresh(agent)

    def _who_serves_what(self) -> tuple[dict[str, dict[float, int]], int]:
        """Return who serves which queue, by the delay after which its calls come in sight, and who serves every queue at once."""
        anywhere: list[int] = []
        rows: dict[str, dict[float, list[int]]] = {}
        for agent in self.people:
            if not agent.plan.serves:
                anywhere.append(agent.number)
            for row in {row.queue: row for row in reversed(agent.plan.serves)}.values():
                rows.setdefault(row.queue, {}).setdefault(row.delay, []).append(agent.number)
        found = {queue: {delay: number_of(who) for delay, who in delays.items()} for queue, delays in rows.items()}
        return found, number_of(anywhere)

    def _sight_of(self, queue: str) -> Sight:
        sight = self._sights.get(queue, {})
        return {**sight, 0.0: sight.get(0.0, 0) | self._anywhere}

    def _new_pool(self, queue: str, wanted: Expression) -> Pool:
        if len(self._pools) >= self._most_pools:
            self._forget_pools()
        rules, number = self._queues[queue], lowest_free(self._taken)
        order = next(order for order in self._orders if order.strategy is order_of(rules.strategy))
        pool = Pool(rules, wanted, self._sight_of(queue), self._skilled, order, number)
        self._pools[queue, wanted.text] = pool
        self._taken |= 1 << number
        self._made.append(pool)
        return pool

    def _forget_pools(self) -> None:
        """Forget the pools in which no call waits. The others keep their numbers."""
        self._pools = {key: pool for key, pool in self._pools.items() if pool.calls}
        self._made = list(self._pools.values())
        self._taken = number_of(pool.number for pool in self._made)
        self._fits = [(0, 0)] * len(self.people)
        self._most_pools = max(MOST_POOLS, 2 * len(self._pools))
        self.pools_at.clear()

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
