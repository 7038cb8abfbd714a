"""A small house in virtual time in which callers wait: the real script, line and watch, and a world that goes wrong as told.

What a caller really heard is kept apart from what the journal says of it (`Listener.words`), so that the two can be compared.
"""

import asyncio
from dataclasses import dataclass, field
from itertools import count

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.model import Device, Plan
from callhandler.core.ports import OfferLeg
from callhandler.errors import CallerGone
from callhandler.scripts.caller import ANY_KEY, Recorded, Spoken
from callhandler.scripts.house import Session
from callhandler.scripts.waiting import wait_in_line
from callhandler.site.models import Site
from callhandler.switchboard import Switchboard
from tests.unit.core.world import FakePbx
from tests.unit.scripts.ladder import FakeHouse

COMMAND = 0.002
"""Seconds that each command to Asterisk takes when nothing is slow."""
WORD = 1.7
"""Seconds that each piece of what is said lasts."""


class Handed(Exception):
    """The script gave the caller away in good order."""


@dataclass
class Listener:
    """A caller, as the script speaks with one. `words` are (from, to) of what was audible, in the house's time."""

    house: "House"
    language: str = "en"
    words: list[tuple[float, float]] = field(default_factory=list)
    gone: bool = False
    spoke_until: float | None = None
    _interrupted: asyncio.Future[str] | None = None

    @property
    def silent_for(self) -> float | None:
        return None if self.spoke_until is None else self.house.now - self.spoke_until

    def interrupt(self, what: str) -> None:
        """Let a key be pressed, or `gone`, or `cut` happen now; nothing, where nobody listens for it."""
        self.gone = self.gone or what == "gone"
        if self._interrupted is not None and not self._interrupted.done():
            self._interrupted.set_result(what)

    def cut(self) -> None:
        """Be cut short by the house."""
        self.interrupt("cut")

    async def _command(self) -> None:
        await asyncio.sleep(COMMAND + self.house.slow)
        if self.gone:
            raise CallerGone("gone")

    async def _during(self, seconds: float, keys: str) -> str | None:
        """Let time pass; return what ended it early."""
        until = self.house.now + seconds
        while (left := until - self.house.now) > 0:
            self._interrupted = asyncio.get_running_loop().create_future()
            try:
                what = await asyncio.wait_for(self._interrupted, left)
            except TimeoutError:
                return None
            finally:
                self._interrupted = None
            if what == "gone":
                raise CallerGone("gone")
            if what == "cut" or what in keys:
                return what
        return None

    async def answer(self) -> None:
        await self._command()

    async def speak_language(self, code: str) -> None:
        await self._command()

    async def say(self, *spoken: Spoken, keys: str = "") -> str | None:
        self.spoke_until = None
        for _ in spoken:
            await self._command()
            if self.house.missing:
                continue
            began = self.house.now
            try:
                what = await self._during(WORD, keys)
            finally:
                self.spoke_until = self.house.now
                self.words.append((began, self.spoke_until))
            if what is not None:
                return None if what == "cut" else what
        return None

    async def key(self, seconds: float, keys: str = ANY_KEY) -> str | None:
        await self._command()
        what = await self._during(seconds, keys)
        return None if what == "cut" else what

    async def ask(self, *spoken: Spoken, seconds: float) -> str | None:
        return await self.say(*spoken, keys=ANY_KEY) or await self.key(seconds)

    async def digits(self, *spoken: Spoken, most: int, seconds: float) -> None:
        await self.say(*spoken)

    async def record(self, name: str, *, most: float, silence: float) -> Recorded:
        began = self.house.now
        await self._command()
        await self._during(8.0, "")
        self.words.append((began, self.house.now))  # who speaks is not waiting in silence
        return Recorded(8.0, "#")

    async def music(self, name: str | None) -> None:
        await self._command()

    async def leave(self, context: str, exten: str = "s") -> None:
        raise Handed

    async def hang_up(self) -> None:
        raise Handed


class House:
    """Switchboard, journal, Asterisk and time. Everything runs in a loop whose time jumps."""

    def __init__(self, site: Site, plan: Plan) -> None:
        self.site = site
        self.facts: list[e.Fact] = []
        self.slow = 0.0
        self.missing = False
        self.listeners: dict[str, Listener] = {}
        self.left: dict[str, float] = {}
        self.last_seen = 0.0
        self._plan = plan
        self._life = 0
        self._ids = count(1)
        self._scripts: dict[str, asyncio.Task[None]] = {}
        self._start_daemon()
        self._see()

    @property
    def now(self) -> float:
        """The time, as everybody tells it."""
        return 1_000_000.0 + asyncio.get_running_loop().time()

    def append(self, fact: e.Fact) -> None:
        """Be the journal."""
        self.facts.append(fact)

    def _start_daemon(self) -> None:
        self._life += 1
        life, loop = self._life, asyncio.get_running_loop()

        def wake_at(when: float, key: tuple[str, str]) -> None:
            loop.call_at(when - 1_000_000.0, lambda: self.board.wake(key) if self._life == life else None)

        self.pbx = FakePbx()
        self.board = Switchboard(self._plan, self.pbx, self, lambda: self.now, wake_at)
        self.house = FakeHouse(self.site, self)

    def _see(self) -> None:
        phones = tuple(o.PhoneSeen(phone, Device.FREE) for phone in sorted(self._plan.phones))
        live = tuple(o.LiveChannel(call, call, None, "", call) for call in self.listeners if call not in self.left)
        self.board.observe(o.LinkUp("test", "22", live, phones))

    # --- callers ----------------------------------------------------------------------------------------------------

    def calls(self, queue: str) -> str:
        """Have somebody call and wait in a queue; return the call's id."""
        call_id = f"test-{next(self._ids):03}"
        self.listeners[call_id] = Listener(self)
        self.board.record(
            e.CallArrived(
                at=self.now, call=call_id, channel=call_id, number="5000", caller_number="", caller_name="", source=""
            )
        )
        self._run_script(call_id, queue)
        return call_id

    def _run_script(self, call_id: str, queue: str) -> None:
        listener, call = self.listeners[call_id], self.board.calls.here[call_id]
        visit = self.board.begin_visit(call, listener.cut, lambda: None)
        session = Session(listener, call, "5000", "", self.house, visit)
        work = self._script(session, queue, self.house)
        self._scripts[call_id] = asyncio.get_running_loop().create_task(work)

    async def _script(self, session: Session, queue: str, house: FakeHouse) -> None:
        try:
            await wait_in_line(session, queue)
        except (CallerGone, Handed):
            return
        self.leaves(session.call.id)

    def leaves(self, call_id: str) -> None:
        """Have a caller hang up."""
        if self._out(call_id):
            self.board.observe(o.ChannelEnded(call_id, 16, ""))

    def answered(self, call_id: str) -> None:
        """Have an agent's phone be answered for a caller, whether the daemon sees it or not."""
        legs = [leg for leg in self.pbx.ringing.values() if leg.call == call_id]
        if legs and self._out(call_id):
            self._answer(legs[0])

    def _answer(self, leg: OfferLeg) -> None:
        del self.pbx.ringing[leg.leg]
        self.board.observe(o.Bridged("b", frozenset((leg.leg, leg.call))))

    def _out(self, call_id: str) -> bool:
        """The session ends first, as on a real Asterisk; what AMI says comes a moment later."""
        if call_id in self.left:
            return False
        self.left[call_id] = self.now
        self.listeners[call_id].interrupt("gone")
        return True

    # --- what goes wrong --------------------------------------------------------------------------------------------

    async def killed(self, seconds: float) -> None:
        """Kill the daemon; after some seconds another takes up what the journal knows."""
        for task in self._scripts.values():
            task.cancel()
        await asyncio.gather(*self._scripts.values(), return_exceptions=True)
        last = self.facts[-1].at
        self._life += 1
        await asyncio.sleep(seconds)
        known = list(self.facts)
        self._start_daemon()
        self.board.restore(known, {}, last)
        for call_id, call in list(self.board.calls.here.items()):
            if call_id not in self.left:
                self._run_script(call_id, call.queue or "patient")
        self._see()

    async def unseen(self, seconds: float) -> None:
        """Lose the link to Asterisk for some seconds; sessions go on."""
        self.board.observe(o.LinkDown("test"))
        await asyncio.sleep(seconds)
        self._see()

    async def end(self) -> None:
        """Let everybody who is still there hang up."""
        for call_id in self.listeners:
            self.leaves(call_id)
        await asyncio.sleep(0.5)
        await asyncio.gather(*self._scripts.values(), return_exceptions=True)


def longest_silence(house: House, call: str) -> tuple[float, float]:
    """The longest time that a caller in line was without a spoken word: (seconds, since when). Ends of words count, as promised."""
    entered = next((fact.at for fact in house.facts if isinstance(fact, e.CallEntered) and fact.call == call), None)
    if entered is None:
        return 0.0, 0.0
    menus = [
        (fact.started, fact.at)
        for fact in house.facts
        if isinstance(fact, e.CheckedIn) and fact.call == call and fact.said.startswith("menu")
    ]
    until, last, longest = house.left.get(call, house.now), entered, (0.0, entered)
    contacts = [(end, end) for _, end in house.listeners[call].words if end > entered] + menus + _elsewhere(house, call)
    for begins, ends in sorted([*contacts, (until, until)]):
        if begins > last:
            longest = max(longest, (min(begins, until) - last, last))
        last = max(last, ends)
    return longest


def _elsewhere(house: House, call: str) -> list[tuple[float, float]]:
    """When a caller was out of the line, such as one whose daemon died with the message taken and the goodbye not yet said."""
    own = [fact for fact in house.facts if getattr(fact, "call", None) == call]
    left = [fact.at for fact in own if isinstance(fact, e.CallLeftLine)]
    entered = [fact.at for fact in own if isinstance(fact, e.CallEntered)]
    return [(at, next((back for back in entered if back > at), house.now)) for at in left]
