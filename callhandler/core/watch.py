"""The watch over those in line: who was last spoken to when, who is being spoken to, and whose silence has become too long.

It keeps the promise's evidence: a CheckedIn for every spoken word, whatever cut it, and one CheckInBreached with its cause for every
silence longer than promised. The end of a word that was cut from outside is settled by what the switchboard sees of the call (answered,
gone), never by what a script sees of its session. A silence lasts from the end of the last word that is known, through crashes.
"""

from collections import deque
from dataclasses import dataclass, field

from callhandler.core import events as e
from callhandler.core.books import Books
from callhandler.core.checkins import TURNS, Before, CheckIn, due, starts_at
from callhandler.core.decisions import Decision, WakeAt
from callhandler.core.model import Where

AWAY = "the daemon was away"
UNSEEN = "Asterisk was not seen"
MISSING = "a prompt is missing"
SLOW = "the machine is slow"
TOO_LONG = "what was said is too long"
NOT_RUNNING = "the daemon was not running"
"""The reason of a gap that a start after a stop or a crash writes (switchboard.py)."""

MENU = "menu"
"""What a conversation that the caller began is called: there is no silence in it, however long it takes."""
WORDS_REMEMBERED = 20
TRY_AGAIN = 5.0
"""Seconds until it is tried again to say something, where nothing was heard."""
JUST_AFTER = 0.01
"""A silence exactly as long as promised is kept; seen so late, one is longer."""

Outs = list[e.Fact | Decision]


@dataclass(frozen=True, slots=True)
class Word:
    """A word being spoken."""

    what: CheckIn
    started: float
    due: float

    @property
    def is_menu(self) -> bool:
        """Tell whether it is a conversation that the caller began."""
        return self.what.said[0] == MENU


@dataclass(slots=True)
class Silence:
    """One caller in line: since when nobody spoke, what was told before, and the word being spoken now."""

    since: float
    before: Before = field(default_factory=Before)
    word: Word | None = None
    unheard: bool = False
    not_before: float = 0.0
    breached: bool = False


class Watch:
    """Everybody in line; a follower of the switchboard."""

    heeds = (
        e.CallEntered, e.CallbackAccepted, e.CallbackAttemptEnded, e.CallbackEnded, e.CallMoved, e.CheckedIn, e.CheckInBreached,
        e.CallConnected, e.CallAbandoned, e.CallLeftLine, e.CallEnded, e.GapBegan, e.GapEnded,
    )  # fmt: skip

    def __init__(self, books: Books) -> None:
        self._books = books
        self._silences: dict[str, Silence] = {}
        self._lengths: deque[float] = deque(maxlen=WORDS_REMEMBERED)
        self._gap: tuple[float, float | None, str] | None = None

    # --- what a script asks and tells -------------------------------------------------------------------------------

    def before(self, call: str) -> Before:
        """Return what somebody in line was told so far."""
        silence = self._silences.get(call)
        return Before() if silence is None else silence.before

    def starts_at(self, call: str, now: float) -> float:
        """Return when the next word to a call is to begin; now, for one that isn't in line."""
        silence = self._silences.get(call)
        if silence is None:
            return now
        return max(silence.not_before, starts_at(silence.since, self._books.plan.promise, self._longest()))

    def begin(self, call: str, what: CheckIn, now: float) -> None:
        """Take note that a word begins."""
        silence = self._silences.get(call)
        if silence is not None:
            silence.word = Word(what, now, due(silence.since, self._books.plan.promise, self._longest()))

    def end(self, call: str, cut_by: str, at: float) -> Outs:
        """Return the facts of a word that ended `at`; none when it was settled already."""
        silence = self._silences.get(call)
        if silence is None or silence.word is None:
            return []
        at = max(at, silence.word.started)
        return [*self._breach(call, silence, at), self._said(call, silence, cut_by, at)]

    def unheard(self, call: str, now: float) -> None:
        """Take note that nothing was heard of the word begun last: its prompts are missing."""
        silence = self._silences.get(call)
        if silence is not None and silence.word is not None:
            silence.word, silence.unheard, silence.not_before = None, True, now + TRY_AGAIN

    # --- following --------------------------------------------------------------------------------------------------

    def follow(self, fact: e.Fact, now: float) -> Outs:
        """Apply a fact. Who leaves the line is answered or gone: that cut the word, and ended the silence."""
        out: Outs = []
        match fact:
            case e.CallConnected():
                out = self._over(fact.call, "answer", now)
            case e.CallAbandoned() | e.CallEnded() | e.CallbackAttemptEnded() | e.CallbackEnded():
                out = self._over(fact.call, "hang-up", now)
            case e.CallLeftLine():
                out = self._over(fact.call, "line", now)
        self.apply(fact)
        if isinstance(fact, e.CallEntered | e.CallbackAccepted) or (
            isinstance(fact, e.CheckedIn) and fact.where is Where.IN_LINE
        ):
            out += self._timer(fact.call)
        return out

    def apply(self, fact: e.Fact) -> None:
        """Take note of a fact."""
        match fact:
            case e.CallEntered() | e.CallbackAccepted() if fact.call not in self._silences:
                self._silences[fact.call] = Silence(fact.at)
            case e.CheckedIn(where=Where.IN_LINE):
                self._checked_in(fact)
            case e.CallMoved() if (silence := self._silences.get(fact.call)) is not None:
                silence.before = Before(silence.before.times)
            case e.CheckInBreached(where=Where.IN_LINE):
                if (silence := self._silences.get(fact.call)) is not None:
                    silence.breached = fact.since >= silence.since
            case (
                e.CallConnected()
                | e.CallAbandoned()
                | e.CallLeftLine()
                | e.CallEnded()
                | e.CallbackAttemptEnded()
                | e.CallbackEnded()
            ):
                self._silences.pop(fact.call, None)
            case e.GapBegan():
                self._gap = (fact.at, None, AWAY if fact.reason == NOT_RUNNING else UNSEEN)
            case e.GapEnded() if self._gap is not None:
                self._gap = (self._gap[0], fact.at, self._gap[2])

    def wake(self, key: tuple[str, str], now: float) -> Outs:
        """See whether a silence has become too long."""
        silence = self._silences.get(key[1]) if key[0] == "silence" else None
        return [] if silence is None else self._breach(key[1], silence, now)

    def resume(self, now: float) -> Outs:
        """Watch everybody again, those whose silence became too long meanwhile at once."""
        return [out for call in self._silences for out in self._timer(call)]

    # --- inside -----------------------------------------------------------------------------------------------------

    def _timer(self, call: str) -> Outs:
        silence = self._silences.get(call)
        if silence is None or silence.breached:
            return []
        return [WakeAt(silence.since + self._books.plan.promise.at_most + JUST_AFTER, ("silence", call))]

    def _longest(self) -> float:
        return max(self._lengths, default=0.0)

    def _said(self, call: str, silence: Silence, cut_by: str, now: float) -> e.CheckedIn:
        word, silence.word = silence.word, None
        assert word is not None
        if not cut_by and not word.is_menu:
            self._lengths.append(now - word.started)
        return e.CheckedIn(
            at=now,
            call=call,
            where=Where.IN_LINE,
            due=word.due,
            started=word.started,
            said=" ".join(word.what.said),
            cut_by=cut_by,
            position=word.what.position,
            most=word.what.most,
        )

    def _checked_in(self, fact: e.CheckedIn) -> None:
        silence = self._silences.get(fact.call)
        if silence is None:
            return
        silence.since, silence.unheard, silence.breached, silence.not_before = fact.at, False, False, 0.0
        before, position, until = silence.before, silence.before.position, silence.before.until
        if not fact.cut_by and fact.position is not None:
            position = fact.position
            if fact.most is not None:
                until = fact.at + fact.most
            elif "busier" in fact.said.split():  # said to take longer than was told, and not how long
                until = None
        silence.before = Before(before.times + fact.said.startswith(TURNS), position, until)

    def _over(self, call: str, cut_by: str, now: float) -> Outs:
        """What follows when a call leaves the line: its last word was cut, or its silence was too long."""
        silence = self._silences.get(call)
        if silence is None:
            return []
        out: Outs = self._breach(call, silence, now)
        if silence.word is not None:
            out.append(self._said(call, silence, cut_by, now))
        return out

    def _breach(self, call: str, silence: Silence, now: float) -> Outs:
        word = silence.word
        silent = (word.started if word is not None and word.is_menu else now) - silence.since
        if silence.breached or silent <= self._books.plan.promise.at_most:
            return []
        silence.breached = True
        reason = self._cause(silence, now)
        return [
            e.CheckInBreached(
                at=now, call=call, where=Where.IN_LINE, since=silence.since, silent=round(silent, 3), reason=reason
            )
        ]

    def _cause(self, silence: Silence, now: float) -> str:
        if self._gap is not None and (self._gap[1] is None or self._gap[1] > silence.since):
            return self._gap[2]
        if silence.unheard:
            return MISSING
        if silence.word is not None and silence.word.started <= silence.word.due:
            return TOO_LONG
        return SLOW
