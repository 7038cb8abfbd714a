"""The customer's side of callbacks as the switchboard carries them out: when one is dialled, and what is seen of them then.

Without any `await`, like switchboard.py, of which it is a part. The one thing that must wait, the journal's word that an attempt is on disk
before anybody is dialled, stands between `dialling` or `dial_first` and `dial`, and is the caller's to wait for (callback_rooms.py).
"""

from collections.abc import Callable

from callhandler.board import Board
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import NOT_DIALLED, Callback
from callhandler.core.callbacks import CallingBack
from callhandler.core.calls import Call
from callhandler.core.decisions import CancelOffer
from callhandler.core.model import CallbackState, OfferEnd
from callhandler.core.ports import DialLeg, OfferLeg, Pbx
from callhandler.errors import Refused

_FAILURES = {
    OfferEnd.NO_ANSWER: "no answer",
    OfferEnd.BUSY: "busy",
    OfferEnd.REFUSED: "busy",
    OfferEnd.LOST: "lost",
}
"""What becomes of a dialled customer, by how the leg ended; anything else is `failed`."""


class Customers:
    """All that is done about customers who are called back."""

    def __init__(self, board: Board, pbx: Pbx, core: CallingBack, tell_agent: Callable[[Callback], None]) -> None:
        """Take what decides, and how an agent who waits for a customer learns that there is news."""
        self._board = board
        self._pbx = pbx
        self._core = core
        self._books = board.line.books.callbacks
        self._tell_agent = tell_agent
        self._kept: set[str] = set()

    def dialling(self, one: Callback) -> e.CallbackDialled:
        """Record that the customer is about to be dialled, for an agent who was told; nobody is, before `dial`.

        Raises:
            Refused: with a sentence, when that can't be.
        """
        if self._books.open.get(one.call) is not one:
            raise Refused("the callback is over")
        if self._board.link is None:  # an attempt that can't be made would be one, and would count as a promise kept
            raise Refused("Asterisk is not connected")
        return self._dialling(one, first=False)

    def dial_first(self, one: Callback) -> bool:
        """Record that a customer is about to be dialled before the agent is rung; whoever sees that fact has it done (`dial`).

        Tell whether that is so: the number may be refused by now, which ends the callback, or its hours end at this very instant.
        """
        try:
            self._dialling(one, first=True)
        except Refused:
            return False
        self._kept.add(one.agent_leg or "")
        return True

    def release(self, leg: str) -> bool:
        """Tell whether an agent's leg is kept for a customer who is called first, and no phone rings at it; it isn't kept any more."""
        kept = leg in self._kept
        self._kept.discard(leg)
        return kept

    def _dialling(self, one: Callback, *, first: bool) -> e.CallbackDialled:
        now = self._board.clock()
        try:
            self._core.guard.judged(one.number)  # the site file may have changed since it was asked for
        except Refused as refused:
            self._board.take(self._core.end(one, "failed", str(refused), "callhandler", now))
            raise
        fact = self._core.dialling(one, now, first=first)
        self._board.record(fact)
        return fact

    def dial(self, fact: e.CallbackDialled, leg: DialLeg | None) -> None:
        """Dial the customer, now that the attempt is on disk. Nobody is dialled with no leg, as it isn't, nor while Asterisk isn't seen."""
        one = self._books.by_leg.get(fact.leg)
        if one is None or one.state is not CallbackState.DIALLED:  # it has ended meanwhile
            return
        if leg is not None and self._board.link is not None:
            self._pbx.dial(leg)
        else:
            self._attempt_over(one, NOT_DIALLED)

    def channel_of(self, one: Callback) -> str | None:
        """Return the name of the channel of a customer who has said yes."""
        call = self._board.calls.here.get(one.call)
        return call.channel if call is not None and call.called_at == one.leg else None

    def customer_at(self, leg: str) -> Callback | None:
        """Return the callback whose customer's leg this is."""
        return self._books.by_leg.get(leg)

    def accepted(self, one: Callback, channel: str) -> None:
        """The customer said yes: from now on they are a caller on the line. Called first, they are at its head, and their agent is rung."""
        if one.first:
            self._to_the_head(one)
        fact = e.CallbackAccepted(
            at=self._board.clock(),
            call=one.call,
            leg=one.leg or "",
            channel=channel,
            number=one.number,
            caller_name=one.caller_name,
            queue=one.queue,
            entered=one.entered,
            wants=one.wants,
            language=one.language,
            offers_made=one.offers_made,
        )
        kept = one.agent_leg if one.first else None
        self._board.record(fact)
        self._tell_agent(one)
        if kept is not None and self.release(kept) and kept in self._board.line.books.legs:
            self._ring(one, kept, channel)

    def _ring(self, one: Callback, leg: str, channel: str) -> None:
        """Ring the phone that was kept for a customer, as for any caller."""
        queue, agent = self._board.line.plan.queues[one.queue], self._board.line.books.legs[leg]
        name = f"Callback {queue.name}: {one.caller_name or one.number}"
        self._pbx.offer(OfferLeg(leg, agent.phone or "", one.call, channel, queue.ring, name, one.number))

    def _to_the_head(self, one: Callback) -> None:
        books, now = self._board.line.books, self._board.clock()
        waiting = books.calls.get(one.call)
        if waiting is None or books.position(waiting) == 1:
            return
        priority, bonus = books.head_of(one.queue, one.entered, one.priority, one.bonus)
        head = e.CallPrioritised(
            at=now, call=one.call, queue=one.queue, priority=priority, bonus=bonus, by="callhandler"
        )
        self._board.record(head)

    def machine(self, one: Callback) -> None:
        """An answering machine has picked up: that attempt is over."""
        if one.state is CallbackState.DIALLED:
            self._attempt_over(one, "machine")

    def put_off(self, call: Call) -> None:
        """A customer who was called first has waited in vain, and is called again."""
        if (one := self._books.open.get(call.id)) is not None:
            self._board.take(self._core.put_off(one, self._board.clock()))

    def leg_over(self, leg: str, reason: OfferEnd | str) -> bool:
        """A leg did not come up or is gone; tell whether it was a customer's."""
        one = self._books.by_leg.get(leg)
        if one is None:
            return False
        text = _FAILURES.get(reason, "failed") if isinstance(reason, OfferEnd) else reason
        self._board.take(self._core.leg_over(leg, text, self._board.clock()))
        self._tell_agent(one)
        return True

    def compare(self, live: dict[str, o.LiveChannel]) -> None:
        """After a gap: attempts whose customer isn't there are lost, and so are agents whom the site file has lost meanwhile.

        Should a phone ring yet, it is let go at once.
        """
        self._kept = {
            one.agent_leg or ""
            for one in self._books.open.values()
            if self._books.is_kept(one.call, one.agent_leg or "")
        }
        for one in list(self._books.open.values()):
            if one.state is CallbackState.DIALLED and one.leg is not None and one.leg not in live:
                self._board.take((CancelOffer(one.leg, OfferEnd.LOST),))
                self.leg_over(one.leg, "lost")
            if one.agent_leg is not None and self._books.open.get(one.call) is one:
                self._agent_lost(one, one.agent_leg)

    def _agent_lost(self, one: Callback, leg: str) -> None:
        if one.state is CallbackState.TALKING or leg in self._board.line.books.legs:
            return
        self._board.take((CancelOffer(leg, OfferEnd.AGENT_LEFT),))
        over = e.OfferEnded(
            at=self._board.clock(),
            call=one.call,
            leg=leg,
            agent=one.agent or "",
            queue=one.queue,
            reason=OfferEnd.AGENT_LEFT,
        )
        self._board.record(over)

    def _attempt_over(self, one: Callback, reason: str) -> None:
        leg = one.leg or ""
        now = self._board.clock()
        self._board.record(e.CallbackAttemptEnded(at=now, call=one.call, leg=leg, attempt=one.dialled, reason=reason))
        self._tell_agent(one)
