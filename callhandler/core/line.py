"""The waiting line: who is in it, who takes calls, and what follows from each thing that happens.

`step(fact, now)` applies a fact and returns what follows, in order: facts (already applied here; the switchboard only has to keep them)
and orders (for the switchboard to carry out). State changes nowhere else. Choosing an agent and reserving the agent are one step, so
no two calls can meet at one agent. Time passes only through `wake` and the `now` arguments.
"""

from collections.abc import Iterable

from callhandler.core import events as e
from callhandler.core.agents import Agent
from callhandler.core.applying import appliers
from callhandler.core.books import Books
from callhandler.core.decisions import CancelOffer, Decision, LeaveLine, OfferTo, WakeAt
from callhandler.core.explaining import MOST_CANDIDATES, Choice
from callhandler.core.matching import Matching
from callhandler.core.model import Device, OfferEnd, Outcome, Plan, State, Status
from callhandler.core.offer_legs import offer_leg
from callhandler.core.skills import Expression
from callhandler.core.timers import agent_timers, call_timers, step_timer
from callhandler.core.waiting import Waiting

Outcomes = list[e.Fact | Decision]

PRESENCE_GRACE = 10.0
"""Seconds that waiting callers stay in line after the last phone that could help them went out of reach: a phone's short absence
must not send everybody away."""

ATTENDED = 30.0
"""Seconds after which an agent who has picked up for a callback is looked at again: from then on the phone's own end ends the offer."""


class Line:
    """All queues, all agents, all waiting calls, and the rules between them."""

    def __init__(self, plan: Plan, explain: bool = True) -> None:
        """Start with nobody in line and everybody logged out. Nobody is offered a call before `resume`.

        `explain` False leaves RoutingDecided facts out (simulation).
        """
        self.books = Books(plan)
        self._matching = Matching(self.books, MOST_CANDIDATES if explain else 0)
        self._apply = appliers(self.books, "apply")
        self._explain = explain
        self._attached = False
        self._out: Outcomes = []

    @property
    def plan(self) -> Plan:
        """The site's plan in force."""
        return self.books.plan

    # --- what the switchboard calls ---------------------------------------------------------------------------------

    def admit(self, queue: str, wants: Expression, now: float) -> Outcome | None:
        """Tell why a call that wants `wants` can't enter a queue now: FULL or NOBODY; None when it can."""
        rules = self.plan.queues.get(queue)
        if rules is None:
            return Outcome.NOBODY
        if rules.max_length is not None and self.books.waiting_in(queue) >= rules.max_length:
            return Outcome.FULL
        if self.books.step_with_somebody(queue, wants, 0) is not None or self._may_somebody_come(queue, wants, now):
            return None
        return Outcome.NOBODY

    def turned_away(
        self, call: str, queue: str, wants: Expression, entered: float, now: float
    ) -> e.RoutingDecided | None:
        """Return why a call for which `admit` found nobody is offered to nobody: each agent judged by the queue's last, widest step."""
        rules = self.plan.queues.get(queue)
        if rules is None or not self._explain:
            return None
        one = Waiting(call, queue, entered, now, rules.priority, rules.bonus, wants, step=len(rules.steps) - 1)
        return self._decided(Choice(one, self.books.pool(one), rules.ring_best, None, [], []), now)

    def step(self, fact: e.Fact, now: float) -> Outcomes:
        """Apply a fact and return what follows from it."""
        self._out = []
        self._apply[type(fact)](fact)
        self._follow(fact, now)
        return self._out

    def see_phone(self, phone: str, device: Device, now: float) -> Outcomes:
        """Take note of a phone's state as Asterisk reports it, and return what follows."""
        self._out = []
        before = self.books.devices.get(phone, Device.UNREACHABLE)
        if before is device:
            return self._out
        self.books.set_device(phone, device, now)
        agent = self.books.agent_at(phone)
        if device is Device.UNREACHABLE:
            self._note(e.PhoneUnreachable(at=now, phone=phone), now)
        elif before is Device.UNREACHABLE:
            self._note(e.PhoneReachable(at=now, phone=phone), now)
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
            case "callback":
                for due in self.books.callbacks_due(now):
                    self._match_call(due, now)
        return self._out

    def replace(self, plan: Plan, now: float) -> Outcomes:
        """Take up another plan: nobody loses a place or a conversation."""
        self._out = []
        self.books.replace(plan)
        for call in self.books.calls.values():
            self._set_timers(call)
        self._match_everyone(now)
        self._out.append(WakeAt(now, ("presence", "")))
        return self._out

    def restore(self, facts: Iterable[e.Fact]) -> None:
        """Rebuild state from the journal's facts; nothing follows from them."""
        for fact in facts:
            self.books.apply(fact)

    def suspend(self) -> None:
        """Asterisk isn't seen any more: make no offers, and take none for lost, until `resume`."""
        self._attached = False

    def resume(self, now: float) -> Outcomes:
        """Asterisk is seen, and state was compared with it: set all timers (again) and go on."""
        self._out = []
        self._attached = True
        for call in self.books.calls.values():
            self._set_timers(call)
        for agent in self.books.agents.values():
            self._out += agent_timers(agent, self.plan, now)
            if agent.device is Device.UNREACHABLE:  # gone since just now, for all we know
                agent.unreachable_since = now
        self.books.callbacks_due(now)  # whose time came meanwhile goes before those behind
        self._match_everyone(now)
        self._out.append(WakeAt(now + PRESENCE_GRACE, ("presence", "")))
        return self._out

    # --- what follows from what -------------------------------------------------------------------------------------

    def _note(self, fact: e.Fact, now: float) -> None:
        """Apply a fact that follows, keep it among the outcomes, and see what follows from it in turn."""
        self._apply[type(fact)](fact)
        self._out.append(fact)
        self._follow(fact, now)

    def _follow(self, fact: e.Fact, now: float) -> None:
        match fact:
            case e.CallEntered():
                self._enter(fact.call, OfferEnd.CALLER_LEFT, now)
            case e.CallMoved():
                self._enter(fact.call, OfferEnd.MOVED, now)
            case e.StepAdvanced():
                if call := self.books.calls.get(fact.call):
                    self._out += step_timer(call, self.plan.queues[call.queue])
                    self._match_call(call, now)
            case e.AgentOffered():
                self._out.append(WakeAt(now + fact.ring + self.plan.rules.lease, ("lease", fact.leg)))
            case e.OfferEnded():
                self._after_offer(fact, now)
            case e.CallConnected():
                self._cancel(fact.call, OfferEnd.TAKEN, but=fact.leg)
            case e.TalkEnded():
                self._after_talk(fact, now)
            case e.CallAbandoned() | e.CallLeftLine():
                self._cancel(fact.call, OfferEnd.CALLER_LEFT)
            case e.CallEnded():
                self._cancel(fact.call, OfferEnd.CALLER_LEFT)
                self._call_back(fact.call, now)
            case e.CallbackRequested():
                self._cancel(fact.call, OfferEnd.CALLER_LEFT)
            case e.CallbackAttemptEnded():
                self._after_attempt(fact.call)
            case e.CallbackAccepted() if (call := self.books.calls.get(fact.call)) is not None:
                self._after_yes(call, now)
            case e.CallbackRescheduled():
                self._out.append(WakeAt(max(now, fact.due), ("callback", fact.call)))
            case e.AgentLoggedIn() | e.AgentResumed():
                self._after_arrival(self.books.agents.get(fact.agent), now)
            case e.WrapUpEnded():
                if agent := self.books.agents.get(fact.agent):
                    self._match_agent(agent, now)
            case e.AgentLoggedOut() | e.AgentPaused():
                self._withdraw(self.books.agents.get(fact.agent))
                self._after_absence(now)
            case e.AgentNotAnswering():
                self._after_absence(now)
            case e.PhoneReachable():
                self._after_arrival(self.books.agent_at(fact.phone), now)
            case e.PhoneUnreachable():
                self._match_particular(now)
                self._out.append(WakeAt(now + PRESENCE_GRACE, ("presence", "")))
        if self.books.room_for_callbacks:
            self.books.room_for_callbacks = False
            self._match_everyone(now)

    def _call_back(self, call_id: str, now: float) -> None:
        """Who is to be called back has hung up, or was never on the line: the place in line is the callback's from here on."""
        call, callback = self.books.calls.get(call_id), self.books.callbacks.open.get(call_id)
        if call is not None and callback is not None:
            self._set_timers(call)
            self._match_call(call, now)
            self._send_on_if_hopeless(call, now)

    def _after_attempt(self, call: str) -> None:
        """Let go of phones that ring for a customer who was on the line and has left."""
        attended = next((leg for leg in self.books.legs if self.books.callbacks.is_attended(call, leg)), None)
        self._cancel(call, OfferEnd.CALLER_LEFT, but=attended)

    def _after_yes(self, call: Waiting, now: float) -> None:
        """A customer has said yes: the phone that was kept for them rings from now on; where none is any more, any that fits."""
        for leg in self.books.offers_of(call.id):
            self._out.append(WakeAt(now + self.plan.queues[call.queue].ring + self.plan.rules.lease, ("lease", leg)))
        self._match_call(call, now)

    def _enter(self, call_id: str, before: OfferEnd, now: float) -> None:
        """Begin to wait in a queue; offers made `before` end for that reason."""
        call = self.books.calls.get(call_id)
        if call is None:  # its queue is gone from the site file
            return
        self._cancel(call.id, before)
        first = self.books.step_with_somebody(call.queue, call.wants, 0)
        if first is None and not self._may_somebody_come(call.queue, call.wants, now):
            self._nobody(call, now)
            return
        self._set_timers(call)
        if first is not None and first != call.step:
            self._advance_to(call, first, "nobody here for the step before", now)
        else:
            self._match_call(call, now)

    def _set_timers(self, call: Waiting) -> None:
        if (callback := self.books.callbacks.open.get(call.id)) is not None and callback.due > 0:
            self._out.append(WakeAt(callback.due, ("callback", call.id)))
        delays = self.books.delays.get(call.queue, ())
        self._out += call_timers(call, self.plan.queues[call.queue], delays, self.plan.rules)

    def _advance(self, call: Waiting, now: float) -> None:
        """When the step's time is over and nobody has answered: relax, passing over steps for which nobody is there."""
        if not self._is_over(call, now):
            return
        following = self.books.step_with_somebody(call.queue, call.wants, call.step + 1, wrap=False)
        if following is not None:
            self._advance_to(call, following, "nobody took it in time", now)

    def _is_over(self, call: Waiting, now: float) -> bool:
        """Tell whether a call has been at its step for as long as it takes."""
        seconds = self.plan.queues[call.queue].steps[call.step].seconds
        return seconds is not None and now >= call.step_since + seconds

    def _advance_to(self, call: Waiting, step: int, reason: str, now: float) -> None:
        self._note(e.StepAdvanced(at=now, call=call.id, queue=call.queue, step=step, reason=reason), now)

    def _give_up(self, call: Waiting, now: float) -> None:
        longest = self.plan.queues[call.queue].max_wait
        if longest is None or now < call.joined + longest or call.id in self.books.callbacks.open:
            return
        if self.books.offers_of(call.id):  # never dropped while a phone rings for it
            self._out.append(WakeAt(now + 1.0, ("max wait", call.id)))
        else:
            self._leave(call, Outcome.TIMEOUT, f"waited {longest:.0f} s", now)

    def _nobody(self, call: Waiting, now: float) -> None:
        reason = f"nobody here can take {call.queue} calls" + (f" that want {call.wants}" if call.wants.text else "")
        self._note(e.AlarmRaised(at=now, kind="unroutable", call=call.id, queue=call.queue, reason=reason), now)
        self._leave(call, Outcome.NOBODY, reason, now)

    def _leave(self, call: Waiting, outcome: Outcome, reason: str, now: float) -> None:
        queue, waited = call.queue, call.waited(now)
        self._note(
            e.CallLeftLine(at=now, call=call.id, queue=queue, outcome=outcome, waited=waited, reason=reason), now
        )
        self._out.append(LeaveLine(call.id, queue, outcome, reason))

    def _send_on_the_hopeless(self, now: float) -> None:
        """After somebody went away: calls whose step has nobody left go to another step, or leave the line."""
        for call in sorted(self.books.without_anybody(), key=lambda one: one.key):
            self._send_on_if_hopeless(call, now)

    def _send_on_if_hopeless(self, call: Waiting, now: float) -> None:
        here = self.books.step_with_somebody(call.queue, call.wants, call.step)
        if here == call.step or self.books.offers_of(call.id) or not self._attached:
            return
        if self.books.crew.may_come_back(call.queue, self.books.wanted(call), now, PRESENCE_GRACE):
            return
        if here is None:
            if not self.books.callbacks.is_away(call.id):  # who isn't on the line waits until somebody comes
                self._nobody(call, now)
        else:
            self._advance_to(call, here, "nobody here for the step before", now)

    def _may_somebody_come(self, queue: str, wants: Expression, now: float) -> bool:
        """Tell whether nobody being there may be an error of a moment: phones are out of sight with Asterisk, or just went."""
        steps = range(len(self.plan.queues[queue].steps))
        return not self._attached or any(
            self.books.crew.may_come_back(queue, self.books.step_wants(queue, wants, step), now, PRESENCE_GRACE)
            for step in steps
        )

    def _after_offer(self, fact: e.OfferEnded, now: float) -> None:
        agent = self.books.agents.get(fact.agent)
        if agent is not None:
            if agent.rest_until > now:
                self._out.append(WakeAt(agent.rest_until, ("rest", agent.id)))
            if fact.reason.is_missed and agent.misses >= self.plan.rules.misses:
                self._miss(agent, now)
            self._match_agent(agent, now)
        call = self.books.calls.get(fact.call)  # only now: a last agent who misses too much sends the call on
        if call is not None:
            self._out.append(WakeAt(now + self.plan.rules.forget_refusal, ("match", call.id)))
            self._match_call(call, now)
            self._send_on_if_hopeless(call, now)

    def _miss(self, agent: Agent, now: float) -> None:
        self._note(e.AgentNotAnswering(at=now, agent=agent.id, misses=agent.misses), now)
        text = f"agent {agent.id} missed {agent.misses} offers in a row"
        self._note(e.AlarmRaised(at=now, kind="misses", agent=agent.id, reason=text), now)

    def _after_talk(self, fact: e.TalkEnded, now: float) -> None:
        agent = self.books.agents.get(fact.agent)
        if agent is None:
            return
        queue = self.plan.queues.get(fact.queue)
        wrap_up = queue.wrap_up if queue is not None else 0.0
        if wrap_up > 0 and agent.status is not Status.LOGGED_OUT and agent.state is State.IDLE:
            until = now + wrap_up
            self._note(e.WrapUpStarted(at=now, agent=agent.id, call=fact.call, queue=fact.queue, until=until), now)
            self._out.append(WakeAt(until, ("wrap", agent.id)))
        elif agent.is_ready():
            self._match_agent(agent, now)
        if not agent.is_there():  # the phone was lost during the conversation
            self._after_absence(now)

    def _after_arrival(self, agent: Agent | None, now: float) -> None:
        """Somebody is there (again): calls whose step was over, but who had nobody to go on to, may have now."""
        for call in sorted(
            (one for one in self.books.calls.values() if self._is_over(one, now)), key=lambda one: one.key
        ):
            self._advance(call, now)
        if agent is not None:
            self._match_agent(agent, now)

    def _after_absence(self, now: float) -> None:
        """Somebody is not there any more: nothing is kept for them, refusals may be forgotten, and some calls have nobody left."""
        self._match_particular(now)
        self._send_on_the_hopeless(now)

    def _lease_over(self, leg: str, now: float) -> None:
        """An offer that neither failed nor connected in its time is lost: nobody stays reserved for ever."""
        agent = self.books.legs.get(leg)
        if self._attached and agent is not None and agent.state is State.OFFERED:
            if self.books.callbacks.is_attended(agent.call, leg) or self.books.callbacks.is_kept(agent.call, leg):
                self._out.append(WakeAt(now + ATTENDED, ("lease", leg)))
                return
            since, rules = self.books.callbacks.said_yes(agent.call), self.plan.queues.get(agent.queue or "")
            if since is not None and rules is not None and now < since + rules.ring + self.plan.rules.lease:
                return  # rings since the yes: looked at again when that lease is over
            self._out.append(CancelOffer(leg, OfferEnd.LOST))
            call, queue = agent.call or "", agent.queue or ""
            self._note(e.OfferEnded(at=now, call=call, leg=leg, agent=agent.id, queue=queue, reason=OfferEnd.LOST), now)

    def _cancel(self, call: str, reason: OfferEnd, but: str | None = None) -> None:
        for leg in self.books.offers_of(call):
            if leg != but:
                self._out.append(CancelOffer(leg, reason))

    def _withdraw(self, agent: Agent | None) -> None:
        if agent is not None and agent.state is State.OFFERED and agent.leg is not None:
            self._out.append(CancelOffer(agent.leg, OfferEnd.AGENT_LEFT))

    # --- matching ---------------------------------------------------------------------------------------------------

    def _match_call(
        self,
        call: Waiting,
        now: float,
        freed: Agent | None = None,
        first_come: frozenset[str] = frozenset(),
        *,
        again: bool = False,
    ) -> None:
        """Offer a call to the best free agents, as many as it may ring at once.

        Where several things happen at one instant, one of these agents may have another call to take first: then that one goes first,
        and so on (`first_come` are the calls on whose behalf others are looked at, lest this goes round in circles). `freed` is an agent
        known to have this call to take first. `again`: it is looked at because of others, so that it isn't written down once more
        that there is nobody for it.
        """
        if not self._attached:
            return
        while (choice := self._matching.choose(call, now)) is not None:
            others = first_come - {call.id}
            firsts = [self._matching.first_for(agent, now, others) for agent in choice.agents if agent is not freed]
            earlier = next((first for first in firsts if first is not None and first is not call), None)
            if earlier is None:
                if choice.agents or not again:
                    self._offer(choice, now)
                return
            first_come |= {earlier.id}
            self._match_call(earlier, now, None, first_come | {call.id})

    def _match_agent(self, agent: Agent, now: float) -> None:
        """Offer a free agent the call that goes first among all the agent's queues."""
        tried: frozenset[str] = frozenset()
        while self._attached and agent.is_ready():
            call = self._matching.first_for(agent, now, tried)
            if call is None:
                return
            tried |= {call.id}
            self._match_call(call, now, agent)

    def _match_particular(self, now: float) -> None:
        """Offer the calls that may have been kept from agents who could take them: kept for somebody, or offered in vain."""
        particular = [call for call in self.books.calls.values() if call.refused or call.preferred_agent is not None]
        for call in sorted(particular, key=lambda one: one.key):
            self._match_call(call, now, again=True)

    def _match_everyone(self, now: float) -> None:
        if self._attached and self.books.calls:
            for agent in list(self.books.crew.ready()):
                self._match_agent(agent, now)

    def _offer(self, choice: Choice, now: float) -> None:
        call, queue = choice.call, self.plan.queues[choice.call.queue]
        if (until := self.books.callbacks.held_up(call.id, now)) is not None:
            self._note(e.CallbackRescheduled(at=now, call=call.id, due=until.at, reason=until.reason), now)
            return
        if self._explain:
            self._out.append(self._decided(choice, now))
        for agent in choice.agents:
            leg = offer_leg(call.id, call.offers_made + 1)
            phone = agent.phone or ""
            offered = e.AgentOffered(
                at=now, call=call.id, leg=leg, agent=agent.id, queue=queue.id, phone=phone, ring=queue.ring
            )
            self._note(offered, now)
            self._out.append(OfferTo(call.id, leg, agent.id, phone, queue.id, queue.ring))

    def _decided(self, choice: Choice, now: float) -> e.RoutingDecided:
        first, text = choice.agents[0].id if choice.agents else None, self._matching.write_down(choice, now)
        return e.RoutingDecided(at=now, call=choice.call.id, queue=choice.call.queue, agent=first, snapshot=text)
