"""A world with callbacks: agents who pick up and accept, customers who answer, and a guard that knows the test's numbers."""

from dataclasses import replace

from callhandler.calling_back import AgentVisit
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.callback import Callback
from callhandler.core.calls import Call
from callhandler.core.hours import Opening
from callhandler.core.model import AgentPlan, CallbackRules, OfferEnd, Plan, Queue
from callhandler.core.ports import DialLeg
from callhandler.errors import Refused
from tests.unit.core.world import World, agent, plan

LEG = DialLeg("c-d1", "c", "+555", "pstn", 30.0, 3600.0, "Acme", "")
RULES = CallbackRules(attempts=3, spacing=600.0, at_once=5, per_number=2)


class Numbers:
    """Every number of digits may be called, but 911 and those that begin with 900."""

    def __init__(self) -> None:
        self.opened: Opening | None = None

    def judged(self, number: str) -> str:
        plain = number.removeprefix("+")
        if not plain.isdigit() or plain == "911" or plain.startswith("900"):
            raise Refused(f"{number} may not be called")
        return f"+{plain}"

    def opening(self, number: str, now: float) -> Opening | None:
        return self.opened

    def house(self, dialled: str, now: float) -> Opening | None:
        return None

    def clock(self, at: float) -> str:
        return f"<{at:.0f}>"

    def comes_twice(self, at: float) -> bool:
        return False


def site(
    *queues: Queue, agents: tuple[AgentPlan, ...] = (agent("a"), agent("b")), rules: CallbackRules = RULES
) -> Plan:
    """A plan with callbacks."""
    return replace(plan(queues or (Queue("q", "Sales", wrap_up=0.0),), agents), callbacks=rules)


class Backs(World):
    """A world in which people are called back."""

    def __init__(self, plan_: Plan | None = None, *, attach: bool = True) -> None:
        self.to_dial: list[e.CallbackDialled] = []
        super().__init__(plan_ or site(), attach=attach)
        self.numbers = Numbers()
        self.callbacks = self.board.callbacks
        self.callbacks.guard_by(self.numbers)
        self.on_disk = True
        self.board.listen(self._dial_first)

    def reborn(self, plan_: Plan | None = None) -> "Backs":
        """Return the world of a new daemon, two seconds later, that has read the journal and not seen Asterisk yet."""
        again = Backs(plan_ or self.board.line.plan, attach=False)
        again.now = self.now + 2.0
        again.board.restore(self.facts, {}, self.now)
        again.facts = self.facts + again.facts
        return again

    def asks(self, call: Call, number: str = "", due: float | None = None) -> Callback:
        """Have a caller in line ask to be called back, and hang up."""
        one = self.callbacks.ask(
            call, call.queue or "q", number or call.caller_number, confirmed=True, due=due, by="caller", reason="asked"
        )
        self.caller_hangs_up(call)
        return one

    def waits_back(self, number: str, queue: str = "q", wants: str = "", due: float | None = None) -> Callback:
        """Have somebody call, enter a line, ask and hang up."""
        one = self.asks(self.enter(queue, wants, number), due=due)
        for leg in [leg for leg in self.pbx.ringing.values() if leg.leg in self.pbx.cancelled]:
            self.fails(leg, OfferEnd.REFUSED)
        return one

    def picks_up(self, agent_id: str) -> AgentVisit:
        """Have an agent pick up for a callback."""
        rings = (one for one in self.pbx.ringing.values() if one.leg not in self.pbx.cancelled)
        leg = next(one for one in rings if one.phone == f"p{agent_id}")
        assert leg.callback
        del self.pbx.ringing[leg.leg]
        self.board.observe(o.ChannelUp(leg.leg))
        visit = self.callbacks.begin_agent(leg.leg, lambda: None)
        assert visit is not None
        return visit

    def accepts(self, agent_id: str) -> tuple[AgentVisit, DialLeg | None]:
        """Have an agent pick up and accept: the attempt is written down, then the customer is dialled."""
        visit = self.picks_up(agent_id)
        return visit, self.dials(visit)

    def dials(self, visit: AgentVisit) -> DialLeg | None:
        """Have the customer dialled for an agent who accepted."""
        fact = self.callbacks.customers.dialling(visit.callback)
        leg = DialLeg(fact.leg, fact.call, fact.number, "pstn", 30.0, 3600.0, "Acme", "")
        before = len(self.pbx.dialled)
        self.callbacks.customers.dial(fact, leg if self.on_disk else None)
        return self.pbx.dialled[-1] if len(self.pbx.dialled) > before else None

    def _dial_first(self, fact: e.Fact) -> None:
        """Do what CustomersFirst does."""
        if isinstance(fact, e.CallbackDialled) and fact.agent is None:
            self.to_dial.append(fact)

    def customer_rings(self) -> DialLeg | None:
        """Have the customers dialled who are to be called before an agent is rung; return the last one's leg."""
        before = len(self.pbx.dialled)
        while self.to_dial:
            fact = self.to_dial.pop(0)
            leg = DialLeg(fact.leg, fact.call, fact.number, "pstn", 30.0, 3600.0, "Acme", "")
            self.callbacks.customers.dial(fact, leg if self.on_disk else None)
        return self.pbx.dialled[-1] if len(self.pbx.dialled) > before else None

    def says_yes(self, leg: DialLeg) -> None:
        """Have the customer answer and press the key; they are joined with the agent at once."""
        one = self.callbacks.customers.customer_at(leg.leg)
        assert one is not None
        self.board.observe(o.ChannelUp(leg.leg))
        self.callbacks.customers.accepted(one, f"PJSIP/{leg.leg}")

    def joined(self, visit: AgentVisit, leg: DialLeg) -> None:
        """Have Asterisk join an agent with a customer who said yes."""
        self.board.observe(o.Bridged("b", frozenset((visit.leg, leg.leg))))

    def customer_fails(self, leg: DialLeg, reason: OfferEnd = OfferEnd.NO_ANSWER) -> None:
        """Have a customer not answer."""
        self.board.observe(o.OfferFailed(leg.leg, reason))

    def leg_ends(self, leg: str) -> None:
        """Have a channel end."""
        self.board.observe(o.ChannelEnded(leg, 16, "Normal Clearing"))

    def releases(self, visit: AgentVisit, reason: OfferEnd = OfferEnd.NOT_REACHED) -> None:
        """Have the agent's phone hung up by us."""
        self.callbacks.let_go(visit, reason)
        self.callbacks.end_agent(visit)
        self.leg_ends(visit.leg)

    def story_of(self, call: str) -> list[str]:
        """Return the kinds of a call's facts that tell of callbacks."""
        told = ("Callback", "AgentOffered", "OfferEnded", "CallConnected", "TalkEnded", "ItemOpened", "Promise")
        kinds = [type(fact).__name__ for fact in self.facts if getattr(fact, "call", None) == call]
        return [kind for kind in kinds if kind.startswith(told)]

    def ended(self, call: str) -> e.CallbackEnded | None:
        """Return how a callback ended."""
        return next((fact for fact in self.of(e.CallbackEnded) if fact.call == call), None)
