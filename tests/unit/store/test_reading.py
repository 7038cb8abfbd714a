"""Facts of one call in, its record out: ladders for the usual, random histories for everything else."""

from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.events import (
    AgentOffered,
    AttributeSet,
    CallAbandoned,
    CallArrived,
    CallConnected,
    CallEnded,
    CallEntered,
    CallerKnown,
    CallHeld,
    CallKeptRinging,
    CallLeftLine,
    CallMoved,
    CallRang,
    CallResumed,
    CallTransferred,
    CheckedIn,
    ExtensionConnected,
    Fact,
    HandsetUsed,
    ItemOpened,
    MessageMailed,
    OfferEnded,
    TalkEnded,
    WrapUpStarted,
)
from callhandler.core.kpi import stays
from callhandler.core.model import OfferEnd, Outcome, RingEnd, Where
from callhandler.core.plain import from_plain, to_plain
from callhandler.store.reading import record_of
from callhandler.store.records import CallRecord, HandsetTry

C = "pbx1-1.0"


def arrived(at: float) -> CallArrived:
    return CallArrived(
        at=at, call=C, channel="PJSIP/pstn-1", number="5000", caller_number="+491", caller_name="Ann", source="pstn"
    )


def entered(at: float, queue: str = "sales") -> CallEntered:
    return CallEntered(at=at, call=C, queue=queue, entered=at, priority=5, bonus=0.0, wants="")


def offered(at: float, leg: str = "L1", agent: str = "7001", queue: str = "sales") -> AgentOffered:
    return AgentOffered(at=at, call=C, leg=leg, agent=agent, queue=queue, phone="101", ring=15.0)


def not_taken(at: float, leg: str = "L1", agent: str = "7001", why: OfferEnd = OfferEnd.NO_ANSWER) -> OfferEnded:
    return OfferEnded(at=at, call=C, leg=leg, agent=agent, queue="sales", reason=why)


def connected(at: float, leg: str = "L1", agent: str = "7001", queue: str = "sales") -> CallConnected:
    return CallConnected(at=at, call=C, leg=leg, agent=agent, queue=queue, waited=0.0)


def talk_ended(at: float, leg: str = "L1", agent: str = "7001") -> TalkEnded:
    return TalkEnded(at=at, call=C, leg=leg, agent=agent, queue="sales", talked=0.0, reason="caller")


def ended(at: float, outcome: Outcome) -> CallEnded:
    return CallEnded(at=at, call=C, outcome=outcome, reason="hung up", cause=16)


def test_an_answered_call() -> None:
    record = record_of(
        C,
        [
            arrived(10.0), AttributeSet(at=11.0, call=C, name="reason", value="sales"), entered(12.0), offered(12.0), connected(15.0),
            CallHeld(at=20.0, call=C, leg="L1", agent="7001"), CallResumed(at=24.0, call=C, leg="L1", agent="7001"),
            talk_ended(40.0), WrapUpStarted(at=40.0, agent="7001", call=C, queue="sales", until=55.0), ended(40.1, Outcome.ANSWERED),
        ],
    )  # fmt: skip
    assert (record.arrived, record.ended, record.outcome, record.cause, record.whole) == (
        10.0,
        40.1,
        Outcome.ANSWERED,
        16,
        True,
    )
    assert (record.number, record.caller_number, record.source, record.agent, record.queue) == (
        "5000",
        "+491",
        "pstn",
        "7001",
        "sales",
    )
    assert (record.waited, record.talked, record.held) == (3.0, 25.0, 4.0)
    assert [(visit.queue, visit.waited, visit.outcome) for visit in record.visits] == [("sales", 3.0, Outcome.ANSWERED)]
    [leg] = record.legs
    assert (leg.rang, leg.talked, leg.held, leg.failed, leg.reason, leg.wrap_up) == (
        3.0,
        25.0,
        4.0,
        None,
        "caller",
        15.0,
    )


def test_a_miss_then_another_agent() -> None:
    facts = [
        arrived(0.0),
        entered(1.0),
        offered(1.0),
        not_taken(16.0),
        offered(16.0, "L2", "7002"),
        connected(18.0, "L2", "7002"),
    ]
    record = record_of(C, [*facts, talk_ended(20.0, "L2", "7002"), ended(20.0, Outcome.ANSWERED)])
    assert [(leg.agent, leg.rang, leg.failed, leg.talked) for leg in record.legs] == [
        ("7001", 15.0, OfferEnd.NO_ANSWER, 0.0),
        ("7002", 2.0, None, 2.0),
    ]
    assert (record.agent, record.waited) == ("7002", 17.0)


@pytest.mark.parametrize("outcome", [Outcome.ABANDONED, Outcome.ABANDONED_SHORT])
def test_an_abandoned_call(outcome: Outcome) -> None:
    facts = [
        arrived(0.0),
        entered(1.0),
        offered(2.0),
        CallAbandoned(at=9.0, call=C, queue="sales", waited=8.0, reason=""),
    ]
    record = record_of(C, [*facts, ended(9.0, outcome)])
    assert (record.outcome, record.visits[0].outcome, record.visits[0].waited) == (outcome, outcome, 8.0)
    assert (record.agent, record.legs[0].failed, record.legs[0].rang) == (None, OfferEnd.CALLER_LEFT, 7.0)


LATE: tuple[Fact, ...] = (
    CheckedIn(at=9.1, call=C, where=Where.IN_LINE, due=60.0, started=8.0, said="thanks-1", cut_by="hang-up"),
    ItemOpened(at=9.1, call=C, queue="sales", item="missed", number="+491", reason="abandoned"),
    MessageMailed(at=99.0, call=C, queue="sales", file="f", to="a@b"),
)
WAITED = [arrived(0.0), entered(1.0), offered(2.0), CallAbandoned(at=9.0, call=C, queue="sales", waited=8.0, reason="")]


@pytest.mark.parametrize("late", list(permutations(LATE)))
def test_facts_that_follow_the_end_change_nothing(late: tuple[Fact, ...]) -> None:
    over = [*WAITED, ended(9.0, Outcome.ABANDONED)]
    assert record_of(C, [*over, *late]) == record_of(C, over)
    [stay] = stays([*over, *late])
    assert (stay.until, [word.said for word in stay.words]) == (9.0, ["thanks-1"])


def test_why_a_phone_was_not_answered_may_come_after_the_end() -> None:
    taken = not_taken(9.2, why=OfferEnd.TAKEN)
    record = record_of(C, [*WAITED, ended(9.0, Outcome.ABANDONED), taken, *LATE])
    [leg] = record.legs
    assert (record.ended, leg.rang, leg.failed) == (9.0, 7.0, OfferEnd.TAKEN)


def test_what_belongs_to_a_callback_is_not_in_the_calls_record() -> None:
    called_back = [
        offered(60.0, "L2"),
        not_taken(65.0, "L2"),
        offered(70.0, "L3"),
        connected(80.0, "L3"),
        talk_ended(90.0, "L3"),
    ]
    wrap_up = WrapUpStarted(at=90.0, agent="7001", call=C, queue="sales", until=105.0)
    over = [arrived(0.0), entered(1.0), offered(2.0), not_taken(5.0), ended(9.0, Outcome.CALLBACK)]
    assert record_of(C, [*over, *called_back, wrap_up]) == record_of(C, over)


def test_moved_transferred_and_back_in_line() -> None:
    moved = CallMoved(at=3.0, call=C, queue="support", from_queue="sales", by="ann")
    sent = CallTransferred(at=9.0, call=C, leg="L1", agent="7001", to="5000")
    facts = [
        arrived(0.0),
        entered(1.0),
        moved,
        entered(3.0, "support"),
        offered(4.0),
        connected(5.0),
        sent,
        talk_ended(9.0),
    ]
    back = CallLeftLine(at=30.0, call=C, queue="billing", outcome=Outcome.TIMEOUT, waited=20.0, reason="max_wait")
    record = record_of(C, [*facts, entered(10.0, "billing"), back, ended(31.0, Outcome.ANSWERED)])
    assert [(visit.queue, visit.outcome, visit.waited) for visit in record.visits] == [
        ("sales", Outcome.WITHDRAWN, 2.0),
        ("support", Outcome.ANSWERED, 2.0),
        ("billing", Outcome.TIMEOUT, 20.0),
    ]
    assert record.legs[0].transferred_to == "5000"
    assert (record.queue, record.outcome) == ("billing", Outcome.ANSWERED)


def test_hanging_up_in_line_after_a_conversation() -> None:
    facts = [arrived(0.0), entered(1.0), offered(1.0), connected(2.0), talk_ended(5.0), entered(5.0, "support")]
    record = record_of(C, [*facts, ended(9.0, Outcome.ANSWERED)])
    assert [visit.outcome for visit in record.visits] == [Outcome.ANSWERED, Outcome.ABANDONED]


def test_a_call_that_lasts_has_no_outcome() -> None:
    record = record_of(
        C,
        [
            arrived(0.0),
            CallerKnown(at=0.1, call=C, name="Ann Lee", tier=None, preferred_agent=None, language=None),
            entered(1.0),
        ],
    )
    assert (record.ended, record.outcome, record.visits[0].left, record.caller_name) == (None, None, None, "Ann Lee")


def test_half_a_history() -> None:
    record = record_of(
        C, [CallHeld(at=5.0, call=C, leg="L9", agent="7001"), connected(6.0, "L9"), ended(10.0, Outcome.ANSWERED)]
    )
    assert (record.whole, record.talked, record.held, record.number) == (False, 4.0, 0.0, "")


def test_a_call_given_up_as_lost_that_lives() -> None:
    record = record_of(
        C, [arrived(0.0), ended(5.0, Outcome.LOST), entered(6.0), connected(7.0), ended(9.0, Outcome.ANSWERED)]
    )
    assert (record.outcome, record.ended, record.talked) == (Outcome.ANSWERED, 9.0, 2.0)


def rings(at: float) -> CallKeptRinging:
    return CallKeptRinging(at=at, call=C)


def rang(at: float, reason: RingEnd = RingEnd.LET_IN) -> CallRang:
    return CallRang(at=at, call=C, rang=0.0, reason=reason)


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ([rings(1.0), rang(31.0), entered(35.0), connected(40.0), ended(50.0, Outcome.ANSWERED)], 30.0),
        ([rings(1.0), rang(21.0, RingEnd.CALLER_LEFT), ended(21.0, Outcome.ABANDONED)], 20.0),
        ([rings(1.0), ended(21.0, Outcome.ABANDONED)], 20.0),
        ([rings(1.0), entered(11.0), rang(12.0), ended(21.0, Outcome.ABANDONED)], 10.0),
        ([rings(1.0), rings(5.0), rang(11.0), rings(12.0), ended(21.0, Outcome.LEFT_IN_MENU)], 10.0),
        ([rings(1.0)], 0.0),
        ([rang(11.0), ended(21.0, Outcome.LEFT_IN_MENU)], 0.0),
        ([entered(11.0), ended(21.0, Outcome.ABANDONED)], 0.0),
    ],
)
def test_how_long_a_call_was_kept_ringing_is_no_part_of_its_wait(facts: list[Fact], seconds: float) -> None:
    record = record_of(C, [arrived(0.0), *facts])
    assert record.rang == seconds
    assert record.waited == sum(visit.waited for visit in record.visits)


def test_a_record_of_before_there_was_ringing_is_read_as_it_is() -> None:
    plain = to_plain(record_of(C, [arrived(0.0), entered(1.0), ended(9.0, Outcome.ABANDONED)]))
    assert isinstance(plain, dict)
    del plain["rang"]
    assert from_plain(CallRecord, plain).rang == 0.0


def test_what_came_of_a_feature_code() -> None:
    def used(at: float, agent: str | None, reason: str) -> HandsetUsed:
        return HandsetUsed(at=at, call=C, code="login", phone="101", agent=agent, reason=reason)

    facts = [used(1.0, None, "dialled"), used(4.0, "7003", "wrong PIN"), used(9.0, None, "not identified")]
    record = record_of(C, [arrived(0.0), *facts, ended(9.0, Outcome.HANDSET)])
    tries = (HandsetTry("login", "7003", "wrong PIN"), HandsetTry("login", None, "not identified"))
    assert record.handset == tries
    plain = to_plain(record)
    assert from_plain(CallRecord, plain) == record
    assert isinstance(plain, dict)
    del plain["handset"]
    assert from_plain(CallRecord, plain).handset == (), "one of before it was kept"


def test_somebody_dialled_directly() -> None:
    to = ExtensionConnected(at=3.0, call=C, channel="PJSIP/101-1")
    record = record_of(C, [arrived(0.0), to, entered(8.0), ended(9.0, Outcome.EXTENSION)])
    assert (record.outcome, record.extension_talked, record.talked) == (Outcome.EXTENSION, 5.0, 0.0)


def test_nothing_follows_the_end() -> None:
    record = record_of(C, [arrived(0.0), ended(5.0, Outcome.LEFT_IN_MENU), ended(7.0, Outcome.FAILED), connected(8.0)])
    assert (record.outcome, record.ended, record.legs) == (Outcome.LEFT_IN_MENU, 5.0, ())


def test_no_fact_no_record() -> None:
    with pytest.raises(ValueError, match="no fact"):
        record_of(C, [])


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Any facts of one call in any order, with clocks that jump."""
    legs, agents, queues = (
        st.sampled_from(["L1", "L2"]),
        st.sampled_from(["7001", "7002"]),
        st.sampled_from(["sales", "support"]),
    )
    outcomes, ends, text = st.sampled_from(list(Outcome)), st.sampled_from(list(OfferEnd)), st.just("x")
    zero = st.just(0.0)
    own = {"call": st.just(C), "leg": legs, "agent": agents}
    kinds = [
        st.builds(
            CallArrived,
            at=zero,
            call=own["call"],
            channel=text,
            number=text,
            caller_number=text,
            caller_name=text,
            source=text,
        ),
        st.builds(
            CallEntered,
            at=zero,
            call=own["call"],
            queue=queues,
            entered=zero,
            priority=st.just(5),
            bonus=zero,
            wants=st.just(""),
        ),
        st.builds(CallKeptRinging, at=zero, call=own["call"]),
        st.builds(CallRang, at=zero, call=own["call"], rang=zero, reason=st.sampled_from(list(RingEnd))),
        st.builds(CallMoved, at=zero, call=own["call"], queue=queues, from_queue=queues, by=text),
        st.builds(CallLeftLine, at=zero, call=own["call"], queue=queues, outcome=outcomes, waited=zero, reason=text),
        st.builds(CallAbandoned, at=zero, call=own["call"], queue=queues, waited=zero, reason=text),
        st.builds(AgentOffered, at=zero, queue=queues, phone=text, ring=zero, **own),
        st.builds(OfferEnded, at=zero, queue=queues, reason=ends, **own),
        st.builds(CallConnected, at=zero, queue=queues, waited=zero, **own),
        st.builds(CallHeld, at=zero, **own),
        st.builds(CallResumed, at=zero, **own),
        st.builds(CallTransferred, at=zero, to=text, **own),
        st.builds(TalkEnded, at=zero, queue=queues, talked=zero, reason=text, **own),
        st.builds(WrapUpStarted, at=zero, agent=agents, call=own["call"], queue=queues, until=zero),
        st.builds(ExtensionConnected, at=zero, call=own["call"], channel=text),
        st.builds(HandsetUsed, at=zero, call=own["call"], code=text, phone=text, agent=agents, reason=text),
        st.builds(CallEnded, at=zero, call=own["call"], outcome=outcomes, reason=text),
    ]
    facts: list[Fact] = draw(st.lists(st.one_of(kinds), min_size=1, max_size=30))
    now, timed = 1_000.0, []
    for fact in facts:
        now += draw(st.integers(-5, 20))
        timed.append(replace(fact, at=now))
    return timed


@given(histories())
def test_whatever_happened_a_record_adds_up(facts: list[Fact]) -> None:
    record = record_of(C, facts)
    end = record.ended if record.ended is not None else max(fact.at for fact in facts)
    length = max(end, record.arrived) - record.arrived
    assert (record.outcome is None) == (record.ended is None)
    if any(isinstance(fact, CallEnded) for fact in facts[-1:]):
        assert record.outcome is not None
    assert min(record.rang, record.waited, record.talked) >= 0
    assert 0 <= record.rang + record.waited + record.talked + record.extension_talked <= length + 1e-6
    assert 0 <= record.held <= record.talked + 1e-6
    for leg in record.legs:
        assert record.arrived <= leg.offered
        assert leg.rang >= 0
        assert leg.talked >= leg.held >= 0
        assert leg.rang + leg.talked <= length + 1e-6
        assert not (leg.failed is not None and leg.connected is not None)
        if record.ended is not None:
            assert (leg.failed is None) == (leg.connected is not None)
    assert all(visit.left is not None or record.ended is None for visit in record.visits[-1:])
    assert all(visit.left is not None for visit in record.visits[:-1])
    talks = sorted((leg.connected, leg.ended or end) for leg in record.legs if leg.connected is not None)
    assert all(first[1] <= second[0] for first, second in pairwise(talks))
