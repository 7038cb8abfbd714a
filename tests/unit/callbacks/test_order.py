"""Random histories of live callers and callbacks together: who qualifies for the same agents is answered in the order of the line, no agent
has two, nobody is called twice at a time, and nobody is lost.
"""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from callhandler.calling_back import AgentVisit
from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.books import Books
from callhandler.core.callback import Callback
from callhandler.core.model import CallbackRules, CallbackState, First, OfferEnd, Queue, State
from callhandler.core.ports import DialLeg
from callhandler.errors import Refused
from tests.unit.callbacks.backs import Backs, site
from tests.unit.core.oracle import CheckedLine, able, places
from tests.unit.core.world import agent

TICK = 0.001_37
AGENTS = (agent("a"), agent("b"), agent("c"))
RULES = CallbackRules(attempts=3, spacing=50.0, at_once=2, per_number=1_000, per_hour=10_000, per_day=10_000)


class Histories(RuleBasedStateMachine):
    """One queue that everybody serves; Asterisk is always seen."""

    site_rules = RULES

    def __init__(self) -> None:
        super().__init__()
        self.world = Backs(site(Queue("q", "Sales", wrap_up=5.0), agents=AGENTS, rules=self.site_rules))
        self.line = self.world.board.line
        self.line.__class__ = CheckedLine
        self.line.more_is_due = self.world.more_is_due  # type: ignore[attr-defined]
        self.told: dict[str, AgentVisit] = {}
        self.dialled: dict[str, tuple[AgentVisit, DialLeg]] = {}
        self.talking: dict[str, tuple[str, str]] = {}
        self.asked: set[str] = set()
        self.world.login("a", "b", "c")

    def tick(self) -> None:
        self.world.passes(TICK)

    def pick(self, data: st.DataObject, choices: list[str]) -> str:
        return data.draw(st.sampled_from(sorted(choices)))

    # --- callers ----------------------------------------------------------------------------------------------------

    @rule(number=st.integers(1_000, 1_030), back=st.booleans(), late=st.sampled_from([0.0, 0.0, 0.0, 30.0]))
    def somebody_calls(self, number: int, back: bool, late: float) -> None:
        self.tick()
        call = self.world.enter("q", number=str(number))
        if not back or call.queue is None:
            return
        self.tick()
        try:
            due = self.world.now + late if late else None
            self.world.asks(call, due=due)
            self.asked.add(call.id)
        except Refused:
            self.world.caller_hangs_up(call)

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def caller_hangs_up(self, data: st.DataObject) -> None:
        self.tick()
        self.world.caller_hangs_up(self.world.board.calls.here[self.pick(data, self.live())])

    def live(self) -> list[str]:
        here = self.world.board.calls.here.values()
        return [call.id for call in here if call.called_at is None and call.leg is None]

    # --- agents and customers ---------------------------------------------------------------------------------------

    def rings(self) -> list[str]:
        return [leg.leg for leg in self.world.pbx.ringing.values() if leg.leg not in self.world.pbx.cancelled]

    @precondition(lambda self: self.rings())
    @rule(data=st.data())
    def agent_picks_up(self, data: st.DataObject) -> None:
        self.tick()
        leg = self.world.pbx.ringing[self.pick(data, self.rings())]
        if leg.callback:
            visit = self.world.picks_up(leg.phone.removeprefix("p"))
            self.told[visit.leg] = visit
        else:
            caller = self.world.board.calls.here[leg.call].at
            del self.world.pbx.ringing[leg.leg]
            self.world.board.observe(bridged(leg.leg, caller))
            self.talking[leg.call] = (leg.leg, caller)

    @precondition(lambda self: self.rings())
    @rule(data=st.data(), reason=st.sampled_from([OfferEnd.NO_ANSWER, OfferEnd.REFUSED, OfferEnd.BUSY]))
    def agent_does_not(self, data: st.DataObject, reason: OfferEnd) -> None:
        self.tick()
        self.world.fails(self.world.pbx.ringing[self.pick(data, self.rings())], reason)

    @rule()
    def asterisk_cancels(self) -> None:
        for leg in sorted(self.world.pbx.cancelled & self.world.pbx.ringing.keys()):
            self.tick()
            self.world.fails(self.world.pbx.ringing[leg], OfferEnd.REFUSED)

    @precondition(lambda self: self.told)
    @rule(data=st.data(), does=st.sampled_from(["accepts", "accepts", "refuses", "hangs up"]))
    def agent_decides(self, data: st.DataObject, does: str) -> None:
        self.tick()
        visit = self.told.pop(self.pick(data, list(self.told)))
        if does == "accepts":
            try:
                leg = self.world.dials(visit)
            except Refused:  # the customer has reached an agent by themselves
                self.world.releases(visit)
                return
            assert leg is not None
            self.dialled[leg.leg] = (visit, leg)
        elif does == "refuses":
            self.world.releases(visit, OfferEnd.REFUSED)
        else:
            self.world.leg_ends(visit.leg)

    @precondition(lambda self: self.dialled)
    @rule(data=st.data(), does=st.sampled_from(["yes", "yes", "no answer", "no key", "agent leaves"]))
    def customer_decides(self, data: st.DataObject, does: str) -> None:
        self.tick()
        visit, leg = self.dialled.pop(self.pick(data, list(self.dialled)))
        if self.world.callbacks.customers.customer_at(leg.leg) is None:  # likewise
            assert leg.leg in self.world.pbx.cancelled
            does = "no key"
        match does:
            case "yes":
                self.world.says_yes(leg)
                self.tick()
                self.world.joined(visit, leg)
                self.talking[leg.call] = (visit.leg, leg.leg)
                return
            case "no answer":
                self.world.customer_fails(leg)
            case "no key":
                self.world.leg_ends(leg.leg)
            case "agent leaves":
                self.world.leg_ends(visit.leg)
                self.tick()
                self.world.leg_ends(leg.leg)
                return
        self.tick()
        self.world.releases(visit)

    @precondition(lambda self: self.talking)
    @rule(data=st.data(), first=st.sampled_from([0, 1]))
    def talk_ends(self, data: st.DataObject, first: int) -> None:
        pair = self.talking.pop(self.pick(data, list(self.talking)))
        for leg in (pair[first], pair[1 - first]):
            self.tick()
            self.world.leg_ends(leg)

    @rule(agent_id=st.sampled_from(["a", "b", "c"]), does=st.sampled_from(["pause", "resume", "resume"]))
    def agent_comes_and_goes(self, agent_id: str, does: str) -> None:
        self.tick()
        (self.world.pause if does == "pause" else self.world.resume)(agent_id)

    @rule(seconds=st.sampled_from([0.5, 6.0, 20.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    # --- what must be so --------------------------------------------------------------------------------------------
    # The order itself is held at each offer by CheckedLine: nobody is offered an agent before one who goes first and could be.

    @invariant()
    def everybody_is_somewhere(self) -> None:
        books = self.line.books
        for call in self.asked:
            one = self.world.callbacks.find(call)
            if one is None:
                assert self.world.ended(call) is not None
            elif one.state in (CallbackState.WAITING, CallbackState.RESTING, CallbackState.OFFERED):
                assert call in books.calls
                assert books.calls[call].entered == one.entered

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        self.tick()
        for call in self.line.books.calls.values() if self.site_rules.first is First.AGENT else ():
            if places(self.line, call) > 0:
                free = [who.id for who in self.line.books.agents.values() if able(self.line, who, call, self.world.now)]
                assert not free, f"{call.id} waits for {free}"

    @invariant()
    def nobody_is_called_twice_at_a_time(self) -> None:
        numbers = [one.number for one in self.world.callbacks.all()]
        assert len(numbers) == len(set(numbers))
        legs = [one.leg for one in self.world.callbacks.all() if one.state is CallbackState.DIALLED]
        assert len(legs) == len(set(legs))

    @invariant()
    def never_more_than_agents_nor_than_allowed(self) -> None:
        under_way = [
            one for one in self.world.callbacks.all() if one.state in (CallbackState.ANNOUNCED, CallbackState.DIALLED)
        ]
        assert len(under_way) <= RULES.at_once
        agents = [one.agent for one in under_way]
        kept = [agent for agent in agents if agent is not None]
        assert len(kept) == len(set(kept))
        for one in [one for one in under_way if one.agent is not None]:
            assert self.line.books.agents[one.agent or ""].state is State.OFFERED

    def teardown(self) -> None:
        """Whatever happened, a daemon that reads the journal knows as much as the one that died."""
        books = Books(self.line.plan)
        for fact in self.world.facts:
            books.apply(fact)
        for one in (self.line.books, books):
            one.callbacks.due(self.world.now)
        assert known(books) == known(self.line.books)
        assert books.callbacks.by_leg.keys() == self.line.books.callbacks.by_leg.keys()
        assert {call: one.key for call, one in books.calls.items()} == {
            call: one.key for call, one in self.line.books.calls.items()
        }

    @invariant()
    def each_ends_once(self) -> None:
        ended = [fact.call for fact in self.world.of(e.CallbackEnded)]
        assert len(ended) == len(set(ended))


class CustomerFirstHistories(Histories):
    """The same with customers who are called first."""

    site_rules = replace(RULES, first=First.CUSTOMER, customer_waits=30.0)

    def __init__(self) -> None:
        super().__init__()
        self.ringing: dict[str, DialLeg] = {}
        self.here: dict[str, DialLeg] = {}

    @precondition(lambda self: self.world.to_dial)
    @rule()
    def customers_ring(self) -> None:
        self.tick()
        before = len(self.world.pbx.dialled)
        self.world.customer_rings()
        self.ringing |= {leg.leg: leg for leg in self.world.pbx.dialled[before:]}

    @precondition(lambda self: self.ringing)
    @rule(data=st.data(), does=st.sampled_from(["yes", "yes", "no answer", "machine"]))
    def customer_decides_first(self, data: st.DataObject, does: str) -> None:
        self.tick()
        leg = self.ringing.pop(self.pick(data, list(self.ringing)))
        one = self.world.callbacks.customers.customer_at(leg.leg)
        if one is None:  # has reached an agent by themselves
            assert leg.leg in self.world.pbx.cancelled
        elif does == "yes":
            self.world.says_yes(leg)
            self.here[leg.leg] = leg
            return
        elif does == "machine":
            self.world.callbacks.customers.machine(one)
        self.world.customer_fails(leg)

    @precondition(lambda self: self.in_line())
    @rule(data=st.data(), told=st.booleans())
    def customer_leaves(self, data: st.DataObject, told: bool) -> None:
        self.tick()
        leg = self.here.pop(self.pick(data, self.in_line()))
        if told:
            self.world.callbacks.customers.put_off(self.world.board.calls.here[leg.call])
        self.world.leg_ends(leg.leg)

    def in_line(self) -> list[str]:
        here = self.world.board.calls.here
        return [
            leg.leg
            for leg in self.here.values()
            if (call := here.get(leg.call)) is not None and call.called_at == leg.leg and call.leg is None
        ]

    @invariant()
    def who_waits_on_the_line_waits_for_an_agent(self) -> None:
        for leg in self.in_line():
            call = self.here[leg].call
            assert call in self.line.books.calls
            in_reach = any(call == one.id for b in self.line.books.buckets.of_queue("q") for _, one in b.calls)
            assert in_reach or self.line.books.offers_of(call)


def known(books: Books) -> dict[str, Callback]:
    """All that is known of callbacks, but for since when exactly they wait: no fact says that a time has come."""
    return {call: replace(one, since=0.0) for call, one in books.callbacks.open.items()}


def bridged(*channels: str) -> o.Bridged:
    return o.Bridged("b", frozenset(channels))


OFTEN = settings(max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestHistories = Histories.TestCase
TestHistories.settings = OFTEN
TestCustomerFirstHistories = CustomerFirstHistories.TestCase
TestCustomerFirstHistories.settings = settings(OFTEN, max_examples=150)
