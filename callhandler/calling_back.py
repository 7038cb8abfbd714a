"""Callbacks as the switchboard carries them out: who asks for one, and whose phone rings for it. Customers: calling_back_customers.py.

Part of switchboard.py, and like it without any `await`: core/callbacks.py decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from callhandler.board import Board
from callhandler.calling_back_customers import Customers
from callhandler.core import events as e
from callhandler.core.callback import Callback
from callhandler.core.callback_slots import SLOT
from callhandler.core.callbacks import CallingBack, NumberGuard, Wish
from callhandler.core.calls import Call
from callhandler.core.decisions import OfferTo
from callhandler.core.hours import Opening
from callhandler.core.model import NO_TIER, CallbackState, OfferEnd, Outcome
from callhandler.core.ports import OfferLeg, Pbx
from callhandler.errors import Refused


class NoGuard:
    """Before the site's own guard is there, nobody may be called."""

    def judged(self, number: str) -> str:
        """Refuse."""
        raise Refused("no number may be called")

    def opening(self, number: str, now: float) -> Opening | None:
        """Know no hours."""
        return None

    def house(self, dialled: str, now: float) -> Opening | None:
        """Know none."""
        return None

    def clock(self, at: float) -> str:
        """Know no clock of a site's."""
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")

    def comes_twice(self, at: float) -> bool:
        """Know no clock that is ever set."""
        return False


@dataclass(slots=True)
class AgentVisit:
    """An agent who has picked up for a callback. `cut` interrupts what the agent hears, for there is news."""

    leg: str
    agent: str
    callback: Callback
    cut: Callable[[], None]


class Callbacks:
    """All that is done about callbacks."""

    def __init__(self, board: Board, pbx: Pbx) -> None:
        self.core = CallingBack(board.line.books.callbacks, lambda: board.line.plan, NoGuard())
        self._board = board
        self._pbx = pbx
        self._books = board.line.books.callbacks
        self._agents: dict[str, AgentVisit] = {}
        self._why_over: dict[str, OfferEnd] = {}
        self.customers = Customers(board, pbx, self.core, self._tell_agent)

    def guard_by(self, guard: NumberGuard) -> None:
        """Let this guard judge numbers from now on."""
        self.core.guard = guard

    # --- asking, and changing one's mind ----------------------------------------------------------------------------

    def find(self, call: str) -> Callback | None:
        """Return the open callback of a call."""
        return self._books.open.get(call)

    def all(self) -> list[Callback]:
        """Return all that are open, in the order of the line."""
        return sorted(self._books.open.values(), key=lambda one: (one.priority, one.entered - one.bonus, one.call))

    def ask(
        self, call: Call, queue: str, number: str, *, confirmed: bool, due: float | None, by: str, reason: str
    ) -> Callback:
        """Have a call's place kept for calling `number` back. With `due` it is a slot, whose end is promised.

        Raises:
            Refused: with a sentence, when that may not be.
        """
        waiting = self._board.line.books.calls.get(call.id)
        now, plan = self._board.clock(), self._board.line.plan
        priority, bonus = self._order(queue, call.attributes.get("tier", ""))
        wish = Wish(
            call=call.id,
            queue=queue,
            number=number,
            confirmed=confirmed,
            entered=now if call.entered is None else call.entered,
            priority=priority if waiting is None else waiting.priority,
            bonus=bonus if waiting is None else waiting.bonus,
            wants=call.wants.text,
            language=call.attributes.get("language", plan.language),
            caller_name=call.caller_name,
            reason=reason,
            by=by,
            due=due,
            promise=None if due is None else due + SLOT,
            offers_made=call.offers_made,
            dialled=call.number,
        )
        return self._asked(wish, now)

    def add(self, call: str, queue: str, number: str, name: str, due: float | None, by: str) -> Callback:
        """Have somebody called back who isn't on the line. `call` is a new id; the place is as of now, and so is a time that is over.

        Raises:
            Refused: with a sentence, when that may not be.
        """
        now = self._board.clock()
        due = due if due is not None and due > now else None
        priority, bonus = self._order(queue, "")
        wish = Wish(
            call=call,
            queue=queue,
            number=number,
            confirmed=True,
            entered=now,
            priority=priority,
            bonus=bonus,
            wants="",
            language=self._board.line.plan.language,
            caller_name=name,
            reason=e.ADDED_BY_HAND,
            by=by,
            due=due,
            promise=None if due is None else due + SLOT,
        )
        one = self._asked(wish, now)
        ended = e.CallEnded(at=now, call=call, outcome=Outcome.CALLBACK, reason=e.ADDED_BY_HAND)
        self._board.record(ended)
        return one

    def call_out(self, call: Call, number: str) -> None:
        """Take note that a caller is about to be connected with a number outside. Refused with a sentence when that can't be."""
        now = self._board.clock()
        self._board.record(self.core.dialling_outside(call.id, call.left_queue or "", number, now))

    def gave_up(self, call: Call, queue: str, waited: float) -> None:
        """A caller hung up in line: where the site wants it, and the number may be called, they are called back unasked."""
        rules = self.core.rules
        if rules is None or rules.automatic_after is None or waited < rules.automatic_after or not call.caller_number:
            return
        try:
            self.ask(call, queue, call.caller_number, confirmed=False, due=None, by="callhandler", reason="gave up")
        except Refused:
            return  # nobody was promised anything

    def hung_up(self, call: Call, queue: str, number: str) -> None:
        """A caller hung up who had confirmed the number and not said when: called back in turn, unless they are with an agent."""
        if call.leg is not None or call.id not in self._board.calls.here:
            return
        try:
            self.ask(
                call, queue, number, confirmed=True, due=None, by="caller", reason="hung up before choosing a time"
            )
        except Refused:
            return  # nobody was promised anything

    def cancel(self, one: Callback, by: str, reason: str) -> None:
        """End a callback that isn't wanted any more. A conversation under way goes on."""
        if one.state in (CallbackState.HERE, CallbackState.TALKING):
            raise Refused("the customer is on the line already")
        self._board.take(self.core.end(one, "cancelled", reason, by, self._board.clock()))
        self._tell_agent(one)

    def may_be_promised(self) -> None:
        """Refuse, with a sentence, to say when somebody is called back while the site file has no table [callbacks]."""
        if self.core.rules is None:
            raise Refused("the site file has no table [callbacks]: nobody is called back until it has one again")

    def reschedule(self, one: Callback, due: float, reason: str) -> None:
        """Have a callback wait until `due`, and promise that; one that is over is now. Refused with a sentence when that can't be."""
        if one.state not in (CallbackState.WAITING, CallbackState.RESTING):
            raise Refused(f"the callback is {one.state}: it can't be given another time now")
        self.may_be_promised()
        now = self._board.clock()
        if due > now:
            self._board.take(self.core.another_time(one, due, reason, now))
        else:  # sooner than was promised, if anything was
            self._board.record(e.CallbackRescheduled(at=now, call=one.call, due=now, reason=reason))

    def run(self, one: Callback, by: str) -> None:
        """Have a callback wait for its turn from now on; one that is being made goes on.

        Raises:
            Refused: with a sentence, when it can't be made now; it is left as it is.
        """
        self.may_be_promised()
        if one.state is CallbackState.ASKED:
            raise Refused(
                f"the callback is {one.state}: its caller is still on the line, and its turn comes after that"
            )
        if one.state not in (CallbackState.WAITING, CallbackState.RESTING):
            return
        now = self._board.clock()
        if (until := self.core.obstacle(one, now)) is not None:
            when = self.core.guard.clock(until.at)
            raise Refused(f"{one.number} can't be called before {when}: {until.reason}; the callback is left as it was")
        if one.state is CallbackState.RESTING:
            self.reschedule(one, now, f"now, said {by}")

    def joined_by(self, one: Callback, call: Call) -> None:
        """The customer calls by themselves: their call takes the callback's place in line, and nobody is dialled any more."""
        now = self._board.clock()
        for name, value in (("wants", call.wanting(one.wants)), ("language", one.language)):
            if value and call.attributes.get(name) != value:
                self._board.record(e.AttributeSet(at=now, call=call.id, name=name, value=value))
        self._board.record(
            e.CallSent(at=now, call=call.id, to=f"queue:{one.queue}", reason=f"at the place of callback {one.call}")
        )
        self._board.record(
            e.CallEntered(
                at=now,
                call=call.id,
                queue=one.queue,
                entered=one.entered,
                priority=one.priority,
                bonus=one.bonus,
                wants=call.wants.text,
                offers_made=call.offers_made,
            )
        )
        self._close(one, f"the customer called: {call.id}", "caller")

    def join(self, one: Callback, call: Call) -> None:
        """A caller asks to be called back who is going to be already: their call's own place is let go."""
        now = self._board.clock()
        waited = 0.0 if call.entered is None else max(0.0, now - call.entered)
        reason = f"is called back at the place of {one.call}"
        self._board.record(
            e.CallLeftLine(
                at=now,
                call=call.id,
                queue=call.queue or one.queue,
                outcome=Outcome.CALLBACK,
                waited=waited,
                reason=reason,
            )
        )

    def reached(self, call: Call) -> None:
        """A caller talks with an agent: a callback that is open to their number isn't needed any more."""
        one = self.core.open_to(call.caller_number) if call.caller_number else None
        if one is not None and one.call != call.id and one.state not in (CallbackState.HERE, CallbackState.TALKING):
            self._close(one, f"the customer talked with an agent in call {call.id}", "callhandler")

    def _close(self, one: Callback, reason: str, by: str) -> None:
        self._board.take(self.core.end(one, "done", reason, by, self._board.clock()))
        self._tell_agent(one)

    def _asked(self, wish: Wish, now: float) -> Callback:
        if wish.queue not in self._board.line.plan.queues:
            raise Refused(f"there is no queue {wish.queue}")
        self._board.record(self.core.asked(wish, now))
        return self._books.open[wish.call]

    def _order(self, queue_id: str, tier_id: str) -> tuple[int, float]:
        plan = self._board.line.plan
        queue, tier = plan.queues.get(queue_id), plan.tiers.get(tier_id, NO_TIER)
        if queue is None:
            raise Refused(f"there is no queue {queue_id}; queues are {', '.join(plan.queues)}")
        return tier.priority or queue.priority, queue.bonus + tier.bonus

    # --- the agent --------------------------------------------------------------------------------------------------

    def offer(self, order: OfferTo) -> bool:
        """Ring an agent for a callback; tell whether the order was about one that can be made now."""
        one = self.find(order.call)
        if one is None or one.state is not CallbackState.OFFERED:
            return False
        if self._books.customer_first and not one.let_down:
            return self.customers.dial_first(one)
        queue = self._board.line.plan.queues[order.queue]
        name = f"Callback {queue.name}: {one.caller_name or one.number}"
        leg = OfferLeg(order.leg, order.phone, order.call, "", order.ring, name, one.number, callback=True)
        self._pbx.offer(leg)
        return True

    def why_over(self, leg: str, reason: OfferEnd) -> OfferEnd:
        """Return what an agent's leg that is over counts as: one that was picked up and hung up again was refused."""
        told = self._why_over.pop(leg, None)
        if told is not None:
            return told
        agent = self._board.line.books.legs.get(leg)
        attended = agent is not None and self._books.is_attended(agent.call, leg)
        return OfferEnd.REFUSED if attended and reason is OfferEnd.LOST else reason

    def agent_at(self, leg: str) -> tuple[Callback, str] | None:
        """Return the callback that the agent at a leg was rung for, and the agent; None when it is over, or was none."""
        agent = self._board.line.books.legs.get(leg)
        one = None if agent is None else self.find(agent.call or "")
        return None if agent is None or one is None or one.agent_leg != leg else (one, agent.id)

    def begin_agent(self, leg: str, cut: Callable[[], None]) -> AgentVisit | None:
        """Take note that an agent has picked up for a callback; None when the callback is over."""
        found = self.agent_at(leg)
        if found is None:
            return None
        one, agent = found
        visit = self._agents[leg] = AgentVisit(leg, agent, one, cut)
        if one.state is CallbackState.OFFERED:
            now = self._board.clock()
            self._board.record(e.CallbackAnnounced(at=now, call=one.call, leg=leg, agent=agent, queue=one.queue))
        return visit

    def end_agent(self, visit: AgentVisit) -> None:
        """Take note that an agent's conversation with us is over."""
        if self._agents.get(visit.leg) is visit:
            del self._agents[visit.leg]

    def let_go(self, visit: AgentVisit, reason: OfferEnd) -> None:
        """Say what it counts as when the agent's phone is now hung up by us. An offer that is over counts as what it ended as."""
        if visit.leg in self._board.line.books.legs:
            self._why_over[visit.leg] = reason

    def _tell_agent(self, one: Callback) -> None:
        for visit in self._agents.values():
            if visit.callback is one:
                visit.cut()
