"""Thousands of random histories: whatever happens in whatever order, the line keeps its promises."""

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.books import Books
from callhandler.core.explaining import Decided, replay
from callhandler.core.model import AgentPlan, Device, OfferEnd, OfferRules, Plan, Queue, Serves, State, Strategy
from tests.unit.core.oracle import CheckedLine, able, places, wanted_by
from tests.unit.core.world import World, agent, plan, steps

QUEUES = (
    Queue("sales", "Sales", steps(("sales >= 5", 20.0), ("sales or support", None)), wrap_up=10.0),
    Queue(
        "support",
        "Support",
        steps(("support >= 5", 30.0), ("support", 60.0), ("", None, True)),
        Strategy.BEST_SKILL,
        wrap_up=0.0,
        priority=4,
        max_wait=120.0,
    ),
    Queue("urgent", "Urgent", strategy=Strategy.RING_ALL, ring_best=2, wrap_up=0.0, priority=3, bonus=30.0),
    Queue("bulk", "Bulk", strategy=Strategy.FEWEST_CALLS, wrap_up=5.0, max_length=4),
    Queue("even", "Even", strategy=Strategy.LEAST_OCCUPIED, wrap_up=0.0),
)
AGENTS = (
    agent("a", sales=9, english=5),
    agent("b", Serves("sales", 2), Serves("support", 1), Serves("urgent", 2), support=6, sales=5, english=2),
    agent("c", Serves("support"), Serves("bulk", 1, 40.0), Serves("even", 1, 5.0), support=3, spanish=4),
    agent("d", support=8, spanish=6, english=1),
    agent("e", Serves("urgent", 1, 15.0), Serves("sales", 1), sales=7),
)
RULES = OfferRules(misses=2, back_off_refused=10.0, back_off_busy=20.0, lease=5.0, forget_refusal=60.0)
SITE = plan(QUEUES, AGENTS, RULES)
SMALLER = plan((QUEUES[0], QUEUES[1], QUEUES[3]), (AGENTS[0], AGENTS[1], AGENTS[3]), RULES)
TICK = 0.001_37
"""No two things happen at the same instant: what is due at the same time is done in no particular order."""
WANTS = st.sampled_from(["", "", "english", "spanish >= 5", "english and support"])


class Histories(RuleBasedStateMachine):
    """Asterisk is seen all the time, and everything it does is seen once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SITE)
        self.board = self.world.board
        self.board.line.__class__ = CheckedLine
        self.board.line.more_is_due = self.world.more_is_due
        self.alive: set[str] = set()
        self.talking: dict[str, str] = {}
        self.site = SITE
        self.reloads = 0

    @initialize(who=st.sets(st.sampled_from([one.id for one in AGENTS]), min_size=1))
    def somebody_is_here(self, who: set[str]) -> None:
        self.phones_are_free()
        for one in sorted(who):
            self.agent_logs_in(one)

    # --- reality ----------------------------------------------------------------------------------------------------

    def see(self, *seen: o.Observation) -> None:
        for one in seen:
            self.world.passes(TICK)
            self.board.observe(one)

    def pick(self, data: st.DataObject, choices: list[str]) -> str:
        return data.draw(st.sampled_from(sorted(choices)))

    def leg_ends(self, leg: str, reason: OfferEnd) -> None:
        del self.world.pbx.ringing[leg]
        self.see(o.OfferFailed(leg, reason))

    def talk_ends(self, call: str, first: str) -> None:
        leg = self.talking.pop(call)
        self.see(o.LeftBridge("b", first), o.LeftBridge("b", call if first == leg else leg))
        self.see(o.ChannelEnded(leg, 16, "Normal Clearing"))

    # --- callers ----------------------------------------------------------------------------------------------------

    @rule(
        queue=st.sampled_from(QUEUES), wants=WANTS, number=st.sampled_from(["", "1", "2"]), gap=st.sampled_from([0, 1])
    )
    def caller_enters(self, queue: Queue, wants: str, number: str, gap: int) -> None:
        self.world.passes(gap)
        call = self.world.call(number, **({"wants": wants} if wants else {}))
        self.alive.add(call.id)
        if queue.id in self.site.queues:
            self.world.admitted(call, queue.id)

    @precondition(lambda self: any(self.enterable()))
    @rule(data=st.data(), queue=st.sampled_from(QUEUES))
    def caller_enters_again(self, data: st.DataObject, queue: Queue) -> None:
        call = self.board.calls.here[self.pick(data, self.enterable())]
        if queue.id in self.site.queues:
            self.world.admitted(call, queue.id)

    def enterable(self) -> list[str]:
        return [one for one, call in self.board.calls.here.items() if call.queue is None and call.leg is None]

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def caller_hangs_up(self, data: st.DataObject) -> None:
        call = self.pick(data, list(self.alive))
        self.alive.discard(call)
        if call in self.talking:
            self.talk_ends(call, call)
        self.see(o.ChannelEnded(call, 16, "Normal Clearing"))

    # --- phones -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.pbx.ringing)
    @rule(data=st.data())
    def phone_answers(self, data: st.DataObject) -> None:
        leg = self.world.pbx.ringing[self.pick(data, list(self.world.pbx.ringing))]
        if leg.call in self.alive and leg.call not in self.talking:
            del self.world.pbx.ringing[leg.leg]
            self.talking[leg.call] = leg.leg
            self.see(o.Bridged("b", frozenset((leg.leg, leg.call))))
        else:
            del self.world.pbx.ringing[leg.leg]
            self.see(o.ChannelEnded(leg.leg, 16, "Normal Clearing"))

    @precondition(lambda self: self.world.pbx.ringing)
    @rule(
        data=st.data(),
        reason=st.sampled_from([OfferEnd.NO_ANSWER, OfferEnd.REFUSED, OfferEnd.BUSY, OfferEnd.UNREACHABLE]),
    )
    def offer_fails(self, data: st.DataObject, reason: OfferEnd) -> None:
        self.leg_ends(self.pick(data, list(self.world.pbx.ringing)), reason)

    @precondition(lambda self: self.world.pbx.cancelled & (self.world.pbx.ringing.keys() | set(self.talking.values())))
    @rule()
    def asterisk_cancels(self) -> None:
        for leg in sorted(self.world.pbx.cancelled & self.world.pbx.ringing.keys()):
            self.leg_ends(leg, OfferEnd.REFUSED)
        for call, leg in sorted(self.talking.items()):
            if leg in self.world.pbx.cancelled:
                self.talk_ends(call, leg)

    @precondition(lambda self: self.talking)
    @rule(data=st.data(), transferred=st.booleans())
    def talk_is_over(self, data: st.DataObject, transferred: bool) -> None:
        call = self.pick(data, list(self.talking))
        if transferred:
            self.see(o.TransferSeen(self.talking[call], call, "5000"))
        self.talk_ends(call, self.talking[call])

    @rule(phone=st.sampled_from(sorted(SITE.phones)), device=st.sampled_from(Device))
    def phone_changes(self, phone: str, device: Device) -> None:
        self.see(o.PhoneSeen(phone, device))

    @rule()
    def phones_are_free(self) -> None:
        self.see(*(o.PhoneSeen(phone, Device.FREE) for phone in sorted(SITE.phones)))

    # --- people -----------------------------------------------------------------------------------------------------

    @rule(which=st.sampled_from(AGENTS), change=st.sampled_from(["in", "in", "out", "pause", "resume"]))
    def agent_chooses(self, which: AgentPlan, change: str) -> None:
        if which.id not in self.site.agents:
            return
        status = self.board.line.books.agents[which.id].status
        if change == "in":
            self.board.record(e.AgentLoggedIn(at=self.world.now, agent=which.id, phone=which.phone or "", by="test"))
        elif status != "logged out":
            {"out": self.world.logout, "pause": self.world.pause, "resume": self.world.resume}[change](which.id)

    def agent_logs_in(self, agent_id: str) -> None:
        self.world.passes(TICK)
        self.board.record(e.AgentLoggedIn(at=self.world.now, agent=agent_id, phone=f"p{agent_id}", by="test"))

    @precondition(lambda self: any(not who.is_there() for who in self.board.line.books.agents.values()))
    @rule()
    def everybody_is_here(self) -> None:
        self.phones_are_free()
        for one in sorted(self.site.agents):
            self.agent_logs_in(one)

    @precondition(lambda self: self.board.line.books.calls)
    @rule(data=st.data(), queue=st.sampled_from(QUEUES))
    def call_is_moved(self, data: st.DataObject, queue: Queue) -> None:
        call = self.board.line.books.calls[self.pick(data, list(self.board.line.books.calls))]
        if queue.id in self.site.queues:
            at, was = self.world.now, call.queue
            self.board.record(e.CallMoved(at=at, call=call.id, queue=queue.id, from_queue=was, by="test"))

    @precondition(lambda self: self.board.line.books.calls)
    @rule(data=st.data(), priority=st.integers(1, 10), bonus=st.sampled_from([0.0, 60.0]))
    def call_is_prioritised(self, data: st.DataObject, priority: int, bonus: float) -> None:
        call = self.board.line.books.calls[self.pick(data, list(self.board.line.books.calls))]
        self.board.record(
            e.CallPrioritised(
                at=self.world.now, call=call.id, queue=call.queue, priority=priority, bonus=bonus, by="test"
            )
        )

    @precondition(lambda self: self.reloads < 2)  # it has everybody matched anew, which would mend what was forgotten
    @rule(which=st.sampled_from([SITE, SITE, SMALLER]))
    def site_is_reloaded(self, which: Plan) -> None:
        self.site = which
        self.reloads += 1
        self.board.replace_plan(which)

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.0, 10.0, 20.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    # --- promises ---------------------------------------------------------------------------------------------------

    @invariant()
    def time_goes_on(self) -> None:
        self.world.passes(TICK)

    @invariant()
    def everyone_is_in_exactly_one_place(self) -> None:
        line, calls = self.board.line, self.board.calls.here
        assert set(line.books.calls) == {call.id for call in calls.values() if call.queue is not None}
        for call in calls.values():
            assert call.queue is None or call.leg is None
        for waiting in line.books.calls.values():
            assert waiting.queue == calls[waiting.id].queue
            found = [
                (queue, bucket.wanted.text)
                for queue in line.plan.queues
                for bucket in line.books.buckets.of_queue(queue)
                for _, other in bucket.calls
                if other is waiting
            ]
            open_places = places(line, waiting) > 0
            assert found == ([(waiting.queue, wanted_by(line, waiting).text)] if open_places else [])

    @invariant()
    def no_agent_has_two_calls(self) -> None:
        books = self.board.line.books
        for leg, who in books.legs.items():
            assert who.leg == leg
            assert who.state in (State.OFFERED, State.TALKING)
        busy = [who for who in books.agents.values() if who.state in (State.OFFERED, State.TALKING)]
        assert len(busy) == len(books.legs)
        for who in busy:
            assert who.leg is not None
            assert books.legs[who.leg] is who
        talking = Counter(call.agent for call in self.board.calls.here.values() if call.agent is not None)
        assert all(count == 1 for count in talking.values())

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        line, now = self.board.line, self.world.now
        if self.board.link is None:
            return
        for call in line.books.calls.values():
            if places(line, call) > 0:
                free = [who.id for who in line.books.agents.values() if able(line, who, call, now)]
                assert not free, f"{call.id} waits for {free}"
                assert line.books.step_with_somebody(call.queue, call.wants, 0) is not None or self.may_come_back(call)

    def may_come_back(self, call: object) -> bool:
        return any(who.device is Device.UNREACHABLE for who in self.board.line.books.agents.values())

    @invariant()
    def nothing_rings_for_who_left(self) -> None:
        if self.board.link is None:
            return
        for leg in self.world.pbx.ringing.values():
            assert leg.call in self.board.line.books.calls or leg.leg in self.world.pbx.cancelled

    @invariant()
    def calls_end_once(self) -> None:
        ended = Counter(fact.call for fact in self.world.of(e.CallEnded))
        assert all(count == 1 for count in ended.values())
        assert not ended.keys() & self.board.calls.here.keys()

    def teardown(self) -> None:
        self.the_journal_tells_the_same()
        self.decisions_can_be_made_again()
        self.nothing_is_left_behind()

    def the_journal_tells_the_same(self) -> None:
        books, again = self.board.line.books, Books(self.site)
        for phone, device in books.devices.items():
            again.set_device(phone, device, self.world.now)
        for fact in self.world.facts:
            again.apply(fact)
        for who in SMALLER.agents:  # the others may have gone and come back as new people
            assert picture(again.agents[who]) == picture(books.agents[who])
        lines = [*self.world.of(e.CallEntered), *self.world.of(e.CallMoved)]
        strays = {fact.call for fact in lines if fact.queue not in self.site.queues}
        for call in books.calls.values():
            if call.id in strays:
                continue
            twin = again.calls[call.id]
            assert (twin.key, twin.joined, twin.step_since, twin.wants, twin.offers_made, twin.preferred_agent) == (
                (call.key, call.joined, call.step_since, call.wants, call.offers_made, call.preferred_agent)
            )
            assert twin.queue == call.queue
            assert call.refused.items() <= twin.refused.items()

    def decisions_can_be_made_again(self) -> None:
        for decision in self.world.of(e.RoutingDecided):
            decided = Decided.from_json(decision.snapshot)
            again = replay(decided)
            assert again.same
            assert not {again.verdicts[one] for one in decided.chosen} - {""}

    def nothing_is_left_behind(self) -> None:
        self.asterisk_cancels()
        for call in sorted(self.alive):
            if call in self.talking:
                self.talk_ends(call, call)
            self.see(o.ChannelEnded(call, 16, "Normal Clearing"))
        for leg in list(self.world.pbx.ringing):
            self.leg_ends(leg, OfferEnd.NO_ANSWER)
        self.world.passes(10_000.0)
        books, calls = self.board.line.books, self.board.calls
        assert not books.calls
        assert not books.legs
        assert not calls.here
        assert not calls.by_leg
        assert {who.state for who in books.agents.values()} <= {State.IDLE, State.NOT_ANSWERING}
        assert {fact.call for fact in self.world.of(e.CallArrived)} == {f.call for f in self.world.of(e.CallEnded)}


def picture(who: object) -> dict[str, object]:
    """Return what a restart must find again of an agent."""
    names = "status state phone call leg queue misses calls handled logged_in_at idle_since rest_until wrap_until"
    return {name: getattr(who, name) for name in names.split()}


class TroubledHistories(Histories):
    """What Asterisk does is seen late, twice, or never; the link to it comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.fate: list[str] = []
        self.late: list[o.Observation] = []
        self.up = True

    def see(self, *seen: o.Observation) -> None:
        for one in seen:
            fate = self.fate.pop() if self.fate else "seen"
            if not self.up or fate == "never":
                continue
            if fate == "late":
                self.late.append(one)
                continue
            self.board.observe(one)
            if fate == "twice":
                self.board.observe(one)

    @rule(fate=st.lists(st.sampled_from(["seen", "late", "twice", "never"]), max_size=3))
    def trouble_comes(self, fate: list[str]) -> None:
        self.fate = fate

    @rule(data=st.data())
    def the_late_are_seen(self, data: st.DataObject) -> None:
        late, self.late = data.draw(st.permutations(self.late)), []
        for one in late:
            if self.up:
                self.board.observe(one)

    @rule()
    def the_link_is_lost(self) -> None:
        self.up = False
        self.late = []
        self.board.observe(o.LinkDown("test"))

    @rule()
    def the_link_is_back(self) -> None:
        self.up = True
        self.late = []
        channels = []
        for call in sorted(self.alive):
            bridge = f"b-{call}" if call in self.talking else None
            channels.append(o.LiveChannel(call, f"PJSIP/{call}", bridge, "callhandler-entry", call))
        for call, leg in sorted(self.talking.items()):
            channels.append(o.LiveChannel(leg, f"PJSIP/{leg}", f"b-{call}", "callhandler-offer", leg))
        for leg in sorted(self.world.pbx.ringing):
            channels.append(o.LiveChannel(leg, f"PJSIP/{leg}", None, "callhandler-offer", leg))
        phones = tuple(o.PhoneSeen(phone, device) for phone, device in self.board.line.books.devices.items())
        self.board.observe(o.LinkUp("test", "22.10.1", tuple(channels), phones))

    @rule()
    def visits_end(self) -> None:
        for visit in self.world.visits.values():
            self.board.end_visit(visit)

    def nothing_is_left_behind(self) -> None:
        self.fate = []
        self.visits_end()
        self.the_link_is_lost()
        for call, leg in sorted(self.talking.items()):  # both sides hung up unseen
            self.talking.pop(call)
            self.world.pbx.ringing.pop(leg, None)
        self.alive.clear()
        self.world.pbx.ringing.clear()
        self.the_link_is_back()
        super().nothing_is_left_behind()


TestHistories = Histories.TestCase
TestTroubledHistories = TroubledHistories.TestCase
TestTroubledHistories.settings = settings(
    max_examples=300, stateful_step_count=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
TestHistories.settings = settings(
    max_examples=300, stateful_step_count=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
