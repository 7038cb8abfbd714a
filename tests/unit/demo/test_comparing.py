"""The demo's comparison is believed because it can fail: each kind of difference is made and found."""

from dataclasses import replace

import pytest

from callhandler.core import events as e
from callhandler.core.model import OfferEnd, Outcome
from callhandler.demo.comparing import Pair, Site, compare
from callhandler.demo.heard import SipCall, sip_calls
from callhandler.demo.sipp import Line
from callhandler.store.reading import record_of
from callhandler.store.records import CallRecord

NUMBER = "493012345"
SITE = Site(
    agent_of={"101": "7001", "102": "7002"},
    queue_named={"Sales": "sales", "Support": "support"},
    reached={NUMBER: "sales"},
    short_abandon=5.0,
)
CALLER = [
    Line("invite", NUMBER, 100.0, "5000"),
    Line("answered", NUMBER, 100.1, ""),
    Line("key", NUMBER, 101.0, "1"),
]
HEARD = [*CALLER, Line("bye-received", NUMBER, 112.0, "")]
PHONES = {
    "101": [Line("rang", NUMBER, 101.1, '"Sales: Ada" '), Line("refused", NUMBER, 101.9, "603")],
    "102": [
        Line("rang", NUMBER, 102.0, '"Sales: Ada" '),
        Line("answered", NUMBER, 103.0, ""),
        Line("talking", NUMBER, 103.0, ""),
        Line("bye-sent", NUMBER, 112.0, ""),
    ],
}


CALL = "demo1-100.1"
FACTS = [
    e.CallArrived(
        at=100.0, call=CALL, channel="PJSIP/pstn-1", number="5000", caller_number=NUMBER, caller_name="Ada", source="trunk:pstn"
    ),
    e.CallEntered(at=101.0, call=CALL, queue="sales", entered=101.0, priority=5, bonus=0.0, wants=""),
    e.AgentOffered(at=101.1, call=CALL, leg="one", agent="7001", queue="sales", phone="101", ring=4.0),
    e.OfferEnded(at=101.9, call=CALL, leg="one", agent="7001", queue="sales", reason=OfferEnd.REFUSED),
    e.AgentOffered(at=102.0, call=CALL, leg="two", agent="7002", queue="sales", phone="102", ring=4.0),
    e.CallConnected(at=103.0, call=CALL, leg="two", agent="7002", queue="sales", waited=2.0),
    e.TalkEnded(
        at=112.0, call=CALL, leg="two", agent="7002", queue="sales", talked=9.0, reason="agent hung up"
    ),
    e.CallEnded(at=112.0, call=CALL, outcome=Outcome.ANSWERED, reason="", cause=16),
]  # fmt: skip
ANSWERED = record_of(CALL, FACTS)
REFUSED, TALKED = ANSWERED.legs


def only(pairs: list[Pair]) -> Pair:
    (pair,) = pairs
    return pair


def compared(record: CallRecord, calls: list[SipCall] | None = None) -> Pair:
    return only(compare(sip_calls(HEARD, PHONES) if calls is None else calls, [record], SITE))


def test_the_same_story_twice_agrees() -> None:
    pair = compared(ANSWERED)
    assert pair.agrees
    assert pair.sip is not None
    assert pair.sip.offers == pair.journal.offers if pair.journal else False
    assert pair.sip.talked == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (replace(ANSWERED, outcome=Outcome.ABANDONED), "outcome"),
        (replace(ANSWERED, outcome=None), "outcome"),
        (replace(ANSWERED, agent="7001"), "agent"),
        (replace(ANSWERED, talked=10.1), "talk"),
        (replace(ANSWERED, talked=7.9), "talk"),
        (replace(ANSWERED, queue="support"), "queue"),
        (replace(ANSWERED, legs=ANSWERED.legs[1:]), "offers"),
        (
            replace(ANSWERED, legs=(replace(ANSWERED.legs[0], failed=OfferEnd.NO_ANSWER), ANSWERED.legs[1])),
            "offers",
        ),
        (
            replace(ANSWERED, legs=(ANSWERED.legs[0], replace(ANSWERED.legs[1], reason="caller hung up"))),
            "hung up by",
        ),
        (replace(ANSWERED, legs=ANSWERED.legs[:1]), "ended in"),
    ],
)
def test_every_difference_is_found(changed: CallRecord, word: str) -> None:
    pair = compared(changed)
    assert not pair.agrees
    assert any(difference.startswith(word) for difference in pair.differences), pair.differences


def test_talk_may_differ_by_less_than_a_second() -> None:
    assert compared(replace(ANSWERED, talked=9.9)).agrees


def test_a_call_that_one_side_alone_knows_differs() -> None:
    assert not only(compare(sip_calls(HEARD, PHONES), [], SITE)).agrees
    assert not only(compare([], [ANSWERED], SITE)).agrees
    assert not only(compare(sip_calls(HEARD, PHONES), [ANSWERED, replace(ANSWERED, id="twice")], SITE)).agrees


def test_another_order_of_connections_is_found() -> None:
    other = "493099999"
    later = [Line(line.event, other, line.at + 5, line.rest) for line in HEARD]
    phones = {**PHONES, "101": [Line(line.event, other, line.at + 5, line.rest) for line in PHONES["102"]]}
    phones["102"] = [*PHONES["101"], *PHONES["102"]]
    calls = sip_calls([*HEARD, *later], phones)
    site = replace(SITE, reached={NUMBER: "sales", other: "sales"})
    first = replace(ANSWERED, legs=(replace(ANSWERED.legs[1], connected=103.0),))
    theirs = replace(TALKED, agent="7001", phone="101", offered=107.0, connected=108.0)
    second = replace(ANSWERED, id="other", caller_number=other, agent="7001", legs=(theirs,))
    swapped = replace(second, legs=(replace(second.legs[0], connected=102.5),))
    found = {pair.number: pair.differences for pair in compare(calls, [first, second], site)}
    assert "connected in another order" not in found[other]
    found = {pair.number: pair.differences for pair in compare(calls, [first, swapped], site)}
    assert "connected in another order" in found[NUMBER]
    assert "connected in another order" in found[other]


@pytest.mark.parametrize(
    ("ended", "outcome", "agrees"),
    [
        (103.0, Outcome.ABANDONED_SHORT, True),
        (103.0, Outcome.ABANDONED, False),
        (109.0, Outcome.ABANDONED, True),
        (109.0, Outcome.ABANDONED_SHORT, False),
        (106.1, Outcome.ABANDONED, True),
        (109.0, Outcome.LEFT_IN_MENU, False),
    ],
)
def test_who_hangs_up_waiting_has_abandoned(ended: float, outcome: Outcome, agrees: bool) -> None:
    calls = sip_calls([*CALLER, Line("bye-sent", NUMBER, ended, "")], {})
    visit = replace(ANSWERED.visits[0], outcome=outcome)
    record = replace(ANSWERED, outcome=outcome, agent=None, talked=0.0, legs=(), visits=(visit,))
    assert compared(record, calls).agrees is agrees


def test_who_hangs_up_in_the_menu_has_left_it() -> None:
    calls = sip_calls([*CALLER[:2], Line("bye-sent", NUMBER, 101.0, "")], {})
    site = replace(SITE, reached={NUMBER: None})
    left = replace(ANSWERED, outcome=Outcome.LEFT_IN_MENU, agent=None, queue=None, talked=0.0, legs=(), visits=())
    assert only(compare(calls, [left], site)).agrees
    assert not only(compare(calls, [replace(left, outcome=Outcome.ABANDONED)], site)).agrees


def test_a_call_that_was_never_answered_failed() -> None:
    calls = sip_calls(CALLER[:1], {})
    assert not compared(ANSWERED, calls).agrees


def test_an_offer_given_up_says_why_by_when_the_caller_ended() -> None:
    ringing = [Line("rang", NUMBER, 101.1, '"Sales: Ada"'), Line("cancelled", NUMBER, 105.0, "")]
    (left,) = sip_calls([*CALLER, Line("bye-sent", NUMBER, 105.0, "")], {"101": ringing})
    (stayed,) = sip_calls([*CALLER, Line("bye-sent", NUMBER, 110.0, "")], {"101": ringing})
    record = replace(ANSWERED, outcome=Outcome.ABANDONED, agent=None, talked=0.0)
    gone = replace(record, outcome=Outcome.ABANDONED_SHORT, legs=(replace(REFUSED, failed=OfferEnd.CALLER_LEFT),))
    missed = replace(record, legs=(replace(REFUSED, failed=OfferEnd.NO_ANSWER),))
    assert compared(gone, [left]).agrees
    assert compared(missed, [stayed]).agrees
    assert not compared(replace(gone, outcome=Outcome.ABANDONED), [stayed]).agrees
