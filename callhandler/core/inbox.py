"""The inbox: what waits for a person to see to, as facts say it. Messages, missed callers, callbacks that failed, promises broken.

One item for each number and kind: who called three times in vain is one thing to do, not three. An item is done when a person says
so, or by itself when its number has since talked with an agent. Each fact names a call, so an item knows the calls it is made of.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from callhandler.core import events as e
from callhandler.core.decisions import Decision
from callhandler.core.model import Outcome, RingEnd
from callhandler.core.views import ItemState, ItemView

KINDS = MESSAGE, MISSED, CALLBACK_FAILED, PROMISE_BROKEN = "message", "missed", "callback failed", "promise broken"
_IN_VAIN = (Outcome.ABANDONED, Outcome.TIMEOUT, Outcome.NOBODY, Outcome.FULL)
"""How calls end whose callers wanted somebody and got nobody."""


@dataclass(slots=True)
class _Open:
    kind: str
    number: str
    queue: str
    since: float
    last: float
    reason: str
    calls: tuple[str, ...] = ()  # thousands may wait for a person, most of a single call
    by: str = ""

    def seen(self, files: dict[str, list[str]], done: e.ItemDone | None = None) -> ItemView:
        state = ItemState.CLAIMED if self.by else ItemState.OPEN
        return ItemView(
            kind=self.kind,
            number=self.number,
            queue=self.queue,
            state=state if done is None else ItemState.DONE,
            since=self.since,
            last=self.last,
            reason=self.reason if done is None else done.reason,
            calls=self.calls,
            files=tuple(file for call in self.calls for file in files.get(call, ())) if self.kind == MESSAGE else (),
            by=self.by if done is None else done.by,
            done_at=None if done is None else done.at,
        )


class Inbox:
    """All items, computed from facts."""

    def __init__(self, keep_done: bool = False) -> None:
        """Start empty. `keep_done` keeps items that are done, for people to look at."""
        self._keep_done = keep_done
        self._open: dict[tuple[str, str], _Open] = {}
        self._files: dict[str, list[str]] = {}
        self._done: list[ItemView] = []

    @property
    def is_done(self) -> bool:
        """Tell whether nothing waits for a person."""
        return not self._open

    def items(self) -> list[ItemView]:
        """Return the items that aren't done, oldest first, then those that are, where they are kept."""
        return [*self.waiting(), *self._done]

    def waiting(self) -> list[ItemView]:
        """Return the items that aren't done, oldest first."""
        return [one.seen(self._files) for one in sorted(self._open.values(), key=lambda one: one.since)]

    def of_call(self, call: str) -> list[ItemView]:
        """Return the items that aren't done and have to do with a call."""
        return [one.seen(self._files) for one in self._open.values() if call in one.calls]

    def of_numbers(self, numbers: Collection[str]) -> list[ItemView]:
        """Return the items that aren't done of a caller who is known by these numbers."""
        # Asked whenever somebody talks: looked up, for there may be thousands of items.
        found = [one for kind in KINDS for number in numbers if (one := self._open.get((kind, number))) is not None]
        return [one.seen(self._files) for one in sorted(found, key=lambda one: (one.since, one.calls))]

    def apply(self, fact: e.Fact) -> None:
        """Change the inbox as a fact says. A fact told twice changes nothing the second time."""
        match fact:
            case e.MessageLeft():
                files = self._files.setdefault(fact.call, [])
                if fact.file not in files:
                    files.append(fact.file)
            case e.ItemOpened():
                self._opened(fact)
            case e.ItemClaimed():
                for one in self._open.values():
                    if fact.call in one.calls:
                        one.by = fact.by
            case e.ItemDone():
                self._close(fact)

    def _opened(self, fact: e.ItemOpened) -> None:
        key = (fact.item, fact.number or fact.call)
        one = self._open.setdefault(key, _Open(fact.item, fact.number, fact.queue, fact.at, fact.at, fact.reason))
        one.last, one.reason, one.queue = max(one.last, fact.at), fact.reason, fact.queue or one.queue
        if fact.call not in one.calls:
            one.calls += (fact.call,)

    def _close(self, fact: e.ItemDone) -> None:
        for key, one in list(self._open.items()):
            if fact.call not in one.calls:
                continue
            if self._keep_done:
                self._done.append(one.seen(self._files, fact))
            del self._open[key]
        if not self._keep_done:
            self._files.pop(fact.call, None)


@dataclass(slots=True)
class _Seen:
    """What the inbox must know of a call that is here, or is to be called back.

    `shown` is the number it came with; `waits` is whether the caller has waited for us, in a line or ringing, and nothing came of it yet:
    neither a talk nor a message. `left` is how the caller last left a line without an agent, None while in one.
    """

    number: str
    shown: str
    queue: str = ""
    waits: bool = False
    left: Outcome | None = None
    called_back: bool = False


class InboxKeeper:
    """Opens items for callers who got nobody, and closes those of callers who have. A follower (core/following.py)."""

    heeds = (
        e.CallArrived, e.CallKeptRinging, e.CallRang, e.CallEntered, e.CallMoved, e.CallAbandoned, e.CallLeftLine, e.CallConnected,
        e.ExtensionConnected, e.CallEnded, e.CallbackRequested, e.CallbackEnded, e.MessageLeft, e.ItemOpened, e.ItemClaimed, e.ItemDone,
    )  # fmt: skip

    def __init__(self, known_as: Callable[[str], str] = str) -> None:
        """Take how callbacks write a number, who may have been missed under the one that the trunk showed."""
        self.inbox = Inbox()
        self._seen: dict[str, _Seen] = {}
        self._known_as = known_as

    def apply(self, fact: e.Fact) -> None:
        """Take note of a fact."""
        match fact:
            case e.CallArrived():
                self._seen[fact.call] = _Seen(fact.caller_number, fact.caller_number)
            case e.CallEntered() | e.CallMoved():
                if seen := self._seen.get(fact.call):
                    seen.queue, seen.waits, seen.left = fact.queue, True, None
            case e.CallKeptRinging():
                self._waits(fact.call, True)
            case e.CallAbandoned():
                self._left(fact.call, Outcome.ABANDONED)
            case e.CallLeftLine():
                self._left(fact.call, fact.outcome)
            case e.CallRang(reason=RingEnd.LET_IN | RingEnd.LONGEST) | e.CallConnected() | e.ExtensionConnected():
                self._waits(fact.call, False)
            case e.CallbackRequested():
                seen = self._seen.get(fact.call)
                shown = "" if seen is None else seen.shown
                self._seen[fact.call] = _Seen(fact.number, shown, fact.queue, called_back=True)
            case e.CallEnded():
                if (seen := self._seen.get(fact.call)) and not seen.called_back:
                    del self._seen[fact.call]
            case e.CallbackEnded():
                self._seen.pop(fact.call, None)
            case e.MessageLeft():
                self._waits(fact.call, False)
                self.inbox.apply(fact)
            case e.ItemOpened() | e.ItemClaimed() | e.ItemDone():
                self.inbox.apply(fact)

    def _waits(self, call: str, waits: bool) -> None:
        if seen := self._seen.get(call):
            seen.waits = waits

    def _left(self, call: str, outcome: Outcome) -> None:
        if seen := self._seen.get(call):
            seen.left, seen.waits = outcome, seen.waits and outcome is not Outcome.CALLBACK

    def follow(self, fact: e.Fact, now: float) -> list[e.Fact | Decision]:
        """Take note of a fact, and return what opens or closes with it."""
        follows: list[e.Fact | Decision] = []
        match fact:
            case e.CallEnded():
                follows += self._missed(fact, now)
            case e.CallConnected():
                follows += self._reached(fact, now)
        self.apply(fact)
        return follows

    def wake(self, key: tuple[str, str], now: float) -> Iterable[e.Fact | Decision]:
        """Nothing is ever due here."""
        return ()

    def resume(self, now: float) -> Iterable[e.Fact | Decision]:
        """Nothing is ever due here."""
        return ()

    def _missed(self, fact: e.CallEnded, now: float) -> list[e.Fact | Decision]:
        seen = self._seen.get(fact.call)
        if seen is None or not seen.number or seen.called_back:
            return []
        match fact.outcome:
            case Outcome.CLOSED:
                missed, reason = seen.queue != "", fact.outcome.value
            case Outcome.WITHDRAWN:
                missed, reason = seen.waits, fact.reason
            case Outcome.ANSWERED:  # came back to a line after a talk, and got nobody there
                missed, reason = seen.waits, fact.reason if seen.left is None else seen.left.value
            case outcome:
                missed, reason = outcome in _IN_VAIN, outcome.value
        item = e.ItemOpened(at=now, call=fact.call, queue=seen.queue, item=MISSED, number=seen.number, reason=reason)
        return [item] if missed else []

    def _reached(self, fact: e.CallConnected, now: float) -> list[e.Fact | Decision]:
        seen = self._seen.get(fact.call)
        if seen is None or self.inbox.is_done:
            return []
        numbers = {seen.number, self._known_as(seen.number)}
        if seen.shown not in numbers and self._known_as(seen.shown) in numbers:  # else it is somebody else's phone
            numbers.add(seen.shown)
        calls = dict.fromkeys(call for item in self.inbox.of_numbers(numbers) for call in item.calls)
        reason = f"has talked with agent {fact.agent} since"
        return [e.ItemDone(at=now, call=call, by=HOUSE, reason=reason) for call in calls]


HOUSE = "callhandler"
"""Who closes items by itself."""
