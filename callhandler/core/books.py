"""The line's books: the crew, the calls in line, the offers under way. `apply` is the only way a fact changes them, live and after a
restart alike.

Nothing is decided here; line.py decides. Facts about agents or calls that aren't known (any more) change nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatchmethod
from itertools import chain

from callhandler.core import events as e
from callhandler.core.agents import Agent, Trigger
from callhandler.core.applying import appliers
from callhandler.core.buckets import Buckets
from callhandler.core.callback import Callback, OpenCallbacks
from callhandler.core.crew import Crew
from callhandler.core.model import CallbackState, Device, First, OfferEnd, Plan, Status, Strategy
from callhandler.core.pools import Pool
from callhandler.core.skills import Expression, both, parse
from callhandler.core.waiting import Waiting


class Books:
    """What is so, computed from facts."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.crew = Crew()
        self._apply_to_crew = appliers(self.crew, "apply")
        self.agents = self.crew.agents
        self.devices = self.crew.devices
        self.calls: dict[str, Waiting] = {}
        self.buckets = Buckets()
        self.legs: dict[str, Agent] = {}
        self.delays: dict[str, tuple[float, ...]] = {}
        self._offers: dict[str, dict[str, str]] = {}
        self.callbacks = OpenCallbacks()
        self.room_for_callbacks = False
        """Set when calling out was at its cap and no longer is: those who wait for it can be offered again."""
        self._parked: dict[str, Waiting] = {}
        self._callbacks_full = False
        self.replace(plan)

    # --- looking things up ------------------------------------------------------------------------------------------

    def agent_at(self, phone: str) -> Agent | None:
        """Return the agent logged in at a phone."""
        return self.crew.agent_at(phone)

    def waiting_in(self, queue: str) -> int:
        """Return how many callers are in line for a queue; who is to be called back is not on the line."""
        return sum(call.queue == queue and not self.callbacks.is_away(call.id) for call in self.calls.values())

    def position(self, call: Waiting) -> int:
        """Return a call's place in its queue, 1 for the next. Callbacks count, but for those whose time has not come."""
        ahead = (other for other in self.calls.values() if other.queue == call.queue and other.key < call.key)
        return 1 + sum(not self.callbacks.is_resting(other.id) for other in ahead)

    def head_of(self, queue: str, entered: float, priority: int, bonus: float) -> tuple[int, float]:
        """Return the class priority and bonus with which a call that first entered at `entered` goes before all others in a queue."""
        first = min((call.key for call in self.calls.values() if call.queue == queue), default=None)
        if first is None:
            return priority, bonus
        return min(priority, first[0]), max(bonus, entered - first[1] + 1.0)

    def offers_of(self, call: str) -> list[str]:
        """Return the legs ringing for a call."""
        return list(self._offers.get(call, ()))

    def places_for_offers(self, call: Waiting) -> int:
        """Return how many more agents may be offered a call now."""
        if call.id not in self.calls:
            return 0
        queue, most = self.plan.queues[call.queue], 1
        if self.callbacks.open and not self.callbacks.may_be_offered(call.id):
            return 0
        if queue.strategy is Strategy.RING_ALL and not self.callbacks.is_away(call.id):
            most = queue.ring_best
        offers = self._offers.get(call.id)
        return most - len(offers) if offers else most

    def wanted(self, call: Waiting) -> Expression:
        """Return what a call wants at its step."""
        return self.pool(call).wanted

    def step_wants(self, queue: str, wants: Expression, step: int) -> Expression:
        """Return what a call that itself wants `wants` wants at a step of a queue: both together."""
        return self.step_pool(queue, wants, step).wanted

    def calls_for(self, agent: Agent) -> Iterator[tuple[Waiting, Pool]]:
        """Yield the calls an agent qualifies for, with their pools, in the order in which the agent is to take them."""
        return self.buckets.in_order(agent, self.crew.pools_of(agent) & self.buckets.waiting)

    def pool(self, call: Waiting) -> Pool:
        """Return the agents who fit what a call wants at its step."""
        return self.step_pool(call.queue, call.wants, call.step)

    def step_pool(self, queue: str, wants: Expression, step: int) -> Pool:
        """Return the agents who fit what a call that itself wants `wants` wants at a step of a queue: both together."""
        key = (queue, wants.text, step)
        found = self.crew.pools_at.get(key)
        if found is None:
            row = self.plan.queues[queue].steps[step]
            found = self.crew.pool(queue, row.wants if row.drop_call_wants else both(row.wants, wants))
            self.crew.pools_at[key] = found
        return found

    def step_with_somebody(self, queue: str, wants: Expression, first: int, wrap: bool = True) -> int | None:
        """Return the first step from `first` on (then, with `wrap`, those before) for which somebody is there; None when none."""
        steps = len(self.plan.queues[queue].steps)
        for step in chain(range(first, steps), range(first if wrap else 0)):
            if self.crew.is_anybody_in(self.step_pool(queue, wants, step)):
                return step
        return None

    def without_anybody(self) -> list[Waiting]:
        """Return the calls whose step has nobody there (but for those that are being offered), and all callbacks that are in line."""
        pools = (pool for queue in self.plan.queues for pool in self.buckets.of_queue(queue))
        calls = [call for pool in pools if not self.crew.is_anybody_in(pool) for _, call in pool.calls]
        known = {call.id for call in calls}
        return calls + [self.calls[one] for one in self.callbacks.open if one in self.calls and one not in known]

    def kept_for(self, call: Waiting, pool: Pool, now: float) -> str | None:
        """Return the agent a call is kept for: the preferred one, while there, fit, at work and not yet offered it in vain."""
        if call.preferred_agent is None or now >= call.preferred_until:
            return None
        agent = self.agents.get(call.preferred_agent)
        if agent is None or agent.id in call.refused or agent.status is not Status.AVAILABLE or not agent.is_there():
            return None
        return agent.id if pool.members[agent.number] else None

    def forget_refusals(self, call: Waiting, pool: Pool, now: float) -> None:
        """Forget who was offered a call in vain once all others were too, or long enough ago (docs/adr/0005)."""
        if not call.refused:
            return
        for agent in [one for one, at in call.refused.items() if now >= at + self.plan.rules.forget_refusal]:
            del call.refused[agent]
        if call.refused and not self.crew.is_anybody_but(pool, call.refused):
            call.refused.clear()

    # --- changing ---------------------------------------------------------------------------------------------------

    def replace(self, plan: Plan) -> None:
        """Take up another plan. Queues with callers and agents on a call outlive it until they are done."""
        held = {
            call.queue: self.plan.queues[call.queue] for call in self.calls.values() if call.queue not in plan.queues
        }
        self.plan = replace(plan, queues=plan.queues | held)
        self.crew.replace(self.plan)
        self.callbacks.at_once = plan.callbacks.at_once if plan.callbacks is not None else 0
        self.callbacks.customer_first = plan.callbacks is not None and plan.callbacks.first is First.CUSTOMER
        self._callbacks_full = self.callbacks.under_way() >= self.callbacks.at_once
        rows = [row for agent in plan.agents.values() for row in agent.serves if row.delay > 0]
        self.delays = {queue: tuple(sorted({row.delay for row in rows if row.queue == queue})) for queue in plan.queues}
        self.buckets = Buckets()
        for call in self.calls.values():
            call.step = min(call.step, len(self.plan.queues[call.queue].steps) - 1)
            self._place(call)

    def set_device(self, phone: str, device: Device, now: float) -> None:
        """Take note of a phone's state."""
        self.crew.set_device(phone, device, now)

    @singledispatchmethod
    def apply(self, fact: e.Fact) -> None:
        """Change the books as a fact says. Facts that don't concern the line change nothing."""
        self._apply_to_crew[type(fact)](fact)

    @apply.register
    def _(self, fact: e.CallEntered) -> None:
        self._forget(fact.call)
        if fact.queue not in self.plan.queues:  # the site file lost this queue while the daemon was away
            return
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
        self._place(call)

    @apply.register
    def _(self, fact: e.StepAdvanced) -> None:
        if call := self.calls.get(fact.call):
            call.step, call.step_since = min(fact.step, len(self.plan.queues[call.queue].steps) - 1), fact.at
            self._place(call)

    @apply.register
    def _(self, fact: e.CallMoved) -> None:
        if (call := self.calls.get(fact.call)) and fact.queue in self.plan.queues:
            self._tell_callbacks(fact)
            call.queue, call.joined, call.step, call.step_since = fact.queue, fact.at, 0, fact.at
            call.refused.clear()
            self._place(call)

    @apply.register
    def _(self, fact: e.CallPrioritised) -> None:
        if call := self.calls.get(fact.call):
            self._tell_callbacks(fact)
            call.priority, call.bonus = fact.priority, fact.bonus
            self._place(call)

    @apply.register
    def _(self, fact: e.AgentOffered) -> None:
        self._tell_callbacks(fact)
        call, agent = self.calls.get(fact.call), self.agents.get(fact.agent)
        if call is not None:
            call.offers_made += 1
        if agent is None or agent.turn(Trigger.OFFER, fact.at):
            return
        agent.call, agent.leg, agent.queue = fact.call, fact.leg, fact.queue
        self.legs[fact.leg] = agent
        self._offers.setdefault(fact.call, {})[fact.leg] = agent.id
        self.crew.refresh(agent)
        if call is not None:
            self._place(call)

    @apply.register
    def _(self, fact: e.OfferEnded) -> None:
        self._end_offer(fact.call, fact.leg)
        self._tell_callbacks(fact)
        call, agent = self.calls.get(fact.call), self.agents.get(fact.agent)
        if call is not None:
            if fact.reason.is_refusal:
                call.refused[fact.agent] = fact.at
            self._place(call)
        if agent is None or agent.leg != fact.leg:
            return
        agent.turn(Trigger.OFFER_END, fact.at)
        agent.call = agent.leg = agent.queue = None
        if not fact.reason.is_blameless:
            agent.idle_since = fact.at
            agent.rest_until = fact.at + self._rest(fact.reason)
            agent.misses += fact.reason.is_missed
        self.crew.refresh(agent)

    @apply.register
    def _(self, fact: e.CallConnected) -> None:
        self._end_offer(fact.call, fact.leg)
        self._tell_callbacks(fact)
        self._forget(fact.call)
        agent = self.agents.get(fact.agent)
        if agent is not None and agent.leg == fact.leg and agent.call != fact.call:
            agent.call = fact.call  # somebody took the place of the caller at this very phone: a transfer after asking
            return
        if agent is None or agent.turn(Trigger.CONNECT, fact.at):
            return
        agent.call, agent.leg, agent.queue = fact.call, fact.leg, fact.queue
        agent.misses, agent.calls, agent.rest_until = 0, agent.calls + 1, 0.0
        self.legs[fact.leg] = agent
        self.crew.refresh(agent)

    @apply.register
    def _(self, fact: e.TalkEnded) -> None:
        self._tell_callbacks(fact)
        agent = self.agents.get(fact.agent)
        if agent is not None and agent.leg == fact.leg and agent.call != fact.call:
            agent.handled += fact.talked  # with another caller, they talk on
            return
        self.legs.pop(fact.leg, None)
        if agent is None or agent.leg != fact.leg or agent.turn(Trigger.TALK_END, fact.at):
            return
        agent.call = agent.leg = agent.queue = None
        agent.idle_since, agent.handled = fact.at, agent.handled + fact.talked
        self.crew.refresh(agent)

    @apply.register(e.CallLeftLine)
    @apply.register(e.CallAbandoned)
    def _(self, fact: e.CallLeftLine | e.CallAbandoned) -> None:
        self._forget(fact.call)

    @apply.register
    def _(self, fact: e.CallEnded) -> None:
        self._forget(fact.call)
        self._take_place(self._tell_callbacks(fact), fact.at)

    # --- callbacks: the same entry in the same line, without a caller on the line -------------------------------------

    @apply.register
    def _(self, fact: e.CallbackRequested) -> None:
        self._tell_callbacks(fact)
        if call := self.calls.get(fact.call):
            self._parked[fact.call] = call
        self._forget(fact.call)

    @apply.register(e.CallbackAttemptEnded)
    @apply.register(e.CallbackRescheduled)
    def _(self, fact: e.CallbackAttemptEnded | e.CallbackRescheduled) -> None:
        self._take_place(self._tell_callbacks(fact), fact.at)

    @apply.register(e.CallbackAnnounced)
    @apply.register(e.CallbackDialled)
    @apply.register(e.CallbackAccepted)
    @apply.register(e.ExtensionConnected)
    @apply.register(e.PromiseSettled)
    def _(
        self,
        fact: e.CallbackAnnounced | e.CallbackDialled | e.CallbackAccepted | e.ExtensionConnected | e.PromiseSettled,
    ) -> None:
        self._tell_callbacks(fact)
        if call := self.calls.get(fact.call):
            self._place(call)

    @apply.register
    def _(self, fact: e.CallbackEnded) -> None:
        self._tell_callbacks(fact)
        self._parked.pop(fact.call, None)
        self._forget(fact.call)

    def callbacks_due(self, now: float) -> list[Waiting]:
        """Have callbacks whose time has come wait for their turn; return them in order."""
        come = [self.calls[one.call] for one in self.callbacks.due(now) if one.call in self.calls]
        for call in come:
            self._place(call)
        return sorted(come, key=lambda call: call.key)

    def _tell_callbacks(self, fact: e.Fact) -> Callback | None:
        known = self.callbacks.open or isinstance(fact, e.CallbackRequested)
        one = self.callbacks.apply(fact) if known else None
        if one is None:
            return None
        full = self.callbacks.under_way() >= self.callbacks.at_once
        if full is not self._callbacks_full:
            self._callbacks_full, self.room_for_callbacks = full, not full
            for waiting in self.callbacks.open.values():
                if (call := self.calls.get(waiting.call)) is not None:
                    self._place(call)
        return one

    def _take_place(self, one: Callback | None, at: float) -> None:
        """Put a callback at its place in line, which is the caller's, or keep it from there until its time comes."""
        if one is None or one.state not in (CallbackState.WAITING, CallbackState.RESTING):
            return
        if one.queue not in self.plan.queues:  # the site file lost it while the daemon was away
            return
        call = self.calls.get(one.call) or self._parked.pop(one.call, None)
        if call is None or call.queue != one.queue:
            call = Waiting(
                id=one.call,
                queue=one.queue,
                entered=one.entered,
                joined=one.requested,
                priority=one.priority,
                bonus=one.bonus,
                wants=parse(one.wants),
                step_since=at,
                offers_made=one.offers_made,
            )
        call.step = min(call.step, len(self.plan.queues[one.queue].steps) - 1)
        self.calls[one.call] = call
        self._place(call)

    # --- bookkeeping ------------------------------------------------------------------------------------------------

    def _place(self, call: Waiting) -> None:
        if self.places_for_offers(call) > 0:
            self.buckets.add(call, self.pool(call))
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
            OfferEnd.NOT_ACCEPTED: rules.back_off_no_answer,
        }.get(reason, rules.back_off_unreachable)
