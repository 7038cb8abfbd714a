"""The crew: who sits at which phone, who is there, who is ready, and the pools of those who fit. Decides nothing; part of the books."""

from functools import singledispatchmethod
from itertools import count

from callhandler.core import events as e
from callhandler.core.agents import Agent, Trigger
from callhandler.core.model import Device, Plan, Queue, Serves, State, Status, Strategy
from callhandler.core.pools import Fit, Order, Pool, bits, order_of
from callhandler.core.skilled import Skilled
from callhandler.core.skills import Expression

MOST_POOLS = 2_000
"""Pools kept. What calls want by themselves can differ without end: beyond this, pools in which no call waits are forgotten."""


class Crew:
    """All agents, computed from facts and from what Asterisk says of phones."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.devices: dict[str, Device] = {}
        self._at_phone: dict[str, Agent] = {}
        self._there: set[str] = set()
        self._there_bits = 0
        self._orders: dict[Strategy, Order] = {}
        self._skilled = Skilled({})
        self._queues: dict[str, Queue] = {}
        self._pools: dict[tuple[str, str], Pool] = {}
        self._by_number: dict[int, Pool] = {}
        self._fits: dict[str, int] = {}
        self._set_up({})

    # --- looking things up ------------------------------------------------------------------------------------------

    def agent_at(self, phone: str) -> Agent | None:
        """Return the agent logged in at a phone."""
        return self._at_phone.get(phone)

    def is_ready(self, agent: str) -> bool:
        """Tell whether an agent is free for offers but for a rest."""
        return agent in self._idle.standing

    def ready(self) -> list[Agent]:
        """Return the agents who are free for offers but for a rest, longest idle first."""
        return [self.agents[agent] for agent in self._idle.ids]

    def pool(self, queue: str, wanted: Expression) -> Pool:
        """Return the agents who fit `wanted` in a queue, logged in or not."""
        found = self._pools.get((queue, wanted.text))
        return self._new_pool(queue, wanted) if found is None else found

    def pools_of(self, agent: str, among: int) -> list[Pool]:
        """Return the pools that an agent fits, `among` those of some numbers."""
        return [self._by_number[number] for number in bits(self._fits[agent] & among)]

    def is_anybody_there(self, queue: str, wanted: Expression) -> bool:
        """Tell whether somebody who fits is there (Agent.is_there)."""
        return self.is_anybody_in(self.pool(queue, wanted))

    def is_anybody_in(self, pool: Pool) -> bool:
        """Tell whether somebody of a pool is there."""
        return pool.bits & self._there_bits != 0

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
        """Keep what is known of who is ready and who is there true, after an agent changed."""
        agent.written = ""
        ready = agent.is_ready()
        for order in self._orders.values():
            if ready:
                order.put(agent)
            else:
                order.take(agent.id)
        if agent.is_there() is not (agent.id in self._there):
            self._there ^= {agent.id}
            self._there_bits ^= 1 << self._idle.numbers[agent.id]

    # --- pools ------------------------------------------------------------------------------------------------------

    def _set_up(self, queues: dict[str, Queue]) -> None:
        """Begin anew to work out who fits what, and number the agents."""
        names = list(self.agents)
        kinds = {order_of(queue.strategy) for queue in queues.values()} | {Strategy.LONGEST_IDLE}
        self._orders = {kind: Order(kind, names) for kind in kinds}
        self._idle = self._orders[Strategy.LONGEST_IDLE]
        self._there, self._there_bits = set(), 0
        self._queues = queues
        self._skilled = Skilled({one.id: one.plan.skills for one in self.agents.values()})
        self._pools, self._by_number, self._fits = {}, {}, dict.fromkeys(names, 0)
        for agent in self.agents.values():
            self.refresh(agent)

    def _new_pool(self, queue: str, wanted: Expression) -> Pool:
        if len(self._pools) >= MOST_POOLS:
            self._forget_pools()
        rules, anywhere = self._queues[queue], Serves(queue)
        scores = self._skilled.scores(wanted) if rules.strategy is Strategy.BEST_SKILL else {}
        fits: dict[str, Fit] = {}
        for one in sorted(self._skilled.who(wanted.node)):
            agent = self.agents[one]
            row = agent.row_for(queue) if agent.plan.serves else anywhere
            if row is not None:
                fits[one] = Fit(row, scores.get(one, 0))
        number = next(number for number in count() if number not in self._by_number)
        pool = Pool(rules, wanted, fits, self._orders[order_of(rules.strategy)], number)
        self._pools[queue, wanted.text] = self._by_number[number] = pool
        for one in fits:
            self._fits[one] |= 1 << number
        return pool

    def _forget_pools(self) -> None:
        """Forget the pools in which no call waits. The others keep their numbers."""
        self._pools = {key: pool for key, pool in self._pools.items() if pool.calls}
        self._by_number = {pool.number: pool for pool in self._pools.values()}
        kept = sum(1 << number for number in self._by_number)
        self._fits = {one: pools & kept for one, pools in self._fits.items()}

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
