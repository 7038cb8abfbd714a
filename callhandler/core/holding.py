"""Callers on hold by their agent's handset: the agent is reminded, the caller spoken to, the supervisor told, and a key leads back.

A follower (following.py): a hold is taken up again after a restart, from its facts (holds.py). Nothing here parts the two: what is said
goes over the music, and only the caller's key ends the conversation. A hold is silent from its beginning, or from the end of the last
word said in it.
"""

from collections.abc import Callable, Collection

from callhandler.core import events as e
from callhandler.core.checkins import due, starts_at
from callhandler.core.decisions import Decision, EndLeg, ReturnToLine, RingBriefly, SpeakTo, WakeAt
from callhandler.core.holds import Held, Holds, Word, ring_leg, word_leg, word_of
from callhandler.core.model import Plan, Promise, Where, WordEnd
from callhandler.core.watch import AWAY, JUST_AFTER, MISSING, NOT_RUNNING, SLOW, TOO_LONG, UNSEEN

RETURN_KEY = "1"
REMIND_RING = 8.0
"""Seconds that a reminder rings, at most: never until the next one."""
LONGEST_WORD = 30.0
"""Seconds after which a word whose end wasn't seen is taken for failed."""
RETRY = 5.0
"""Seconds after which a word that failed is tried again."""

Outcomes = list[e.Fact | Decision]


class Holding:
    """What is due in the holds under way. `wake` keys begin with `hold `."""

    heeds = (
        e.AgentOffered, e.OfferEnded, e.CallHeld, e.CallResumed, e.TalkEnded, e.CallEnded, e.HeldCallerReturned, e.CheckedIn,
        e.CheckInBreached, e.HoldReminded, e.AlarmRaised, e.GapBegan, e.GapEnded,
    )  # fmt: skip

    def __init__(self, plan: Callable[[], Plan], has_place: Callable[[str], bool] = lambda call: True) -> None:
        """Take how to get at the plan in force, and whether a call has a place in line to go back to."""
        self.books = Holds()
        self.apply = self.books.apply
        self._plan = plan
        self._has_place = has_place
        self._attached = False

    # --- what follows -----------------------------------------------------------------------------------------------

    def follow(self, fact: e.Fact, now: float) -> Outcomes:
        """Apply a fact that was just recorded, and return what follows from it."""
        held = self.books.held.get(getattr(fact, "call", None) or "")
        offer = self.books.offers.get(held.leg) if held is not None else None
        self.apply(fact)
        match fact:
            case e.CallHeld():
                return self._timers(self.books.held[fact.call])
            case e.CheckedIn() if held is not None:
                return self._timers(held)
            case e.CallResumed() if held is not None:
                return self._end(held, "resume", now)
            case e.TalkEnded() if held is not None:
                return self._end(held, "transfer" if fact.reason == "transferred" else "hang-up", now)
            case e.CallEnded() if held is not None:
                return self._end(held, "hang-up", now)
            case e.HeldCallerReturned() if held is not None and offer is not None:
                return self._return(held, offer, now)
        return []

    def wake(self, key: tuple[str, str], now: float) -> Outcomes:
        """Do what was to be done at this time; what isn't due, or due in a hold that is over, does nothing."""
        what, call = key
        held = self.books.held.get(call)
        if held is None:
            return []
        match what:
            case "hold word" if self._attached and held.word is None and now >= self._next_word(held):
                return self._speak(held, now)
            case "hold word over" if held.word is not None and now >= word_of(held.word.leg)[1] + LONGEST_WORD:
                return [EndLeg(held.word.leg), *self.over(held.word.leg, WordEnd.FAILED, now)]
            case "hold reminder" if self._attached and now >= self._next_reminder(held):
                return self._remind(held, now)
            case "hold alert" if not held.alerted and now >= held.since + self._plan().holds.alert:
                return self._alert(held, now)
            case "hold breach":
                return self._breach(held, now)
        return []

    def suspend(self) -> None:
        """Asterisk isn't seen any more: say nothing until `resume`."""
        self._attached = False

    def resume(self, now: float) -> Outcomes:
        """Asterisk is seen: set all timers (again)."""
        self._attached = True
        return [order for held in self.books.held.values() for order in self._timers(held)]

    # --- what is seen -----------------------------------------------------------------------------------------------

    def compare(self, channels: Collection[str], now: float) -> Outcomes:
        """Take up the words that are being said, also by a daemon before this one; those in no hold (any more) are ended."""
        out: Outcomes = []
        for held in self.books.held.values():
            if held.word is not None and held.word.leg not in channels:
                out += self.over(held.word.leg, WordEnd.CUT, now)
        for channel in channels:
            call, began = word_of(channel)
            hold = self.books.held.get(call or "")
            if call is not None and hold is None:
                out.append(EndLeg(channel))
            elif hold is not None and hold.word is None:
                said = "held held-key" if self._has_place(hold.call) else "held"
                hold.word = Word(channel, said, self._due(hold), began)
                out.append(WakeAt(now + LONGEST_WORD, ("hold word over", hold.call)))
        return out

    def heard(self, channel: str, now: float) -> None:
        """A channel is up: if it says something, the caller hears it from now on."""
        held = self.books.speaking(channel)
        if held is not None and held.word is not None and held.word.started is None:
            held.word.started = now

    def over(self, leg: str, end: WordEnd, now: float) -> Outcomes:
        """A word is over, or a reminder has stopped ringing. Other channels are passed over."""
        held = self.books.speaking(leg)
        if held is None or held.word is None:
            for one in self.books.held.values():
                if one.reminder == leg:
                    one.reminder = None
            return []
        word, held.word = held.word, None
        if end is WordEnd.WHOLE:
            return [*self._breach(held, now), _checked_in(held, word, "", now)]
        held.unheard = end is WordEnd.FAILED
        return [WakeAt(now + RETRY, ("hold word", held.call))]

    def key(self, call: str, key: str, now: float) -> Outcomes:
        """A caller pressed a key: on hold, and told of it, the one key leads back to the head of the line."""
        held = self.books.held.get(call)
        if held is None or key != RETURN_KEY or not held.told_of_key or not self._has_place(call):
            return []
        offer = self.books.offers.get(held.leg)
        if offer is None or offer.queue not in self._plan().queues:
            return []
        return [e.HeldCallerReturned(at=now, call=call, agent=held.agent, queue=offer.queue)]

    # --- one hold ---------------------------------------------------------------------------------------------------

    def _timers(self, held: Held) -> Outcomes:
        due = [
            (self._next_word(held), "hold word"),
            (self._next_reminder(held), "hold reminder"),
            (held.last + self._plan().promise.at_most + JUST_AFTER, "hold breach"),
            (held.since + self._plan().holds.alert, "hold alert"),
        ]
        return [WakeAt(when, (what, held.call)) for when, what in due]

    def _due(self, held: Held) -> float:
        """When the next word is to begin at the latest, so that it ends within what is promised."""
        return due(held.last, self._plan().promise, self._longest())

    def _next_word(self, held: Held) -> float:
        """When the next word is to begin: the first by its own setting, earlier where it would not end in time."""
        promise = self._plan().promise
        aim = promise.aim if held.words else self._plan().holds.check_in
        return starts_at(held.last, Promise(promise.at_most, aim), self._longest())

    def _longest(self) -> float:
        return max(self.books.lengths, default=0.0)

    def _next_reminder(self, held: Held) -> float:
        """When the agent is reminded: at 45 s, then whenever the hold has grown twice as long, so that nobody is pestered."""
        return held.since + self._plan().holds.remind * 2.0**held.reminders

    def _speak(self, held: Held, now: float) -> Outcomes:
        turn = "std-held" if held.words % 2 == 0 else "std-held-again"
        prompts = (turn, "std-held-key") if self._has_place(held.call) else (turn,)
        said = " ".join(prompt.removeprefix("std-") for prompt in prompts)
        held.word = word = Word(word_leg(held.call, now), said, self._due(held))
        over = WakeAt(now + LONGEST_WORD + 0.1, ("hold word over", held.call))
        return [SpeakTo(held.call, word.leg, prompts), over]

    def _remind(self, held: Held, now: float) -> Outcomes:
        offer = self.books.offers.get(held.leg)
        if offer is None:
            return []
        length = now - held.since
        held.reminder = ring_leg(held.call, now)
        text, ring = f"ON HOLD {_clock(length)}", min(REMIND_RING, self._plan().holds.remind)
        following = held.since + self._plan().holds.remind * 2.0 ** (held.reminders + 1)
        return [
            e.HoldReminded(at=now, call=held.call, agent=held.agent, held=length),
            RingBriefly(held.call, held.reminder, offer.phone, ring, text, "std-hold-reminder"),
            WakeAt(following, ("hold reminder", held.call)),
        ]

    def _alert(self, held: Held, now: float) -> Outcomes:
        offer = self.books.offers.get(held.leg)
        queue = offer.queue if offer is not None else None
        reason = f"agent {held.agent} has kept a caller on hold for {_clock(now - held.since)}"
        return [e.AlarmRaised(at=now, kind="hold", call=held.call, agent=held.agent, queue=queue, reason=reason)]

    def _breach(self, held: Held, now: float) -> Outcomes:
        """Write down that the promise was broken, once for each silence: it lasts to the end of the next word."""
        silent = now - held.last
        if held.breached or silent <= self._plan().promise.at_most:
            return []
        held.breached = True
        reason, where = self._cause(held), Where.ON_HOLD
        return [
            e.CheckInBreached(
                at=now, call=held.call, where=where, since=held.last, silent=round(silent, 3), reason=reason
            )
        ]

    def _cause(self, held: Held) -> str:
        gap = self.books.gap
        if gap is not None and (gap[1] is None or gap[1] > held.last):
            return AWAY if gap[2] == NOT_RUNNING else UNSEEN
        if held.unheard:
            return MISSING
        if held.word is not None and held.word.started is not None and held.word.started <= held.word.due:
            return TOO_LONG
        return SLOW

    def _end(self, held: Held, cut_by: str, now: float) -> Outcomes:
        """End all that goes on in a hold; a word that was being heard was cut, and a silence that grew too long is told."""
        out = self._breach(held, now)
        if held.word is not None:
            out.append(EndLeg(held.word.leg))
            if held.hears:
                out.append(_checked_in(held, held.word, cut_by, now))
        if held.reminder is not None:
            out.append(EndLeg(held.reminder))
        held.word = held.reminder = None
        return out

    def _return(self, held: Held, offer: e.AgentOffered, now: float) -> Outcomes:
        text, note = "BACK IN LINE", ring_leg(held.call, now)
        return [
            *self._end(held, "key", now),
            ReturnToLine(held.call, offer.queue),
            RingBriefly(held.call, note, offer.phone, REMIND_RING, text, "std-hold-returned"),
        ]


def _checked_in(held: Held, word: Word, cut_by: str, now: float) -> e.CheckedIn:
    started = now if word.started is None else word.started
    where = Where.ON_HOLD
    return e.CheckedIn(
        at=now, call=held.call, where=where, due=word.due, started=started, said=word.said, cut_by=cut_by
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
