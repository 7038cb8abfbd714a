"""The books of holds under way: who is held by whom, since when, and what was said in it. Computed from facts, like books.py.

Nothing is decided here; holding.py decides. All times are seconds since the epoch.
"""

from collections import deque
from dataclasses import dataclass

from callhandler.core import events as e
from callhandler.core.model import Where

WORDS_REMEMBERED = 20


@dataclass(slots=True)
class Word:
    """Something being said. `started` is None until the caller hears it; `due` is when it was to begin at the latest."""

    leg: str
    said: str
    due: float
    started: float | None = None


@dataclass(slots=True)
class Held:
    """A caller on hold. `last` is when the caller was last talked or spoken to, `reminders` how often the agent was reminded.

    `word`, `reminder` (a leg) and `unheard` (the last word could not be said) are of the moment: no fact tells them.
    """

    call: str
    leg: str
    agent: str
    since: float
    last: float
    words: int = 0
    reminders: int = 0
    alerted: bool = False
    breached: bool = False
    word: Word | None = None
    reminder: str | None = None
    unheard: bool = False

    @property
    def hears(self) -> bool:
        """Whether something is being said right now."""
        return self.word is not None and self.word.started is not None

    @property
    def told_of_key(self) -> bool:
        """Whether the caller has heard of the key: one pressed before is a slip, and must not end a conversation."""
        return self.words > 0 or self.hears


class Holds:
    """All holds under way, by call, and the offers that led to the conversations: phone and queue.

    `lengths` are those of the last words said whole, in seconds; `gap` is the last time that Asterisk was not seen: from, until (None
    while it lasts) and its reason.
    """

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self.offers: dict[str, e.AgentOffered] = {}
        self.lengths: deque[float] = deque(maxlen=WORDS_REMEMBERED)
        self.gap: tuple[float, float | None, str] | None = None

    def apply(self, fact: e.Fact) -> None:
        """Change the books as a fact says. Other facts change nothing."""
        match fact:
            case e.AgentOffered():
                self.offers[fact.leg] = fact
            case e.OfferEnded():
                self.offers.pop(fact.leg, None)
            case e.CallHeld():
                self.held[fact.call] = Held(fact.call, fact.leg, fact.agent, fact.at, fact.at)
            case e.CallResumed() | e.HeldCallerReturned() | e.CallEnded():
                self.held.pop(fact.call, None)
            case e.TalkEnded():
                self.held.pop(fact.call, None)
                self.offers.pop(fact.leg, None)
            case e.CheckedIn(where=Where.ON_HOLD) if held := self.held.get(fact.call):
                held.last, held.words, held.breached, held.unheard = fact.at, held.words + 1, False, False
                if not fact.cut_by:
                    self.lengths.append(fact.at - fact.started)
            case e.CheckInBreached(where=Where.ON_HOLD) if held := self.held.get(fact.call):
                held.breached = True
            case e.HoldReminded() if held := self.held.get(fact.call):
                held.reminders += 1
            case e.AlarmRaised(kind="hold") if held := self.held.get(fact.call or ""):
                held.alerted = True
            case e.GapBegan():
                self.gap = (fact.at, None, fact.reason)
            case e.GapEnded() if self.gap is not None:
                self.gap = (self.gap[0], fact.at, self.gap[2])

    def speaking(self, leg: str) -> Held | None:
        """Return the hold in which a channel says something."""
        call, _ = word_of(leg)
        held = self.held.get(call or "")
        return held if held is not None and held.word is not None and held.word.leg == leg else None


def word_leg(call: str, at: float) -> str:
    """Return the unique id of a channel that speaks to a call from `at` on."""
    return f"{call}-w{round(at * 1000)}"


def ring_leg(call: str, at: float) -> str:
    """Return the unique id of a channel that rings briefly because of a call."""
    return f"{call}-r{round(at * 1000)}"


def word_of(leg: str) -> tuple[str | None, float]:
    """Return the call that a speaking channel speaks to and when it was to begin, by its unique id; None for other channels."""
    call, mark, began = leg.rpartition("-w")
    return (call, int(began) / 1000) if mark and began.isascii() and began.isdigit() else (None, 0.0)
