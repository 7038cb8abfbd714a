"""The one writer: takes what is seen and asked, runs the core, keeps facts, and carries out orders. No `await` anywhere.

Everything here happens in the event loop's thread, one thing after the other, so choosing an agent and reserving the agent can't come
apart. Knows no database, no AMI, no asyncio: those are ports. The simulation in tests/ runs this very class in virtual time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from callhandler.beside import Beside
from callhandler.calling_back import Callbacks
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.agents import Agent
from callhandler.core.applying import appliers
from callhandler.core.calls import Call, Calls
from callhandler.core.decisions import (
    CancelOffer,
    Decision,
    EndLeg,
    LeaveLine,
    OfferTo,
    ReturnToLine,
    RingBriefly,
    SpeakTo,
    WakeAt,
)
from callhandler.core.following import Follower, Follows, heeding
from callhandler.core.line import Line
from callhandler.core.model import NO_TIER, SHORT_ABANDON, Device, OfferEnd, Outcome, Plan, RingEnd, State, Status
from callhandler.core.offer_legs import offer_of
from callhandler.core.ports import FactLog, OfferLeg, Pbx
from callhandler.core.redials import Redials

REDIAL_MEMORY = 20_000
"""Callers whose last agent is remembered, as many as are read from the journal at a start (180 bytes each); the oldest are forgotten."""

ENDED_MEMORY = 5_000
"""Ends of unknown channels remembered: over AMI the end of a call can be seen before its AGI session says hello. After a stall those of
all who called and hung up in it are seen first, some 300 a second, while up to 1,024 sessions wait to be taken."""

ANSWERED_ELSEWHERE = 26
"""Q.850's cause with which the dialplan lets go of a phone that was answered when another phone had the call already."""

_RING_ENDS: dict[Outcome | None, RingEnd] = {Outcome.WITHDRAWN: RingEnd.WITHDRAWN, Outcome.LOST: RingEnd.LOST}
"""How the ringing of a call ended whose outcome was known at its end; else the caller left."""


@dataclass(slots=True)
class Visit:
    """One session of a script with a call. `news` is set, and `cut` called, when the line sends the caller on.

    `at_end`, if the script sets it, is called once when the call ends, before its outcome is written: over AMI that can be seen before
    the script sees it.
    `end` is called when the call's channel is gone and the session isn't: an attended transfer can put another caller in its place.
    """

    call: Call
    cut: Callable[[], None]
    end: Callable[[], None]
    news: LeaveLine | None = None
    at_end: Callable[[], None] | None = None


class Switchboard:
    """All that changes, in one place."""

    def __init__(
        self,
        plan: Plan,
        pbx: Pbx,
        journal: FactLog,
        clock: Callable[[], float],
        wake_at: Callable[[float, tuple[str, str]], None],
        explain: bool = True,
    ) -> None:
        """Take the ports.

        `wake_at(when, key)` has `wake(key)` called at `when`, never before; `clock` returns seconds since the epoch and never goes
        back. `explain` False leaves RoutingDecided facts out (simulation).
        """
        self.line = Line(plan, explain)
        self.calls = Calls()
        self._beside = Beside(self, pbx, self._talk_ended)
        self._apply = appliers(self.calls, "apply")
        self.callbacks = Callbacks(self, pbx)
        self.redials = Redials(self.calls, lambda: self.line.plan.redial)
        self.clock = clock
        self.emergency: str | None = None
        self.link: o.LinkUp | None = None
        self.link_since: float | None = None
        self.last_talks: dict[str, tuple[str, float]] = {}
        self._pbx = pbx
        self._journal = journal
        self._wake_at = wake_at
        self._visits: dict[str, Visit] = {}
        self._cancelled: dict[str, OfferEnd] = {}
        self._withdrawn: dict[str, str] = {}
        self._ended: dict[str, o.ChannelEnded] = {}
        self._left_first: dict[str, str] = {}
        self._swapped: dict[str, str] = {}
        self._gap_since: float | None = None
        self._listeners: list[Callable[[e.Fact], None]] = []
        self._followers: tuple[Follower, ...] = ()
        self.followed_by(self._beside.holding, self.callbacks.core, self.redials)

    # --- facts ------------------------------------------------------------------------------------------------------

    def record(self, fact: e.Fact) -> None:
        """Keep a fact and do what follows from it."""
        self._keep(fact)
        outcomes = self.line.step(fact, self.clock())
        self._follow(fact)
        self._carry_out(outcomes)

    def listen(self, listener: Callable[[e.Fact], None]) -> Callable[[], None]:
        """Have `listener`, which returns at once and never raises, called with every fact; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def followed_by(self, *followers: Follower) -> None:
        """Have further followers told of everything from now on, before `restore`, so that they know the past too."""
        self._followers += followers
        self._heeding = heeding(self._followers)

    def wake(self, key: tuple[str, str]) -> None:
        """Do what was to be done now (see `wake_at`)."""
        self._carry_out(self.line.wake(key, self.clock()))
        for follower in self._followers:
            self.take(follower.wake(key, self.clock()))

    def is_here(self, key: tuple[str, str]) -> bool:
        """Tell whether what a key (see `wake_at`) was set for is still here: a call, a callback, an agent or the house itself.

        Keys of legs are due soon and count as here.
        """
        what, which = key
        books = self.line.books
        here = (self.calls.here, books.callbacks.open, books.agents)
        return what == "lease" or not which or any(which in those for those in here)

    def take(self, follows: Follows) -> None:
        """Record the facts and carry out the orders of a follower, in order."""
        for one in follows:
            if isinstance(one, e.Fact):
                self.record(one)
            else:
                self._carry_out((one,))

    def _follow(self, fact: e.Fact) -> None:
        now = self.clock()
        for follower in self._heeding[type(fact)]:
            for one in follower.follow(fact, now):
                self.take((one,))
                now = self.clock()

    def _keep(self, fact: e.Fact) -> None:
        if isinstance(fact, e.CallConnected):
            self._remember_talk(fact)
        self._journal.append(fact)
        self._apply[type(fact)](fact)
        match fact:
            case e.EmergencyClosed():
                self.emergency = fact.reason
            case e.EmergencyOpened():
                self.emergency = None
        for listener in self._listeners:
            listener(fact)

    def _carry_out(self, outcomes: Iterable[e.Fact | Decision]) -> None:
        for outcome in list(outcomes):
            match outcome:
                case e.Fact():
                    self._keep(outcome)
                    self._follow(outcome)
                case OfferTo():
                    self._offer(outcome)
                case CancelOffer() if self.callbacks.customers.release(outcome.leg):
                    self._offer_over(outcome.leg, outcome.reason)
                case CancelOffer():
                    if outcome.leg in self.line.books.legs:
                        self._cancelled.setdefault(outcome.leg, outcome.reason)
                    self._pbx.cancel(outcome.leg)
                case LeaveLine():
                    self._send_on(outcome)
                case WakeAt():
                    self._wake_at(outcome.when, outcome.key)
                case SpeakTo() | RingBriefly() | EndLeg() | ReturnToLine():
                    self._beside.carry_out(outcome)

    def _offer(self, order: OfferTo) -> None:
        call = self.calls.here.get(order.call)
        if call is None:
            if not self.callbacks.offer(order):
                self._offer_over(order.leg, OfferEnd.CALLER_LEFT)
            return
        queue = self.line.plan.queues[order.queue]
        name = call.caller_name or call.caller_number
        what = queue.name if call.called_at is None else f"Callback {queue.name}"
        self._pbx.offer(
            OfferLeg(
                order.leg,
                order.phone,
                order.call,
                call.channel,
                order.ring,
                f"{what}: {name}",
                call.caller_number,
            )
        )

    def _send_on(self, order: LeaveLine) -> None:
        visit = self._visits.get(order.call)
        if visit is not None:
            visit.news = order
            visit.cut()

    def _remember_talk(self, fact: e.CallConnected) -> None:
        call = self.calls.here.get(fact.call)
        if call is None or not call.caller_number:
            return
        self.last_talks.pop(call.caller_number, None)
        self.last_talks[call.caller_number] = (fact.agent, fact.at)
        if len(self.last_talks) > REDIAL_MEMORY:
            del self.last_talks[next(iter(self.last_talks))]

    # --- scripts ----------------------------------------------------------------------------------------------------

    def begin_visit(self, call: Call, cut: Callable[[], None], end: Callable[[], None]) -> Visit:
        """Let a script speak with a call. A second session of the same call (after a transfer or a crash) replaces the first."""
        visit = self._visits[call.id] = Visit(call, cut, end)
        return visit

    def end_visit(self, visit: Visit) -> None:
        """Take note that a script is over; says nothing about the call."""
        if self._visits.get(visit.call.id) is visit:
            del self._visits[visit.call.id]

    def gone(self, call: Call) -> None:
        """Take note that a session found its caller gone, or is over: an end told by Asterisk before the call was known is written now."""
        seen = self._ended.pop(call.at, None)
        if seen is not None and call.id in self.calls.here:
            self._channel_ended(seen)

    def enter(self, call: Call, queue_id: str) -> Outcome | None:
        """Put a call in line, or say why not. It keeps the time it first entered any line."""
        now = self.clock()
        if call.id in self._visits:
            self._visits[call.id].news = None
        refused = self.line.admit(queue_id, call.wants, now)
        place = self.redials.place(call, queue_id)
        if refused is Outcome.FULL and place is not None:
            refused = None  # whoever calls again had a place in the line that is full
        if refused is not None:
            reason = "the line is full" if refused is Outcome.FULL else f"nobody here can take {queue_id} calls"
            if refused is Outcome.NOBODY:
                if (why := self.line.turned_away(call.id, queue_id, call.wants, call.entered or now, now)) is not None:
                    self.record(why)
                self.record(e.AlarmRaised(at=now, kind="unroutable", call=call.id, queue=queue_id, reason=reason))
            self.record(
                e.CallLeftLine(at=now, call=call.id, queue=queue_id, outcome=refused, waited=0.0, reason=reason)
            )
            return refused
        queue = self.line.plan.queues[queue_id]
        tier = self.line.plan.tiers.get(call.attributes.get("tier", ""), NO_TIER)
        preferred, wait = self._preferred(call, queue.last_agent_window, queue.last_agent_wait, now)
        self.record(
            e.CallEntered(
                at=now,
                call=call.id,
                queue=queue_id,
                entered=next(at for at in (call.entered, place, now) if at is not None),
                priority=tier.priority or queue.priority,
                bonus=queue.bonus + tier.bonus,
                wants=call.wants.text,
                preferred_agent=preferred,
                preferred_wait=wait,
                offers_made=call.offers_made,
            )
        )
        return None

    def _preferred(self, call: Call, window: float, wait: float, now: float) -> tuple[str | None, float]:
        if call.preferred_agent is not None:
            return call.preferred_agent, wait
        agent, at = self.last_talks.get(call.caller_number, (None, 0.0))
        return (agent, wait) if agent is not None and now - at <= window else (None, 0.0)

    # --- what is seen -----------------------------------------------------------------------------------------------

    def observe(self, seen: o.Observation) -> None:
        """Take note of what Asterisk does."""
        match seen:
            case o.Bridged():
                self._bridged(seen)
            case o.LeftBridge():
                self._left_bridge(seen.channel)
            case o.ChannelEnded():
                self._channel_ended(seen)
            case o.OfferFailed():
                if not self.callbacks.customers.leg_over(seen.leg, seen.reason):
                    self._offer_over(seen.leg, seen.reason)
            case o.PhoneSeen() if seen.phone in self.line.plan.phones:
                self._carry_out(self.line.see_phone(seen.phone, seen.device, self.clock()))
            case o.HoldSeen():
                self._hold(seen)
            case o.KeySeen() | o.ChannelUp() | o.WordOver():
                self._beside.observe(seen)
            case o.TransferSeen():
                self._transferred(seen)
            case o.LinkUp():
                self._link_up(seen)
            case o.LinkDown():
                self._link_down(seen)

    def _bridged(self, seen: o.Bridged) -> None:
        now = self.clock()
        for leg in seen.channels:
            agent = self.line.books.legs.get(leg)
            call = self.calls.here.get(agent.call or "") if agent is not None else None
            if call is not None and call.leg == leg and call.at in seen.channels:
                self._left_first.pop(leg, None)
            elif call is not None and call.leg == leg:
                self._swapped.update((channel, leg) for channel in seen.channels if channel != leg)
            elif agent is not None and call is not None and call.at in seen.channels:
                if leg in self._cancelled:  # answered in the moment it was taken back: it ends, and the caller waits on
                    return
                self._talk_ended(call, "ended unseen")
                waited = max(0.0, now - (call.entered or now))
                queue = agent.queue or ""
                self._left_first.pop(leg, None)
                self.record(e.CallConnected(at=now, call=call.id, leg=leg, agent=agent.id, queue=queue, waited=waited))
                self.callbacks.reached(call)
                return
        for channel in seen.channels:
            call = self.calls.at(channel)
            if call is not None and call.leg is None and (call.queue or call.outcome is not Outcome.EXTENSION):
                other = next((other for other in seen.channels if other != channel), "")
                self._left_for_a_phone(call)
                self.record(e.ExtensionConnected(at=now, call=call.id, channel=other))

    def _left_for_a_phone(self, call: Call) -> None:
        """Somebody in line or kept ringing talks though no offer of ours was answered: a phone that rang while the daemon was away was."""
        now = self.clock()
        self._rang(call, RingEnd.LET_IN)
        if call.queue is not None:
            waited = max(0.0, now - (call.entered or now))
            outcome, reason = Outcome.EXTENSION, "answered at a phone while the daemon was away"
            self.record(
                e.CallLeftLine(at=now, call=call.id, queue=call.queue, outcome=outcome, waited=waited, reason=reason)
            )

    def _left_bridge(self, channel: str) -> None:
        """Remember who left first: it says who hung up, but not that anybody did. Transfers and hold rooms leave bridges too."""
        call = self.calls.by_leg.get(channel) or self.calls.at(channel)
        if call is not None and call.leg is not None:
            who = "agent hung up" if channel == call.leg else "caller hung up"
            self._left_first.setdefault(call.leg, who)

    def _talk_ended(self, call: Call, reason: str) -> None:
        now = self.clock()
        if call.leg is None or call.agent is None or call.connected_at is None:
            return
        self._left_first.pop(call.leg, None)
        agent = self.line.books.agents.get(call.agent)
        queue = (agent.queue if agent is not None else None) or ""
        talked = max(0.0, now - call.connected_at)
        self.record(
            e.TalkEnded(at=now, call=call.id, leg=call.leg, agent=call.agent, queue=queue, talked=talked, reason=reason)
        )

    def _channel_ended(self, seen: o.ChannelEnded) -> None:
        """Whose channel ends first ended the talk. Leaving a bridge says nothing: transfers and hold rooms do it too."""
        self._beside.observe(seen)
        self._swapped.pop(seen.channel, None)
        call = self.calls.by_leg.get(seen.channel)
        if call is not None and call.leg == seen.channel:
            self._talk_ended(call, self._who_ended(call, "agent hung up"))
        elif seen.channel in self.line.books.legs:
            taken = seen.cause == ANSWERED_ELSEWHERE  # seen before the winner's bridge is
            self._offer_over(seen.channel, OfferEnd.TAKEN if taken else OfferEnd.LOST)
        elif (caller := self.calls.at(seen.channel)) is not None:
            self.end_call(caller, seen.text or "hung up", seen.cause)
        elif not self.callbacks.customers.leg_over(seen.channel, "not accepted"):
            self._ended[seen.channel] = seen
            if len(self._ended) > ENDED_MEMORY:
                del self._ended[next(iter(self._ended))]

    def end_call(self, call: Call, reason: str, cause: int = 0, outcome: Outcome | None = None) -> None:
        """Write down the end of a call: its channel is gone. `outcome` overrides what it would come to."""
        now = self.clock()
        visit = self._visits.get(call.id)
        if visit is not None and visit.at_end is not None:
            last_word, visit.at_end = visit.at_end, None
            last_word()
        self._talk_ended(call, self._who_ended(call, "caller hung up"))
        if call.called_at is not None:
            self._end_visit_of(call)
            self.callbacks.customers.leg_over(call.called_at, reason)
            return
        by = self._withdrawn.pop(call.id, None)
        if by is not None:
            outcome, reason = outcome or Outcome.WITHDRAWN, f"hung up by {by}"
        promised = self.callbacks.find(call.id) is not None
        result = Outcome.CALLBACK if promised else outcome or call.outcome
        if call.rings_since is not None:
            short = now - call.rings_since <= SHORT_ABANDON
            result = Outcome.ABANDONED_SHORT if short and result is Outcome.ABANDONED else result
            self._rang(call, _RING_ENDS.get(outcome, RingEnd.CALLER_LEFT))
        if call.queue is not None and outcome is None:
            waited = max(0.0, now - (call.entered or now))
            queue = self.line.plan.queues.get(call.queue)
            short = queue is not None and waited <= queue.short_abandon
            result = Outcome.ABANDONED_SHORT if short else Outcome.ABANDONED
            queue_id = call.queue
            self.record(e.CallAbandoned(at=now, call=call.id, queue=queue_id, waited=waited, reason=reason))
            self.callbacks.gave_up(call, queue_id, waited)
        if call.answered and outcome is not Outcome.LOST:
            result = Outcome.ANSWERED
        self.record(e.CallEnded(at=now, call=call.id, outcome=result, reason=reason, cause=cause))
        self._end_visit_of(call)

    def _rang(self, call: Call, reason: RingEnd) -> None:
        if (rang := call.rang(self.clock(), reason)) is not None:
            self.record(rang)

    def _who_ended(self, call: Call, otherwise: str) -> str:
        """Tell who ended a talk: whoever had the call hung up, else who left first, else whose channel is the one that ended."""
        if call.id in self._withdrawn:
            return f"hung up by {self._withdrawn[call.id]}"
        return self._left_first.get(call.leg or "", otherwise)

    def _end_visit_of(self, call: Call) -> None:
        if (visit := self._visits.get(call.id)) is not None:
            visit.end()

    def _offer_over(self, leg: str, reason: OfferEnd) -> None:
        agent = self.line.books.legs.get(leg)
        reason = self.callbacks.why_over(leg, self._cancelled.pop(leg, reason))
        if agent is None or agent.leg != leg or agent.state is not State.OFFERED:
            return
        call, queue = agent.call or "", agent.queue or ""
        self.record(e.OfferEnded(at=self.clock(), call=call, leg=leg, agent=agent.id, queue=queue, reason=reason))

    def _hold(self, seen: o.HoldSeen) -> None:
        call = self.calls.by_leg.get(seen.channel)
        if call is None or call.leg != seen.channel or call.agent is None or call.held == seen.held:
            return
        kind = e.CallHeld if seen.held else e.CallResumed
        self.record(kind(at=self.clock(), call=call.id, leg=seen.channel, agent=call.agent))

    def _transferred(self, seen: o.TransferSeen) -> None:
        call = self.calls.at(seen.transferee)
        if call is None or call.leg is None or call.agent is None:
            return
        now = self.clock()
        self.record(e.CallTransferred(at=now, call=call.id, leg=call.leg, agent=call.agent, to=seen.exten))
        self._talk_ended(call, "transferred")
        leg = self._swapped.pop(seen.transferee, "")
        agent = self.line.books.legs.get(leg)
        asked = self.calls.here.get(agent.call or "") if agent is not None else None
        if agent is not None and asked is not None and asked is not call and asked.leg == leg:
            self._talks_on_with(call, asked, leg, agent)

    def _talks_on_with(self, call: Call, asked: Call, leg: str, agent: Agent) -> None:
        """A caller was given on to an agent whom the first one had reached in line, and asked: that one's call is over, the talk isn't."""
        now, queue = self.clock(), agent.queue or ""
        self.record(e.CallConnected(at=now, call=call.id, leg=leg, agent=agent.id, queue=queue, waited=0.0))
        self._talk_ended(asked, "transferred")
        self.callbacks.reached(call)

    # --- the link ---------------------------------------------------------------------------------------------------

    def restore(self, facts: Iterable[e.Fact], last_talks: dict[str, tuple[str, float]], last_at: float | None) -> None:
        """Rebuild state from the journal at a start. What happened since `last_at` was not seen: a gap begins there."""
        for fact in facts:
            self.calls.apply(fact)
            self.line.restore((fact,))
            for follower in self._heeding[type(fact)]:
                follower.apply(fact)
            if isinstance(fact, e.EmergencyClosed):
                self.emergency = fact.reason
            elif isinstance(fact, e.EmergencyOpened):
                self.emergency = None
        self.last_talks.update(last_talks)
        for call in [one for one in self.calls.here.values() if one.queue and one.id not in self.line.books.calls]:
            self._lost_queue(call)
        if last_at is not None:
            self.record(e.GapBegan(at=last_at, reason="the daemon was not running"))
            self._gap_since = last_at

    def _lost_queue(self, call: Call) -> None:
        """A call waits in a queue that the site file lost while the daemon was away: its script sends it on."""
        now, queue = self.clock(), call.queue or ""
        waited = max(0.0, now - (call.entered or now))
        reason = f"queue {queue} is gone from the site file"
        self.record(
            e.CallLeftLine(at=now, call=call.id, queue=queue, outcome=Outcome.NOBODY, waited=waited, reason=reason)
        )

    def _link_down(self, seen: o.LinkDown) -> None:
        if self.link is None:
            return
        self.link = None
        self.line.suspend()
        self._beside.holding.suspend()
        self.link_since = self._gap_since = self.clock()
        self.record(e.GapBegan(at=self._gap_since, reason=seen.reason))

    def _link_up(self, seen: o.LinkUp) -> None:
        """Compare state with what is there, so that whatever was missed is made up for, then go on."""
        now = self.clock()
        self.link, self.link_since = seen, now
        live = {channel.channel: channel for channel in seen.channels}
        phones = {phone.phone: phone.device for phone in seen.phones}
        for phone in self.line.plan.phones:
            self._carry_out(self.line.see_phone(phone, phones.get(phone, Device.UNREACHABLE), now))
        self._find_forgotten_offers(seen.channels)
        self._compare_legs(live)
        self._compare_calls(live, now - seen.ago)
        self._compare_bridges(live)
        self.callbacks.customers.compare(live)
        self._beside.compare(live, self._hold)
        if self._gap_since is not None:
            seconds = max(0.0, now - self._gap_since)
            self.record(e.GapEnded(at=now, seconds=seconds, reason="state was compared with Asterisk"))
            self._gap_since = None
        self._carry_out(self.line.resume(now))
        for follower in self._followers:
            self.take(follower.resume(now))

    def _find_forgotten_offers(self, channels: tuple[o.LiveChannel, ...]) -> None:
        """A daemon that was killed may have rung a phone and not written it down any more: the leg's id says for which call."""
        for one in channels:
            offered = offer_of(one.channel)
            if offered is None or one.channel in self.line.books.legs:
                continue
            call, agent = self.line.books.calls.get(offered[0]), self.line.books.agent_at(one.phone or "")
            if call is None or offered[1] <= call.offers_made:  # that one was written down, and is over
                continue
            if call.queue in self.line.plan.queues and agent is not None and agent.leg is None:
                ring = self.line.plan.queues[call.queue].ring
                phone, queue = one.phone or "", call.queue
                self.record(
                    e.AgentOffered(
                        at=self.clock(),
                        call=call.id,
                        leg=one.channel,
                        agent=agent.id,
                        queue=queue,
                        phone=phone,
                        ring=ring,
                    )
                )

    def _compare_legs(self, live: dict[str, o.LiveChannel]) -> None:
        for leg, agent in list(self.line.books.legs.items()):
            call = self.calls.here.get(agent.call or "")
            there, caller = live.get(leg), live.get(call.at if call is not None else agent.call or "")
            together = (
                there is not None and caller is not None and there.bridge is not None and there.bridge == caller.bridge
            )
            if together and agent.state is State.OFFERED and caller is not None and there is not None:
                self._cancelled.pop(leg, None)
                self._bridged(o.Bridged(there.bridge or "", frozenset((leg, caller.channel))))
            elif (
                agent.state is State.OFFERED
                and there is None
                and not self.line.books.callbacks.is_kept(agent.call, leg)
            ):
                self._offer_over(leg, OfferEnd.LOST)
            elif agent.state is State.TALKING and not together and call is not None:
                self._talk_ended(call, "ended unseen")

    def _compare_calls(self, live: dict[str, o.LiveChannel], asked: float) -> None:
        for call in list(self.calls.here.values()):
            late = call.id in self._visits or call.arrived > asked  # came after the snapshot
            if call.at not in live and not late:
                outcome = Outcome.ANSWERED if call.answered else Outcome.LOST
                self.end_call(call, "ended unseen", outcome=outcome)

    def _compare_bridges(self, live: dict[str, o.LiveChannel]) -> None:
        for call in [one for one in self.calls.here.values() if one.leg is None]:
            bridge = live[call.at].bridge if call.at in live else None
            together = frozenset(one.channel for one in live.values() if bridge is not None and one.bridge == bridge)
            if len(together) > 1:
                self._bridged(o.Bridged(bridge or "", together))

    # --- what people, the door and a planned end ask ----------------------------------------------------------------

    def seat_at_first_start(self, at: float) -> None:
        """Log agents who have never been seen in at their own phones."""
        for agent in self.line.books.agents.values():
            if agent.logged_in_at == 0.0 and agent.status is Status.LOGGED_OUT and agent.plan.phone is not None:
                self.record(e.AgentLoggedIn(at=at, agent=agent.id, phone=agent.plan.phone, by="site file"))

    def unseat(self, at: float) -> None:
        """Log agents out who sit at phones that the site has no more."""
        self._log_out(self._seatless(self.line.plan), at)

    def withdraw(self, call: Call, by: str) -> None:
        """Hang up a call for a person; its end is written when Asterisk reports it."""
        self._withdrawn[call.id] = by
        self._pbx.hang_up(call.at)

    def give_back(self, call: Call, by: str) -> None:
        """Let go of a caller who isn't answered yet, as `by` says: the dialplan asks again, and hears that no new calls are taken."""
        self._withdrawn[call.id] = by
        self._pbx.send_to_line(call.channel)

    def rings(self, call_id: str) -> bool:
        """Tell whether a call is kept ringing, and may be let in: nobody lets go of it."""
        call = self.calls.here.get(call_id)
        return call is not None and call.rings_since is not None and call_id not in self._withdrawn

    def let_in(self, call_id: str) -> bool:
        """Have a caller who is kept ringing ask again, and be answered. False where Asterisk can't be told so now."""
        if self.link is None:
            return False
        self._pbx.send_to_line(self.calls.here[call_id].channel)
        return True

    def replace_plan(self, plan: Plan) -> None:
        """Take up another plan without anybody losing a place or a conversation."""
        now, seatless = self.clock(), self._seatless(plan)
        self._carry_out(self.line.replace(plan, now))
        self.seat_at_first_start(now)
        self._log_out(seatless, now)  # last: whoever came in their place may take their callers

    def _seatless(self, plan: Plan) -> dict[str, str]:
        """Return who is logged in and can't be by a plan, each with what logs them out."""
        here = [one for one in self.line.books.agents.values() if one.status is not Status.LOGGED_OUT]
        gone = {one.id: "site file" for one in here if one.id not in plan.agents}
        there = [one for one in here if one.phone is not None and one.phone not in plan.phones]
        return {one.id: f"site file, without phone {one.phone}" for one in there} | gone

    def _log_out(self, agents: dict[str, str], at: float) -> None:
        for agent, by in agents.items():
            self.record(e.AgentLoggedOut(at=at, agent=agent, by=by))
