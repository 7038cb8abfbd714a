"""A call centre in virtual time: the real switchboard, line, watch, estimates, callbacks and conversations among people as drawn.

One heap holds the switchboard's timers and what people do and say, so that the same seed is the same week to the last word. It must not
know what is counted: `append` and `silent` are overridden.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from bench.simulated.people import GONE, OnPhone, Visitor, Waiter
from callhandler.callback_rooms import AgentsRoom, CustomersRoom
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import Callback
from callhandler.core.model import Device, OfferEnd
from callhandler.core.ports import BriefCall, DialLeg, OfferLeg, SpokenWord
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
VOICEMAIL_AFTER = 20.0
"""Seconds after which a voicemail answers; people are quicker."""


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
        self.visitors: dict[str, Visitor] = {}
        self.board = Switchboard(plan(site), self, self, lambda: self.now, self._wake_at, explain=False)
        self.house = FakeHouse(site, self)
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
        self.visitors[visitor.number] = visitor
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
        waiter.talk_to(self._waits(Session(waiter.as_caller(), call, "5000", "", self.house, visit), waiter))

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
        visitor = self.visitors[leg.number]
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
        agent.talk_to(call_back(AgentSession(agent.as_caller(), self.site, self.now, room)))

    def _customer_answers(self, leg: DialLeg, is_voicemail: bool) -> None:
        if self._ringing.pop(leg.leg, None) is None:
            return
        keys = {} if is_voicemail else {"std-cb-accept": "1"}
        customer = self._on_phones[leg.leg] = OnPhone(self, keys, leg.leg)
        self.board.observe(o.ChannelUp(leg.leg))
        one = self.board.callbacks.customers.customer_at(leg.leg)
        assert isinstance(one, Callback)
        room = CustomersRoom(self.board.callbacks, one, leg.leg)
        customer.talk_to(called_back(CustomerSession(customer.as_caller(), self.site, room)))

    def join(self, agent: OnPhone, channel: str) -> None:
        """Join an agent with the customer who said yes."""
        assert agent.visit is not None
        self.board.callbacks.end_agent(agent.visit)
        for leg in (agent.leg, channel):
            self._on_phones.pop(leg).interrupt(GONE)
        self._joined(agent.leg, channel)

    def hung_up_on(self, person: OnPhone) -> None:
        """Hang up on somebody."""
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
        self.at(self.now + self.visitors[call.caller_number].talk, self._talk_over, leg, caller)

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
