"""What the switchboard does beside a conversation under way: says a word into it, rings a phone briefly, takes a caller out of it.

Part of switchboard.py, and like it without any `await`; holding.py decides, this carries out and hands on what is seen of it.
"""

from collections.abc import Callable

from callhandler.board import Board
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.calls import Call
from callhandler.core.decisions import EndLeg, ReturnToLine, RingBriefly, SpeakTo
from callhandler.core.holding import Holding
from callhandler.core.model import NO_TIER, WordEnd
from callhandler.core.ports import BriefCall, Pbx, SpokenWord

Order = SpeakTo | RingBriefly | EndLeg | ReturnToLine


class Beside:
    """Carries out orders beside conversations, and tells `holding` what is seen there."""

    def __init__(self, board: Board, pbx: Pbx, end_talk: Callable[[Call, str], None]) -> None:
        """Take the switchboard, Asterisk, and how a conversation's end is written down, with its reason."""
        self.holding = Holding(lambda: board.line.plan, self._has_place)
        self._board = board
        self._pbx = pbx
        self._end_talk = end_talk

    def carry_out(self, order: Order) -> None:
        """Do what was decided; what concerns a call that is gone is left."""
        if isinstance(order, EndLeg):
            self._pbx.cancel(order.leg)
            return
        call = self._board.calls.here.get(order.call)
        if call is None:
            return
        language = call.attributes.get("language", self._board.line.plan.language)
        match order:
            case SpeakTo():
                self._pbx.speak_to(SpokenWord(order.leg, call.at, language, order.prompts))
            case RingBriefly():
                name, number = f"{order.text} {call.caller_name or call.caller_number}", call.caller_number
                brief = BriefCall(order.leg, order.phone, order.ring, name, number, language, order.prompt)
                self._pbx.ring_briefly(brief)
            case ReturnToLine():
                self._return(call, order.queue)

    def observe(self, seen: o.Observation) -> None:
        """Take note of keys, and of channels that come up or end."""
        now = self._board.clock()
        match seen:
            case o.KeySeen():
                call = self._board.calls.here.get(seen.channel)
                if call is not None:
                    self._board.take(self.holding.key(call.id, seen.key, now))
            case o.ChannelUp():
                self.holding.heard(seen.channel, now)
            case o.WordOver():
                self._board.take(self.holding.over(seen.leg, seen.end, now))
            case o.ChannelEnded():
                self._board.take(self.holding.over(seen.channel, WordEnd.FAILED, now))

    def compare(self, live: dict[str, o.LiveChannel], hold: Callable[[o.HoldSeen], None]) -> None:
        """Make up for holds and resumes that were missed (`hold` takes them), and take up the words that are being said."""
        for call in list(self._board.calls.here.values()):
            there = live.get(call.leg or "")
            if there is not None and there.held is not None:
                hold(o.HoldSeen(there.channel, there.held))
        self._board.take(self.holding.compare(live, self._board.clock()))

    def _has_place(self, call_id: str) -> bool:
        """Tell whether a caller came by a line: a customer who was called back has no place to go back to."""
        call = self._board.calls.here.get(call_id)
        return call is not None and call.called_at is None

    def _return(self, call: Call, queue_id: str) -> None:
        """Take a caller out of a conversation to the head of a line, as promised, with the time first entered."""
        now, line = self._board.clock(), self._board.line
        self._pbx.send_to_line(call.at)
        self._end_talk(call, "the caller went back to the line")
        queue, entered = line.plan.queues[queue_id], now if call.entered is None else call.entered
        tier = line.plan.tiers.get(call.attributes.get("tier", ""), NO_TIER)
        place = line.books.head_of(queue_id, entered, tier.priority or queue.priority, queue.bonus + tier.bonus)
        self._board.record(
            e.CallEntered(
                at=now,
                call=call.id,
                queue=queue_id,
                entered=entered,
                priority=place[0],
                bonus=place[1],
                wants=call.wants.text,
                offers_made=call.offers_made,
            )
        )
