"""A call centre in virtual time: the real switchboard, line, watch, estimates, callbacks and conversations among people as drawn.

No asyncio: one heap holds the switchboard's timers and what people do, and each conversation is a coroutine that this heap goes on with, so
that the same seed is the same week to the last word. It must not know what is counted: `Centre.append` and `Person.silent` are overridden.
"""

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

from callhandler.callback_rooms import AgentsRoom, CustomersRoom
from callhandler.calling_back import AgentVisit
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import Callback
from callhandler.core.model import Device, OfferEnd
from callhandler.core.ports import BriefCall, DialLeg, OfferLeg, SpokenWord
from callhandler.errors import CallerGone
from callhandler.numbers import SiteNumbers
from callhandler.scripts.callback_agent import call_back
from callhandler.scripts.callback_customer import called_back
from callhandler.scripts.callback_house import AgentSession, CustomerSession
from callhandler.scripts.caller import Digits, Prompt, Spoken
from callhandler.scripts.house import Session
from callhandler.scripts.waiting import wait_in_line
from callhandler.site.models import Site
from callhandler.site.plan import plan
from callhandler.site.standard import standard, standard_callbacks
from callhandler.switchboard import Switchboard
from tests.unit.scripts.ladder import FakeHouse

SPOKEN = 14.0
"""Characters of a prompt that are spoken in a second; a digit, a number or a name of the site's takes half of one."""
COMMAND = 0.002
GONE, CUT = "gone", "cut"
VOICEMAIL_AFTER = 20.0


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is going to call: when, for how long they wait and talk (seconds), and which keys they press after which prompts.

    `reached` says how each attempt to call them back goes: seconds until they answer, or None for a phone that rings on.
    """

    at: float
    number: str
    patience: float
    talk: float
    keys: dict[str, str]
    reached: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """What conversations await: to go on after some seconds, or earlier with what happened."""

    seconds: float

    def __await__(self) -> Generator["Pause", str | None, str | None]:
        return (yield self)


class Person:
    """Somebody on the line with us, as a script speaks with them (scripts.caller.Caller, the verbs that are needed here)."""

    language = "en"

    def __init__(self, centre: "Centre", keys: dict[str, str]) -> None:
        """`keys` are pressed after the prompts they stand for."""
        self.centre, self.keys = centre, keys
        self.since = centre.now
        self._turn = 0
        self._gone = False
        self._script: Coroutine[Pause, str | None, object] | None = None

    @property
    def silent_for(self) -> float:
        """Return for how long nobody has spoken."""
        return self.centre.now - self.since

    def talk_to(self, script: Coroutine[Pause, str | None, object]) -> None:
        """Have a script speak with this person from now on."""
        self._script = script
        self._go_on(self._turn, None)

    def interrupt(self, what: str) -> None:
        """Interrupt what is being said or waited for, at this instant but after all that follows from what happens now."""
        self._gone = self._gone or what == GONE
        self.centre.at(self.centre.now, self._go_on, self._turn, what)

    def cut(self) -> None:
        """Be cut short by the house."""
        self.interrupt(CUT)

    def _go_on(self, turn: int, what: str | None) -> None:
        if turn != self._turn or self._script is None:
            return
        self._turn += 1
        try:
            pause = self._script.send(what)
        except (StopIteration, CallerGone):
            self._script = None
        else:
            self.centre.at(self.centre.now + pause.seconds, self._go_on, self._turn, None)

    async def _pass(self, seconds: float) -> str | None:
        what = GONE if self._gone else await Pause(seconds)
        if what == GONE or self._gone:
            raise CallerGone(GONE)
        return what

    # --- verbs ------------------------------------------------------------------------------------------------------

    async def answer(self) -> None:
        await self._pass(COMMAND)

    async def speak_language(self, code: str) -> None:
        await self._pass(COMMAND)

    async def say(self, *spoken: Spoken, keys: str = "") -> str | None:
        for piece in spoken:
            try:
                what = await self._pass(self.centre.length(piece))
            finally:
                self.hears()
            if what == CUT:
                return None
            key = self.keys.get(piece.id) if isinstance(piece, Prompt) else None
            if key is not None and key in keys:
                return key
        return None

    def hears(self) -> None:
        """Take note that a word has just ended."""
        self.since = self.centre.now

    async def key(self, seconds: float, keys: str = "") -> str | None:
        await self._pass(seconds)
        return None

    async def music(self, name: str | None) -> None:
        await self._pass(COMMAND)

    async def join(self, channel: str) -> None:
        self.centre.join(self, channel)
        await self._pass(0.0)

    async def hang_up(self) -> None:
        self.centre.hung_up_on(self)
        await self._pass(0.0)


class Waiter(Person):
    """A caller in line."""

    def __init__(self, centre: "Centre", visitor: Visitor, call: str) -> None:
        super().__init__(centre, visitor.keys)
        self.visitor, self.call = visitor, call

    def hears(self) -> None:
        self.centre.silent(self.silent_for)
        super().hears()


class OnPhone(Person):
    """An agent or a customer, at the leg that rang."""

    def __init__(self, centre: "Centre", keys: dict[str, str], leg: str) -> None:
        super().__init__(centre, keys)
        self.leg = leg
        self.visit: AgentVisit | None = None


class Centre:
    """A site's switchboard with its people; also its Asterisk."""

    def __init__(self, site: Site, start: float, seed: int) -> None:
        """Everybody is logged out at first, with all phones free."""
        self.now, self.site = start, site
        self.random = Random(seed)
        prompts = standard() | standard_callbacks(site.company.name)
        self.lengths = {name: len(prompt.texts["en"]) / SPOKEN for name, prompt in prompts.items()}
        self._heap: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._count = 0
        self._ringing: dict[str, OfferLeg | DialLeg] = {}
        self._waiters: dict[str, Waiter] = {}
        self._on_phones: dict[str, OnPhone] = {}
        self._visitors: dict[str, Visitor] = {}
        self.board = Switchboard(plan(site), self, self, lambda: self.now, self._wake_at, explain=False)
        self.house = FakeHouse(site, self)  # type: ignore[arg-type]  # it needs no more of a world than `now` and `board`
        self.board.callbacks.guard_by(SiteNumbers(site))
        phones = tuple(o.PhoneSeen(phone, Device.FREE) for phone in sorted(site.phones))
        self.board.observe(o.LinkUp("week", "", (), phones))

    def append(self, fact: e.Fact) -> None:
        """Be the journal."""

    def silent(self, seconds: float) -> None:
        """Take note of how long a caller in line was without the end of a word."""

    def length(self, piece: Spoken) -> float:
        """Return how long it takes to say something, in seconds."""
        if isinstance(piece, Prompt):
            return self.lengths.get(piece.id, 0.5)
        return 0.5 * len(piece.digits) if isinstance(piece, Digits) else 0.5

    def at(self, when: float, action: Callable[..., None], *arguments: object) -> None:
        """Have something happen."""
        self._count += 1
        heappush(self._heap, (when, self._count, action, arguments))

    def _wake_at(self, when: float, key: tuple[str, str]) -> None:
        self.at(max(when, self.now), self.board.wake, key)

    def until(self, end: float) -> None:
        """Let time pass."""
        while self._heap and self._heap[0][0] <= end:
            self.now, _, action, arguments = heappop(self._heap)
            action(*arguments)
        self.now = end

    # --- callers ----------------------------------------------------------------------------------------------------

    def arrives(self, visitor: Visitor) -> None:
        """Have somebody call and wait in line."""
        self._count += 1
        call_id = f"week-{self._count:07}"
        self._visitors[visitor.number] = visitor
        arrived = e.CallArrived(
            at=self.now,
            call=call_id,
            channel=call_id,
            number="5000",
            caller_number=visitor.number,
            caller_name="",
            source="",
        )
        self.board.record(arrived)
        waiter = self._waiters[call_id] = Waiter(self, visitor, call_id)
        call = self.board.calls.here[call_id]
        visit = self.board.begin_visit(call, waiter.cut, lambda: waiter.interrupt(GONE))
        self.at(self.now + visitor.patience, self._loses_patience, call_id)
        waiter.talk_to(self._waits(Session(waiter, call, "5000", "", self.house, visit), waiter))

    async def _waits(self, session: Session, waiter: Waiter) -> None:
        await wait_in_line(session, "desk")
        self._leaves(waiter)

    def _loses_patience(self, call_id: str) -> None:
        waiter = self._waiters.get(call_id)
        if waiter is not None and self.board.callbacks.find(call_id) is None:
            self._leaves(waiter)

    def _leaves(self, waiter: Waiter) -> None:
        if self._waiters.pop(waiter.call, None) is not None:
            self.silent(waiter.silent_for)
            waiter.interrupt(GONE)
            self.board.observe(o.ChannelEnded(waiter.call, 16, ""))

    # --- phones -----------------------------------------------------------------------------------------------------

    def offer(self, leg: OfferLeg) -> None:
        """Ring an agent, who answers after some seconds."""
        self._ringing[leg.leg] = leg
        self.at(self.now + self.random.uniform(2.0, 6.0), self._agent_answers, leg)

    def dial(self, leg: DialLeg) -> None:
        """Ring a customer."""
        self._ringing[leg.leg] = leg
        visitor = self._visitors[leg.number]
        attempt = int(leg.leg.rpartition("-d")[2])
        after = visitor.reached[attempt - 1]
        if after is None:
            self.at(self.now + leg.ring, self._fails, leg.leg, OfferEnd.NO_ANSWER)
        else:
            self.at(self.now + after, self._customer_answers, leg, after >= VOICEMAIL_AFTER)

    def cancel(self, leg: str) -> None:
        """Stop what rings, and let go of who is on the line."""
        if leg in self._ringing:
            self.at(self.now, self._fails, leg, OfferEnd.REFUSED)
        elif leg in self._on_phones:
            self.at(self.now, self._over, self._on_phones[leg])

    def _fails(self, leg: str, reason: OfferEnd) -> None:
        if self._ringing.pop(leg, None) is not None:
            self.board.observe(o.OfferFailed(leg, reason))

    def _agent_answers(self, leg: OfferLeg) -> None:
        if self._ringing.pop(leg.leg, None) is None:
            return
        if not leg.callback:
            self._joined(leg.leg, leg.call)
            return
        agent = self._on_phones[leg.leg] = OnPhone(self, {"std-cb-agent-choice": "1"}, leg.leg)
        self.board.observe(o.ChannelUp(leg.leg))
        agent.visit = self.board.callbacks.begin_agent(leg.leg, agent.cut)
        if agent.visit is None:
            self._over(agent)
            return
        room = AgentsRoom(self.board.callbacks, agent.visit, self.site, _on_disk)
        agent.talk_to(call_back(AgentSession(agent, self.site, self.now, room)))

    def _customer_answers(self, leg: DialLeg, is_voicemail: bool) -> None:
        if self._ringing.pop(leg.leg, None) is None:
            return
        keys = {} if is_voicemail else {"std-cb-accept": "1"}
        customer = self._on_phones[leg.leg] = OnPhone(self, keys, leg.leg)
        self.board.observe(o.ChannelUp(leg.leg))
        one = self.board.callbacks.customer_at(leg.leg)
        assert isinstance(one, Callback)
        room = CustomersRoom(self.board.callbacks, one, leg.leg)
        customer.talk_to(called_back(CustomerSession(customer, self.site, room)))

    def join(self, agent: Person, channel: str) -> None:
        """Join an agent with the customer who said yes."""
        assert isinstance(agent, OnPhone)
        assert agent.visit is not None
        self.board.callbacks.end_agent(agent.visit)
        for leg in (agent.leg, channel):
            self._on_phones.pop(leg).interrupt(GONE)
        self._joined(agent.leg, channel)

    def hung_up_on(self, person: Person) -> None:
        """Hang up on somebody."""
        assert isinstance(person, OnPhone)
        self.at(self.now, self._over, person)

    def _over(self, person: OnPhone) -> None:
        if self._on_phones.pop(person.leg, None) is None:
            return
        person.interrupt(GONE)
        if person.visit is not None:
            self.board.callbacks.end_agent(person.visit)
        self.board.observe(o.ChannelEnded(person.leg, 16, ""))

    def _joined(self, leg: str, caller: str) -> None:
        waiter = self._waiters.pop(caller, None)
        if waiter is not None:
            self.silent(waiter.silent_for)
            waiter.interrupt(GONE)
        self.board.observe(o.Bridged("b", frozenset((leg, caller))))
        call = self.board.calls.by_leg[leg]
        self.at(self.now + self._visitors[call.caller_number].talk, self._talk_over, leg, caller)

    def _talk_over(self, leg: str, caller: str) -> None:
        self.board.observe(o.ChannelEnded(leg, 16, ""))
        self.board.observe(o.ChannelEnded(caller, 16, ""))

    # --- not needed in this week ------------------------------------------------------------------------------------

    def hang_up(self, channel: str) -> None:
        """Nobody is withdrawn."""

    def speak_to(self, word: SpokenWord) -> None:
        """Nobody is put on hold."""

    def ring_briefly(self, call: BriefCall) -> None:
        """Nobody is put on hold."""

    def send_to_line(self, channel: str) -> None:
        """Nobody is put on hold."""


async def _on_disk() -> bool:
    return True
