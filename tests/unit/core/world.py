"""A switchboard in a world of its own: virtual time, an Asterisk that does what a test says, facts kept in order.

The Asterisk here is only what the port promises: legs ring until they are answered, fail or are cancelled, and what happens to them
is observed when the test lets it be seen.
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import TypeVar

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.calls import Call
from callhandler.core.model import AgentPlan, Device, OfferEnd, OfferRules, Outcome, Plan, Queue, Serves, Step
from callhandler.core.ports import BriefCall, DialLeg, OfferLeg, SpokenWord
from callhandler.core.skills import parse
from callhandler.switchboard import Switchboard, Visit

F = TypeVar("F", bound=e.Fact)
START = 1_000_000.0


def steps(*rows: tuple[str, float | None] | tuple[str, float | None, bool]) -> tuple[Step, ...]:
    """Return steps from (wants, seconds, drop call wants)."""
    return tuple(Step(parse(row[0]), row[1], *row[2:]) for row in rows)


def agent(agent_id: str, *serves: Serves, **skills: int) -> AgentPlan:
    """Return an agent's plan; the agent's own phone is p and the id."""
    return AgentPlan(agent_id, agent_id.title(), skills, serves, f"p{agent_id}")


def plan(queues: Iterable[Queue], agents: Iterable[AgentPlan], rules: OfferRules | None = None) -> Plan:
    """Return a plan."""
    people = {one.id: one for one in agents}
    phones = frozenset(one.phone for one in people.values() if one.phone)
    return Plan({queue.id: queue for queue in queues}, people, phones, rules or OfferRules())


class FakePbx:
    """Rings, cancels and hangs up as told; `ringing` and `cancelled` are what stands at the moment."""

    def __init__(self) -> None:
        self.offered: list[OfferLeg] = []
        self.dialled: list[DialLeg] = []
        self.ringing: dict[str, OfferLeg] = {}
        self.cancelled: set[str] = set()
        self.hung_up: list[str] = []
        self.words: list[SpokenWord] = []
        self.brief: list[BriefCall] = []
        self.sent_to_line: list[str] = []

    def offer(self, leg: OfferLeg) -> None:
        """Ring a phone; a leg never twice."""
        assert leg.leg not in {one.leg for one in self.offered}
        self.offered.append(leg)
        self.ringing[leg.leg] = leg

    def dial(self, leg: DialLeg) -> None:
        """Dial a customer; a leg never twice."""
        assert leg.leg not in {one.leg for one in self.dialled}
        self.dialled.append(leg)

    def cancel(self, leg: str) -> None:
        """Take note that a leg is to stop."""
        self.cancelled.add(leg)

    def hang_up(self, channel: str) -> None:
        """Take note that a channel is to end."""
        self.hung_up.append(channel)

    def speak_to(self, word: SpokenWord) -> None:
        """Take note of what is said."""
        self.words.append(word)

    def ring_briefly(self, call: BriefCall) -> None:
        """Take note of a phone that is rung briefly."""
        self.brief.append(call)

    def send_to_line(self, channel: str) -> None:
        """Take note of who is sent back to the line."""
        self.sent_to_line.append(channel)


class World:
    """A switchboard, its Asterisk, its journal and its time."""

    def __init__(self, site: Plan, *, attach: bool = True) -> None:
        self.now = START
        self.facts: list[e.Fact] = []
        self.pbx = FakePbx()
        self._timers: list[tuple[float, int, tuple[str, str]]] = []
        self._timer = 0
        self._calls = 0
        self.visits: dict[str, Visit] = {}
        self.cuts: list[str] = []
        self.ends: list[str] = []
        self.board = Switchboard(site, self.pbx, self, lambda: self.now, self._wake_at)
        if attach:
            self.attach()

    # --- ports ------------------------------------------------------------------------------------------------------

    def append(self, fact: e.Fact) -> None:
        """Be the journal."""
        self.facts.append(fact)

    def _wake_at(self, when: float, key: tuple[str, str]) -> None:
        self._timer += 1
        heappush(self._timers, (when, self._timer, key))

    def until(self, when: float) -> None:
        """Let time pass, waking the switchboard whenever it wants."""
        while self._timers and self._timers[0][0] <= when:
            due, _, key = heappop(self._timers)
            self.now = max(self.now, due)
            self.board.wake(key)
        self.now = max(self.now, when)

    def more_is_due(self) -> bool:
        """Tell whether the switchboard wants to be woken at this very instant."""
        return bool(self._timers) and self._timers[0][0] <= self.now

    def passes(self, seconds: float) -> None:
        """Let some seconds pass."""
        self.until(self.now + seconds)

    # --- what happens -----------------------------------------------------------------------------------------------

    def attach(self, channels: tuple[o.LiveChannel, ...] = (), gone: Iterable[str] = ()) -> None:
        """Let Asterisk be seen, with all phones free but `gone`."""
        phones = tuple(
            o.PhoneSeen(phone, Device.UNREACHABLE if phone in gone else Device.FREE)
            for phone in sorted(self.board.line.plan.phones)
        )
        self.board.observe(o.LinkUp("test", "22.10.1", channels, phones))

    def login(self, *agents: str) -> None:
        """Log agents in at their own phones, a second apart: the first is idle longest."""
        for one in agents:
            self.board.record(e.AgentLoggedIn(at=self.now, agent=one, phone=f"p{one}", by="test"))
            self.passes(1.0)

    def logout(self, agent: str) -> None:
        """Log an agent out."""
        self.board.record(e.AgentLoggedOut(at=self.now, agent=agent, by="test"))

    def pause(self, agent: str) -> None:
        """Send an agent on break."""
        self.board.record(e.AgentPaused(at=self.now, agent=agent, reason="tea", by="test"))

    def resume(self, agent: str) -> None:
        """Make an agent available again."""
        self.board.record(e.AgentResumed(at=self.now, agent=agent, by="test"))

    def call(self, number: str = "", **attributes: str) -> Call:
        """Have a caller arrive."""
        self._calls += 1
        call_id = f"test-{self._calls:03}"
        self.board.record(
            e.CallArrived(
                at=self.now,
                call=call_id,
                channel=f"PJSIP/trunk-{self._calls}",
                number="5000",
                caller_number=number,
                caller_name="",
                source="trunk:pstn",
            )
        )
        call = self.board.calls.here[call_id]
        for name, value in attributes.items():
            self.board.record(e.AttributeSet(at=self.now, call=call_id, name=name, value=value))
        self.visits[call_id] = self.board.begin_visit(
            call, lambda: self.cuts.append(call_id), lambda: self.ends.append(call_id)
        )
        return call

    def enter(self, queue: str, wants: str = "", number: str = "") -> Call:
        """Have a caller arrive and enter a line."""
        call = self.call(number, **({"wants": wants} if wants else {}))
        self.admitted(call, queue)
        return call

    def admitted(self, call: Call, queue: str) -> Outcome | None:
        """Have a caller enter a line; return why not."""
        return self.board.enter(call, queue)

    def answers(self, leg: OfferLeg) -> None:
        """Have an offered phone answered: Asterisk bridges by itself."""
        del self.pbx.ringing[leg.leg]
        self.board.observe(o.Bridged("b", frozenset((leg.leg, leg.call))))

    def fails(self, leg: OfferLeg, reason: OfferEnd = OfferEnd.NO_ANSWER) -> None:
        """Have an offer fail."""
        del self.pbx.ringing[leg.leg]
        self.board.observe(o.OfferFailed(leg.leg, reason))

    def agent_hangs_up(self, call: Call) -> None:
        """Have the agent of a call hang up."""
        leg = call.leg or ""
        self.board.observe(o.LeftBridge("b", leg))
        self.board.observe(o.ChannelEnded(leg, 16, "Normal Clearing"))

    def caller_hangs_up(self, call: Call) -> None:
        """Have a caller hang up."""
        self.board.observe(o.ChannelEnded(call.id, 16, "Normal Clearing"))

    def phone(self, phone: str, device: Device) -> None:
        """Have a phone's state seen."""
        self.board.observe(o.PhoneSeen(phone, device))

    # --- looking ----------------------------------------------------------------------------------------------------

    def rung(self) -> list[tuple[str, str]]:
        """Return (call, phone without its p) of what rings and isn't cancelled, in order."""
        return [
            (leg.call, leg.phone.removeprefix("p"))
            for leg in self.pbx.ringing.values()
            if leg.leg not in self.pbx.cancelled
        ]

    def leg(self, agent: str) -> OfferLeg:
        """Return the leg that rings at an agent's own phone."""
        return next(leg for leg in self.pbx.ringing.values() if leg.phone == f"p{agent}")

    def of(self, kind: type[F]) -> list[F]:
        """Return the facts of a kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def story(self, call: Call) -> list[str]:
        """Return the kinds of a call's facts, decisions left out."""
        return [
            type(fact).__name__
            for fact in self.facts
            if getattr(fact, "call", None) == call.id and not isinstance(fact, e.RoutingDecided)
        ]
