"""The line's books: agents, calls in line, phones. `apply` is the only way a fact changes them, live and after a restart alike.

Nothing is decided here; line.py decides. Facts about agents or calls that aren't known (any more) change nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatchmethod
from heapq import merge

from callhandler.core import events as e
from callhandler.core.agents import Agent, Trigger
from callhandler.core.model import Device, OfferEnd, Plan, Queue, State, Status, Strategy
from callhandler.core.routing import why_unfit
from callhandler.core.skills import Expression, both, parse
from callhandler.core.waiting import Buckets, OrderKey, Waiting

_BLAMELESS = (OfferEnd.CALLER_LEFT, OfferEnd.TAKEN)


class Books:
    """What is so, computed from facts."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.agents: dict[str, Agent] = {}
        self.calls: dict[str, Waiting] = {}
        self.buckets = Buckets()
        self.devices: dict[str, Device] = {}
        self.legs: dict[str, Agent] = {}
        self.delays: dict[str, tuple[float, ...]] = {}
        self._at_phone: dict[str, Agent] = {}
        self._there: dict[tuple[str, str], bool] = {}
        self._fits: dict[tuple[str, str], bool] = {}
        self._steps: dict[tuple[str, str, int], Expression] = {}
        self._ready: dict[str, Agent] = {}
        self._offers: dict[str, dict[str, str]] = {}
        self.replace(plan)

    # --- looking things up ------------------------------------------------------------------------------------------

    def agent_at(self, phone: str) -> Agent | None:
        """Return the agent logged in at a phone."""
        return self._at_phone.get(phone)

    def ready(self) -> Iterator[Agent]:
        """Yield the agents who are free for offers but for a rest."""
        return iter(self._ready.values())

    def waiting_in(self, queue: str) -> int:
        """Return how many calls are in line for a queue."""
        return sum(call.queue == queue for call in self.calls.values())

    def position(self, call: Waiting) -> int:
        """Return a call's place in its queue, 1 for the next."""
        return 1 + sum(other.queue == call.queue and other.key < call.key for other in self.calls.values())

    def offers_of(self, call: str) -> list[str]:
        """Return the legs ringing for a call."""
        return list(self._offers.get(call, ()))

    def places_for_offers(self, call: Waiting) -> int:
        """Return how many more agents may be offered a call now."""
        queue = self.plan.queues[call.queue]
        most = queue.ring_best if queue.strategy is Strategy.RING_ALL else 1
        return most - len(self._offers.get(call.id, ())) if call.id in self.calls else 0

    def calls_for(self, agent: Agent) -> Iterator[tuple[Waiting, Expression]]:
        """Yield the calls an agent qualifies for, in the order in which the agent is to take them."""
        rows = agent.plan.serves or None
        queues = [(row.priority, row.queue) for row in rows] if rows else [(1, queue) for queue in self.plan.queues]
        sources = [
            self._ranked(priority, wanted, bucket)
            for priority, queue in queues
            for wanted, bucket in self.buckets.of_queue(queue)
            if self._agent_fits(agent, wanted)
        ]
        found = sources[0] if len(sources) == 1 else merge(*sources, key=lambda entry: (entry[0], entry[1]))
        return ((call, wanted) for _, _, call, wanted in found)

    def step_with_somebody(self, queue: str, wants: Expression, first: int, wrap: bool = True) -> int | None:
        """Return the first step from `first` on (then, with `wrap`, those before) for which somebody is there; None when none."""
        steps = range(len(self.plan.queues[queue].steps))
        order = [*steps[first:], *(steps[:first] if wrap else ())]
        return next((step for step in order if self._somebody(queue, self._step_wants(queue, wants, step))), None)

    def kept_for(self, call: Waiting, wanted: Expression, now: float) -> str | None:
        """Return the agent a call is kept for: the preferred one, while there, fit, at work and not yet offered it in vain."""
        agent = self.agents.get(call.preferred_agent or "")
        if agent is None or now >= call.preferred_until or agent.id in call.refused:
            return None
        if agent.status is not Status.AVAILABLE or not agent.is_there():
            return None
        return None if why_unfit(agent, agent.row_for(call.queue), wanted, call.queue) else agent.id

    def forget_refusals(self, call: Waiting, wanted: Expression, now: float) -> bool:
        """Forget who was offered a call in vain once all others were too, or long enough ago. Tell whether anybody was forgotten."""
        if not call.refused:
            return False
        old = [agent for agent, at in call.refused.items() if now >= at + self.plan.rules.forget_refusal]
        for agent in old:
            del call.refused[agent]
        if any(self._could_be_tried(agent, call, wanted) for agent in self.agents.values()):
            return bool(old)
        call.refused.clear()
        return True

    # --- changing ---------------------------------------------------------------------------------------------------

    def replace(self, plan: Plan) -> None:
        """Take up another plan. Queues with callers and agents on a call outlive it until they are done."""
        held = {
            call.queue: self.plan.queues[call.queue] for call in self.calls.values() if call.queue not in plan.queues
        }
        self.plan = replace(plan, queues=plan.queues | held)
        for one in plan.agents.values():
            if one.id in self.agents:
                self.agents[one.id].plan = one
            else:
                self.agents[one.id] = Agent(one)
        for gone in [
            agent for agent in self.agents.values() if agent.id not in plan.agents and agent.state is State.IDLE
        ]:
            del self.agents[gone.id]
            self._ready.pop(gone.id, None)
        rows = [row for agent in plan.agents.values() for row in agent.serves if row.delay > 0]
        self.delays = {queue: tuple(sorted({row.delay for row in rows if row.queue == queue})) for queue in plan.queues}
        self._steps.clear()
        self._fits.clear()
        self._presence_changed()
        for call in self.calls.values():
            call.step = min(call.step, len(self.plan.queues[call.queue].steps) - 1)
            self._place(call)

    def set_device(self, phone: str, device: Device) -> None:
        """Take note of a phone's state."""
        before = self.devices.get(phone)
        self.devices[phone] = device
        agent = self._at_phone.get(phone)
        if agent is not None:
            agent.device = device
            self._refresh(agent)
            if Device.UNREACHABLE in (before, device):
                self._presence_changed()

    @singledispatchmethod
    def apply(self, fact: e.Fact) -> None:
        """Change the books as a fact says. Facts that don't concern the line change nothing."""

    @apply.register
    def _(self, fact: e.CallEntered) -> None:
        self._forget(fact.call)
        self.calls[fact.call] = call = Waiting(
            id=fact.call,
            queue=fact.queue,
            entered=fact.entered,
            joined=fact.at,
            priority=fact.priority,
            bonus=fact.bonus,
            wants=parse(fact.wants),
            step_since=fact.at,
            preferred_agent=fact.preferred_agent,
            preferred_until=fact.at + fact.preferred_wait,
            offers_made=fact.offers_made,
        )
        if fact.queue in self.plan.queues:
            self._place(call)
        else:  # the site file lost this queue while the daemon was away
            del self.calls[fact.call]

    @apply.register
    def _(self, fact: e.StepAdvanced) -> None:
        if call := self.calls.get(fact.call):
            call.step, call.step_since = min(fact.step, len(self.plan.queues[call.queue].steps) - 1), fact.at
            self._place(call)

    @apply.register
    def _(self, fact: e.CallMoved) -> None:
        if (call := self.calls.get(fact.call)) and fact.queue in self.plan.queues:
            call.queue, call.joined, call.step, call.step_since = fact.queue, fact.at, 0, fact.at
            call.refused.clear()
            self._place(call)

    @apply.register
    def _(self, fact: e.CallPrioritised) -> None:
        if call := self.calls.get(fact.call):
            call.priority, call.bonus = fact.priority, fact.bonus
            self._place(call)

    @apply.register
    def _(self, fact: e.AgentOffered) -> None:
        call, agent = self.calls.get(fact.call), self.agents.get(fact.agent)
        if call is not None:
            call.offers_made += 1
        if agent is None or agent.turn(Trigger.OFFER, fact.at):
            return
        agent.call, agent.leg, agent.queue = fact.call, fact.leg, fact.queue
        self.legs[fact.leg] = agent
        self._offers.setdefault(fact.call, {})[fact.leg] = agent.id
        self._refresh(agent)
        if call is not None:
            self._place(call)

    @apply.register
    def _(self, fact: e.OfferEnded) -> None:
        self._end_offer(fact.call, fact.leg)
        call, agent = self.calls.get(fact.call), self.agents.get(fact.agent)
        if call is not None:
            if fact.reason not in _BLAMELESS:
                call.refused[fact.agent] = fact.at
            self._place(call)
        if agent is None or agent.leg != fact.leg:
            return
        agent.turn(Trigger.OFFER_END, fact.at)
        agent.call = agent.leg = agent.queue = None
        if fact.reason not in _BLAMELESS:
            agent.idle_since = fact.at
            agent.rest_until = fact.at + self._rest(fact.reason)
            agent.misses += fact.reason is OfferEnd.NO_ANSWER
        self._refresh(agent)

    @apply.register
    def _(self, fact: e.CallConnected) -> None:
        self._end_offer(fact.call, fact.leg)
        self._forget(fact.call)
        agent = self.agents.get(fact.agent)
        if agent is None or agent.turn(Trigger.CONNECT, fact.at):
            return
        agent.call, agent.leg, agent.queue = fact.call, fact.leg, fact.queue
        agent.misses, agent.calls, agent.rest_until = 0, agent.calls + 1, 0.0
        self.legs[fact.leg] = agent
        self._refresh(agent)

    @apply.register
    def _(self, fact: e.TalkEnded) -> None:
        self.legs.pop(fact.leg, None)
        agent = self.agents.get(fact.agent)
        if agent is None or agent.leg != fact.leg or agent.turn(Trigger.TALK_END, fact.at):
            return
        agent.call = agent.leg = agent.queue = None
        agent.idle_since, agent.handled = fact.at, agent.handled + fact.talked
        self._refresh(agent)

    @apply.register(e.CallLeftLine)
    @apply.register(e.CallAbandoned)
    @apply.register(e.CallEnded)
    def _(self, fact: e.CallLeftLine | e.CallAbandoned | e.CallEnded) -> None:
        self._forget(fact.call)

    @apply.register
    def _(self, fact: e.AgentLoggedIn) -> None:
        if agent := self.agents.get(fact.agent):
            self._sit(agent, fact.phone)
            if agent.status is Status.LOGGED_OUT:
                agent.logged_in_at, agent.handled, agent.calls = fact.at, 0.0, 0
            self._choose(agent, Status.AVAILABLE, Trigger.LOG_IN, fact.at)

    @apply.register
    def _(self, fact: e.AgentLoggedOut) -> None:
        if agent := self.agents.get(fact.agent):
            self._choose(agent, Status.LOGGED_OUT, Trigger.LOG_OUT, fact.at)
            self._sit(agent, None)

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
            self._refresh(agent)
            self._presence_changed()

    @apply.register
    def _(self, fact: e.WrapUpStarted) -> None:
        if (agent := self.agents.get(fact.agent)) and not agent.turn(Trigger.WRAP_UP, fact.at):
            agent.wrap_until = fact.until
            self._refresh(agent)

    @apply.register
    def _(self, fact: e.WrapUpEnded) -> None:
        if agent := self.agents.get(fact.agent):
            self._end_wrap_up(agent, Trigger.WRAP_UP_END, fact.at)
            self._refresh(agent)

    # --- bookkeeping ------------------------------------------------------------------------------------------------

    def _choose(self, agent: Agent, status: Status, trigger: Trigger, at: float, reason: str = "") -> None:
        self._end_wrap_up(agent, trigger, at)
        agent.status, agent.break_reason, agent.misses, agent.rest_until = status, reason, 0, 0.0
        self._refresh(agent)
        self._presence_changed()

    def _end_wrap_up(self, agent: Agent, trigger: Trigger, at: float) -> None:
        started, was = agent.since, agent.state
        agent.turn(trigger, at)
        if was is State.WRAPPING_UP and agent.state is not was:
            agent.handled += max(0.0, at - started)
        if agent.state is State.IDLE:
            agent.idle_since = at

    def _sit(self, agent: Agent, phone: str | None) -> None:
        if agent.phone is not None and self._at_phone.get(agent.phone) is agent:
            del self._at_phone[agent.phone]
        agent.phone = phone
        agent.device = self.devices.get(phone, Device.UNREACHABLE) if phone is not None else Device.UNREACHABLE
        if phone is not None:
            self._at_phone[phone] = agent
        self._refresh(agent)
        self._presence_changed()

    def _refresh(self, agent: Agent) -> None:
        if agent.is_ready():
            self._ready[agent.id] = agent
        else:
            self._ready.pop(agent.id, None)

    def _presence_changed(self) -> None:
        self._there.clear()

    def _place(self, call: Waiting) -> None:
        if self.places_for_offers(call) > 0:
            self.buckets.add(call, self.buckets.wanted(call, self.plan.queues[call.queue]))
        else:
            self.buckets.remove(call.id)

    def _forget(self, call: str) -> None:
        self.buckets.remove(call)
        self.calls.pop(call, None)

    def _end_offer(self, call: str, leg: str) -> None:
        offers = self._offers.get(call, {})
        offers.pop(leg, None)
        if not offers:
            self._offers.pop(call, None)
        self.legs.pop(leg, None)

    def _rest(self, reason: OfferEnd) -> float:
        rules = self.plan.rules
        return {
            OfferEnd.REFUSED: rules.back_off_refused,
            OfferEnd.BUSY: rules.back_off_busy,
            OfferEnd.NO_ANSWER: rules.back_off_no_answer,
        }.get(reason, rules.back_off_unreachable)

    def _somebody(self, queue: str, wanted: Expression) -> bool:
        key = (queue, wanted.text)
        found = self._there.get(key)
        if found is None:
            found = self._there[key] = any(
                agent.is_there() and not why_unfit(agent, agent.row_for(queue), wanted, queue)
                for agent in self.agents.values()
            )
        return found

    def _step_wants(self, queue: str, wants: Expression, step: int) -> Expression:
        key = (queue, wants.text, step)
        if key not in self._steps:
            row = self._queue(queue).steps[step]
            self._steps[key] = row.wants if row.drop_call_wants else both(row.wants, wants)
        return self._steps[key]

    def _queue(self, queue: str) -> Queue:
        return self.plan.queues[queue]

    def _agent_fits(self, agent: Agent, wanted: Expression) -> bool:
        key = (agent.id, wanted.text)
        found = self._fits.get(key)
        if found is None:
            found = self._fits[key] = wanted.matches(agent.plan.skills)
        return found

    def _could_be_tried(self, agent: Agent, call: Waiting, wanted: Expression) -> bool:
        return (
            agent.id not in call.refused
            and agent.status is Status.AVAILABLE
            and agent.is_there()
            and not why_unfit(agent, agent.row_for(call.queue), wanted, call.queue)
        )

    @staticmethod
    def _ranked(
        priority: int, wanted: Expression, bucket: list[tuple[OrderKey, Waiting]]
    ) -> Iterator[tuple[int, OrderKey, Waiting, Expression]]:
        return ((priority, key, call, wanted) for key, call in bucket)
