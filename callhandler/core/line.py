"""The waiting line: who is in it, who takes calls, and what follows from each thing that happens.

`step(fact, now)` applies a fact and returns what follows, in order: facts (already applied here; the switchboard only has to keep them)
and orders (for the switchboard to carry out). State changes nowhere else. Choosing an agent and reserving the agent are one step, so
no two calls can meet at one agent. Time passes only through `wake` and the `now` arguments.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from callhandler.core import events as e
from callhandler.core.agents import Agent
from callhandler.core.books import Books
from callhandler.core.decisions import CancelOffer, Decision, LeaveLine, OfferTo, WakeAt
from callhandler.core.explaining import MOST_CANDIDATES, write_down
from callhandler.core.model import Device, OfferEnd, Outcome, Plan, State, Status
from callhandler.core.routing import best, obstacle
from callhandler.core.skills import Expression
from callhandler.core.waiting import Waiting

Outcomes = list[e.Fact | Decision]

PRESENCE_GRACE = 10.0
"""Seconds that waiting callers stay in line after the last phone that could help them went out of reach: a phone's short absence
must not send everybody away."""


class Line:
    """All queues, all agents, all waiting calls, and the rules between them."""

    def __init__(self, plan: Plan, explain: bool = True) -> None:
        """Start with nobody in line and everybody logged out. `explain` False leaves RoutingDecided facts out (simulation)."""
        self.books = Books(plan)
        self._explain = explain
        self._out: Outcomes = []

    @property
    def plan(self) -> Plan:
        """The site's plan in force."""
        return self.books.plan

    # --- what the switchboard calls ---------------------------------------------------------------------------------

    def admit(self, queue: str, wants: Expression) -> Outcome | None:
        """Tell why a call that wants `wants` can't enter a queue now: FULL or NOBODY; None when it can."""
        rules = self.plan.queues[queue]
        if rules.max_length is not None and self.books.waiting_in(queue) >= rules.max_length:
            return Outcome.FULL
        return None if self.books.step_with_somebody(queue, wants, 0) is not None else Outcome.NOBODY

    def step(self, fact: e.Fact, now: float) -> Outcomes:
        """Apply a fact and return what follows from it."""
        self._out = []
        self.books.apply(fact)
        self._follow(fact, now)
        return self._out

    def see_phone(self, phone: str, device: Device, now: float) -> Outcomes:
        """Take note of a phone's state as Asterisk reports it, and return what follows."""
        self._out = []
        before = self.books.devices.get(phone, Device.UNREACHABLE)
        if before is device:
            return self._out
        self.books.set_device(phone, device)
        if device is Device.UNREACHABLE:
            self._note(e.PhoneUnreachable(at=now, phone=phone), now)
        elif before is Device.UNREACHABLE:
            self._note(e.PhoneReachable(at=now, phone=phone), now)
        agent = self.books.agent_at(phone)
        if agent is not None and device is Device.FREE:
            self._match_agent(agent, now)
        return self._out

    def wake(self, key: tuple[str, str], now: float) -> Outcomes:
        """Do what was to be done at this time. A wake that is no longer due does nothing."""
        self._out = []
        what, which = key
        call = self.books.calls.get(which)
        agent = self.books.agents.get(which)
        match what:
            case "step" if call is not None:
                self._advance(call, now)
            case "match" if call is not None:
                self._match_call(call, now)
            case "max wait" if call is not None:
                self._give_up(call, now)
            case "lease":
                self._lease_over(which, now)
            case "wrap" if agent is not None and agent.state is State.WRAPPING_UP and agent.wrap_until <= now:
                self._note(e.WrapUpEnded(at=now, agent=agent.id), now)
            case "rest" if agent is not None:
                self._match_agent(agent, now)
            case "presence":
                self._send_on_the_hopeless(now)
        return self._out

    def replace(self, plan: Plan, now: float) -> Outcomes:
        """Take up another plan: nobody loses a place or a conversation."""
        self._out = []
        self.books.replace(plan)
        self._take_up(now)
        return self._out

    def restore(self, facts: Iterable[e.Fact]) -> None:
        """Rebuild state from the journal's facts; nothing follows from them."""
        for fact in facts:
            self.books.apply(fact)

    def resume(self, now: float) -> Outcomes:
        """After `restore` and a comparison with Asterisk: set all timers again and go on."""
        self._out = []
        self._take_up(now)
        for agent in self.books.agents.values():
            if agent.state is State.WRAPPING_UP:
                self._out.append(WakeAt(max(now, agent.wrap_until), ("wrap", agent.id)))
        return self._out

    # --- what follows from what -------------------------------------------------------------------------------------

    def _note(self, fact: e.Fact, now: float) -> None:
        """Apply a fact that follows, keep it among the outcomes, and see what follows from it in turn."""
        self.books.apply(fact)
        self._out.append(fact)
        self._follow(fact, now)

    def _follow(self, fact: e.Fact, now: float) -> None:
        match fact:
            case e.CallEntered() | e.CallMoved():
                self._enter(self.books.calls[fact.call], now)
            case e.StepAdvanced() | e.CallPrioritised():
                call = self.books.calls.get(fact.call)
                if call is not None:
                    self._step_timer(call)
                    self._match_call(call, now)
            case e.AgentOffered():
                self._out.append(WakeAt(now + fact.ring + self.plan.rules.lease, ("lease", fact.leg)))
            case e.OfferEnded():
                self._after_offer(fact, now)
            case e.CallConnected():
                self._cancel(fact.call, OfferEnd.TAKEN, but=fact.leg)
            case e.TalkEnded():
                self._after_talk(fact, now)
            case e.CallAbandoned() | e.CallLeftLine() | e.CallEnded():
                self._cancel(fact.call, OfferEnd.CALLER_LEFT)
            case e.AgentLoggedIn() | e.AgentResumed() | e.WrapUpEnded():
                self._match_agent(self.books.agents[fact.agent], now)
            case e.AgentLoggedOut() | e.AgentPaused():
                self._withdraw(self.books.agents[fact.agent])
                self._send_on_the_hopeless(now)
            case e.AgentNotAnswering():
                self._send_on_the_hopeless(now)
            case e.PhoneUnreachable():
                self._out.append(WakeAt(now + PRESENCE_GRACE, ("presence", "")))

    def _enter(self, call: Waiting, now: float) -> None:
        queue = self.plan.queues[call.queue]
        self._cancel(call.id, OfferEnd.LOST)
        first = self.books.step_with_somebody(call.queue, call.wants, 0)
        if first is None:
            self._nobody(call, now)
            return
        if queue.max_wait is not None:
            self._out.append(WakeAt(call.joined + queue.max_wait, ("max wait", call.id)))
        if first != call.step:
            self._note(
                e.StepAdvanced(
                    at=now, call=call.id, queue=queue.id, step=first, reason="nobody logged in for the step before"
                ),
                now,
            )
        else:
            self._step_timer(call)
            self._match_call(call, now)
        for delay in self.books.delays.get(call.queue, ()):
            self._out.append(WakeAt(call.joined + delay, ("match", call.id)))
        if call.preferred_until > now:
            self._out.append(WakeAt(call.preferred_until, ("match", call.id)))

    def _step_timer(self, call: Waiting) -> None:
        seconds = self.plan.queues[call.queue].steps[call.step].seconds
        if seconds is not None:
            self._out.append(WakeAt(call.step_since + seconds, ("step", call.id)))

    def _advance(self, call: Waiting, now: float) -> None:
        """The step's time is over and nobody has answered: relax, passing over steps for which nobody is there."""
        seconds = self.plan.queues[call.queue].steps[call.step].seconds
        if seconds is None or now < call.step_since + seconds:
            return
        following = self.books.step_with_somebody(call.queue, call.wants, call.step + 1, wrap=False)
        if following is not None:
            self._note(
                e.StepAdvanced(at=now, call=call.id, queue=call.queue, step=following, reason="not answered"), now
            )

    def _give_up(self, call: Waiting, now: float) -> None:
        longest = self.plan.queues[call.queue].max_wait
        if longest is None or now < call.joined + longest:
            return
        if self.books.offers_of(call.id):  # never dropped while a phone rings for it
            self._out.append(WakeAt(now + 1.0, ("max wait", call.id)))
        else:
            self._out.append(LeaveLine(call.id, call.queue, Outcome.TIMEOUT, f"waited {longest:.0f} s"))

    def _nobody(self, call: Waiting, now: float) -> None:
        reason = f"nobody logged in can take {call.queue} calls" + (
            f" that want {call.wants}" if call.wants.text else ""
        )
        self._note(e.AlarmRaised(at=now, kind="unroutable", call=call.id, queue=call.queue, reason=reason), now)
        self._out.append(LeaveLine(call.id, call.queue, Outcome.NOBODY, reason))

    def _send_on_the_hopeless(self, now: float) -> None:
        """After somebody went away: calls whose step has nobody left go to another step, or leave the line."""
        for call in list(self.books.calls.values()):
            here = self.books.step_with_somebody(call.queue, call.wants, call.step)
            if here is None:
                if not self.books.offers_of(call.id):
                    self._nobody(call, now)
            elif here != call.step:
                self._note(
                    e.StepAdvanced(
                        at=now, call=call.id, queue=call.queue, step=here, reason="nobody logged in for the step before"
                    ),
                    now,
                )

    def _after_offer(self, fact: e.OfferEnded, now: float) -> None:
        agent = self.books.agents[fact.agent]
        if agent.rest_until > now:
            self._out.append(WakeAt(agent.rest_until, ("rest", agent.id)))
        if fact.reason is OfferEnd.NO_ANSWER and agent.misses >= self.plan.rules.misses:
            self._note(e.AgentNotAnswering(at=now, agent=agent.id, misses=agent.misses), now)
            text = f"agent {agent.id} missed {agent.misses} offers in a row"
            self._note(e.AlarmRaised(at=now, kind="misses", agent=agent.id, reason=text), now)
        call = self.books.calls.get(fact.call)
        if call is not None:
            self._out.append(WakeAt(now + self.plan.rules.forget_refusal, ("match", call.id)))
            self._match_call(call, now)
        self._match_agent(agent, now)

    def _after_talk(self, fact: e.TalkEnded, now: float) -> None:
        agent = self.books.agents[fact.agent]
        queue = self.plan.queues.get(fact.queue)
        wrap_up = queue.wrap_up if queue is not None else 0.0
        if wrap_up > 0 and agent.status is not Status.LOGGED_OUT and agent.state is State.IDLE:
            self._note(
                e.WrapUpStarted(at=now, agent=agent.id, call=fact.call, queue=fact.queue, until=now + wrap_up), now
            )
            self._out.append(WakeAt(now + wrap_up, ("wrap", agent.id)))
        else:
            self._match_agent(agent, now)

    def _lease_over(self, leg: str, now: float) -> None:
        """An offer that neither failed nor connected in its time is lost: nobody stays reserved for ever."""
        agent = self.books.legs.get(leg)
        if agent is not None and agent.state is State.OFFERED and agent.leg == leg:
            self._out.append(CancelOffer(leg, OfferEnd.LOST))
            reason = OfferEnd.LOST
            self._note(
                e.OfferEnded(
                    at=now, call=agent.call or "", leg=leg, agent=agent.id, queue=agent.queue or "", reason=reason
                ),
                now,
            )

    def _cancel(self, call: str, reason: OfferEnd, but: str | None = None) -> None:
        for leg in self.books.offers_of(call):
            if leg != but:
                self._out.append(CancelOffer(leg, reason))

    def _withdraw(self, agent: Agent) -> None:
        if agent.state is State.OFFERED and agent.leg is not None:
            self._out.append(CancelOffer(agent.leg, OfferEnd.REFUSED))

    def _take_up(self, now: float) -> None:
        for call in sorted(self.books.calls.values(), key=lambda one: one.key):
            if call.id in self.books.calls:
                self._step_timer(call)
                self._match_call(call, now)
        self._out.append(WakeAt(now + PRESENCE_GRACE, ("presence", "")))
        for agent in list(self.books.agents.values()):
            self._match_agent(agent, now)

    # --- matching ---------------------------------------------------------------------------------------------------

    def _match_call(self, call: Waiting, now: float) -> None:
        """Offer a call to the best free agents, as many as it may ring at once."""
        queue = self.plan.queues[call.queue]
        most = self.books.places_for_offers(call)
        if most <= 0:
            return
        wanted = self.books.buckets.wanted(call, queue)
        kept_for = self.books.kept_for(call, wanted, now)
        able = [agent for agent in self.books.ready() if not obstacle(agent, call, wanted, kept_for, now)]
        if not able and self.books.forget_refusals(call, wanted, now):
            able = [agent for agent in self.books.ready() if not obstacle(agent, call, wanted, kept_for, now)]
        chosen = best(queue.strategy, able, wanted, now, most)
        self._offer(call, wanted, kept_for, chosen, most, now)

    def _match_agent(self, agent: Agent, now: float) -> None:
        """Offer a free agent the call that goes first among all the agent's queues."""
        if not agent.is_ready() or agent.rest_until > now:
            return
        tried: set[str] = set()
        while agent.is_ready():
            call = next((call for call in self._offerable(agent, now) if call.id not in tried), None)
            if call is None:
                return
            tried.add(call.id)
            self._match_call(call, now)

    def _offerable(self, agent: Agent, now: float) -> Iterator[Waiting]:
        for call, wanted in self.books.calls_for(agent):
            if agent.id in call.refused:
                self.books.forget_refusals(call, wanted, now)
            if not obstacle(agent, call, wanted, self.books.kept_for(call, wanted, now), now):
                yield call

    def _offer(
        self, call: Waiting, wanted: Expression, kept_for: str | None, chosen: list[Agent], most: int, now: float
    ) -> None:
        queue = self.plan.queues[call.queue]
        if self._explain:
            shown = islice(self._candidates(chosen), MOST_CANDIDATES)
            total = len(self.books.agents)
            decided = write_down(call, wanted, queue.strategy, most, kept_for, chosen, shown, total, now)
            first = chosen[0].id if chosen else None
            self._out.append(
                e.RoutingDecided(at=now, call=call.id, queue=queue.id, agent=first, snapshot=decided.to_json())
            )
        for agent in chosen:
            leg = f"{call.id}-o{call.offers_made + 1}"
            offered = e.AgentOffered(
                at=now, call=call.id, leg=leg, agent=agent.id, queue=queue.id, phone=agent.phone or "", ring=queue.ring
            )
            self._note(offered, now)
            self._out.append(OfferTo(call.id, leg, agent.id, offered.phone, queue.id, queue.ring))

    def _candidates(self, chosen: list[Agent]) -> Iterator[Agent]:
        picked = {agent.id for agent in chosen}
        ready = [agent for agent in self.books.ready() if agent.id not in picked]
        seen = picked | {agent.id for agent in ready}
        return chain(chosen, ready, (agent for agent in self.books.agents.values() if agent.id not in seen))
