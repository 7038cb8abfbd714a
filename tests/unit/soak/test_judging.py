"""The judgement on a soak can fail: each condition is broken here once, and told by its name."""

from dataclasses import replace

import pytest

from bench.soak.calls import verdicts
from bench.soak.judging import (
    Growth,
    Journal,
    Memory,
    Snapshot,
    callbacks_wrong,
    growth,
    left_over,
    too_much,
    unfinished,
)
from bench.soak.mix import Caller, Kind
from callhandler.core.model import OfferEnd, Outcome
from callhandler.demo.comparing import Site
from callhandler.demo.sipp import Line
from callhandler.store.records import CallRecord, Leg, QueueVisit

QUIET = Snapshot(
    channels=0,
    shells=0,
    bridges=0,
    taskprocessors=200,
    taskprocessor_backlog=0,
    contacts=140,
    asterisk_files=18,
    asterisk_threads=45,
    daemon_files=23,
    daemon_threads=8,
    daemon_tasks=8,
    agi_sessions=0,
    calls=0,
    waiting=0,
    callbacks=0,
    agents_not_free=0,
    journal_backlog=0,
    files=frozenset({"var/sounds/en/hello.wav"}),
)
NUMBERS = [name for name in Snapshot.__slots__ if name not in ("files", "shells", "daemon_threads", "asterisk_threads")]
FINE = Journal(
    facts=100, unfinished={"calls without an end": 0}, alarms={"misses": 3}, happened={}, callbacks={}, ringing=0.0
)
SITE = Site(
    agent_of={"1001": "7001"}, queue_named={"Line": "line"}, reached={"1": "line", "3": "few"}, short_abandon=5.0
)
STRAIGHT = Caller(Kind.STRAIGHT, "+49301", 0.0, ((1.0, "1"),), 120.0)


def test_nothing_left_over() -> None:
    fewer = replace(QUIET, asterisk_threads=40, taskprocessors=190)
    assert left_over(QUIET, QUIET, 100) == left_over(QUIET, fewer, 100) == []


@pytest.mark.parametrize("what", NUMBERS)
def test_left_over(what: str) -> None:
    was = getattr(QUIET, what)
    assert left_over(QUIET, replace(QUIET, **{what: was + 1}), 100) == [
        f"{what.replace('_', ' ')}: {was} before, {was + 1} after"
    ]


def test_threads_of_pythons_pool_may_come_but_no_more() -> None:
    assert left_over(QUIET, replace(QUIET, daemon_threads=14), 100) == []
    assert left_over(QUIET, replace(QUIET, daemon_threads=15), 100) == ["daemon threads: 8 before, 15 after"]


def test_a_file_left_over() -> None:
    more = QUIET.files | {"var/messages/half.wav"}
    assert left_over(QUIET, replace(QUIET, files=more), 100) == ["files: var/messages/half.wav is left over"]


def test_dead_channels_that_asterisk_keeps_are_counted_and_bounded() -> None:
    two = replace(QUIET, shells=2, asterisk_files=20)
    assert left_over(QUIET, two, 1_000) == []
    assert left_over(QUIET, two, 999) == ["shells: 0 before, 2 after"]
    assert left_over(QUIET, replace(two, asterisk_files=21), 1_000) == ["asterisk files: 18 before, 21 after"]


def looks(warm: float, end: float) -> list[Memory]:
    """Memory of a daemon over 4000 s; Asterisk's stays."""
    return [
        Memory(
            seconds=seconds,
            daemon_mb=warm if seconds < 2_000 else end,
            asterisk_mb=50.0,
            daemon_pss_mb=0.0,
            asterisk_pss_mb=0.0,
            calls=100,
            waiting=5,
            tasks=50,
            sessions=40,
            backlog=0,
        )
        for seconds in range(5, 4_000, 5)
    ]


@pytest.mark.parametrize(("end", "grew"), [(104.9, False), (105.1, True), (60.0, False)])
def test_memory(end: float, grew: bool) -> None:
    found = growth(looks(100.0, end), 4_000.0)
    assert [one.process for one in found] == ["daemon", "Asterisk"]
    assert [sentence.partition(":")[0] for sentence in too_much(found, 4_000.0)] == ["memory of daemon"] * grew


def test_memory_of_either_process() -> None:
    assert len(too_much([Growth("daemon", 50.0, 53.0), Growth("Asterisk", 50.0, 53.0)], 3_600.0)) == 2
    assert len(too_much([Growth("daemon", 50.0, 53.0), Growth("Asterisk", 50.0, 53.0)], 600.0)) == 1


def test_a_soak_that_nobody_looked_at_proves_nothing() -> None:
    with pytest.raises(ValueError, match="not looked at"):
        growth(looks(100.0, 100.0)[:50], 4_000.0)


def test_the_journal() -> None:
    assert unfinished(FINE) == []
    assert unfinished(replace(FINE, unfinished={"calls without an end": 2})) == [
        "calls without an end: 2 in the journal"
    ]
    assert unfinished(replace(FINE, alarms={"misses": 1, "busy": 1, "disk": 2})) == ["alarm: disk (2)"]
    assert unfinished(replace(FINE, ringing=4.9)) == []
    assert unfinished(replace(FINE, ringing=5.1)) == ["kept ringing: a caller for 5.1 s"]


def line(event: str, at: float, rest: str = "") -> Line:
    """What a SIPp logged of the one caller."""
    return Line(event, STRAIGHT.number, at, rest)


def called(at: float = 100.0) -> list[Line]:
    """The caller of an answered call: 2 s to the key, answered at 3 s, over at 8 s."""
    return [line("invite", at, "5000"), line("answered", at), line("key", at + 2, "1"), line("bye-received", at + 8)]


def rang(at: float = 100.0) -> list[Line]:
    """The agent's phone of that call."""
    shown = '1001 "Line: straight"'
    return [
        line("rang", at + 2.1, shown),
        line("answered", at + 3, shown),
        line("talking", at + 3, shown),
        line("bye-sent", at + 8, shown),
    ]


def record(at: float = 100.0) -> CallRecord:
    """What the journal says of it."""
    leg = Leg(
        leg="soak-1.1-o1",
        agent="7001",
        queue="line",
        phone="1001",
        offered=at + 2.1,
        rang=0.9,
        failed=None,
        connected=at + 3,
        ended=at + 8,
        talked=5.0,
        held=0.0,
        reason="agent hung up",
        transferred_to=None,
        wrap_up=1.0,
    )
    stay = QueueVisit(queue="line", entered=at + 2, left=at + 3, waited=1.0, outcome=Outcome.ANSWERED)
    return CallRecord(
        id=f"soak-{at}",
        arrived=at,
        ended=at + 8,
        number="5000",
        caller_number=STRAIGHT.number,
        caller_name="straight",
        source="pstn",
        outcome=Outcome.ANSWERED,
        reason="hung up",
        cause=16,
        whole=True,
        queue="line",
        agent="7001",
        waited=1.0,
        talked=5.0,
        held=0.0,
        extension_talked=0.0,
        attributes=(),
        visits=(stay,),
        legs=(leg,),
    )


def wrong(
    records: list[CallRecord], phones: list[Line] | None = None, by_caller: list[Line] | None = None
) -> list[str]:
    """What is said against the one call, when one of the three who know of it says something else."""
    lines = called() if by_caller is None else by_caller
    found = verdicts([STRAIGHT], lines, rang() if phones is None else phones, records, SITE)
    return [sentence for one in found for sentence in one.wrong]


def test_a_good_call() -> None:
    assert wrong([record()]) == []


def test_calls_of_one_number_are_told_apart() -> None:
    twice = [STRAIGHT, STRAIGHT]
    found = verdicts(twice, called() + called(500.0), rang() + rang(500.0), [record(), record(500.0)], SITE)
    assert [one.wrong for one in found] == [(), ()]
    found = verdicts(twice, called() + called(500.0), rang() + rang(500.0), [record()], SITE)
    assert [one.wrong for one in found] == [(), ("not in the journal",)]


def test_a_call_that_failed() -> None:
    assert wrong([record()], by_caller=called()[:1]) == ["never answered"]
    assert wrong([]) == ["not in the journal"]
    assert wrong([record(), record(200.0)]) == ["once more in the journal"]
    assert wrong([record(), replace(record(), caller_number="+49302")]) == ["known to the journal alone"]
    assert "has no end in the journal" in wrong([replace(record(), ended=None)])
    assert "came to failed" in wrong([replace(record(), outcome=Outcome.FAILED)])
    assert "waited for somebody and talked with nobody" in wrong([record()], phones=[])
    assert "is called back without having asked for it" in wrong([replace(record(), outcome=Outcome.CALLBACK)])


def test_a_call_that_both_sides_tell_differently() -> None:
    assert any("agent:" in one for one in wrong([replace(record(), agent="7002")]))
    assert any("talk:" in one for one in wrong([replace(record(), talked=11.0)]))
    refused = replace(record().legs[0], failed=OfferEnd.REFUSED, connected=None)
    assert any("offers:" in one for one in wrong([replace(record(), legs=(refused, *record().legs))]))


def test_what_only_a_slow_machine_tells_differently_is_no_failure() -> None:
    assert wrong([replace(record(), talked=8.0)]) == []
    phones = [*rang()[:3], line("bye-received", 104.0, '1001 "Line: straight"')]
    left = [*called()[:3], line("bye-sent", 104.0)]
    lost = replace(record().legs[0], failed=OfferEnd.LOST, connected=None)
    crossed = replace(record(), outcome=Outcome.ABANDONED_SHORT, legs=(lost,), agent=None, talked=0.0)
    assert wrong([crossed], phones, left) == []
    late = [*called()[:3], line("bye-sent", 107.0)]
    assert wrong([crossed], [*rang()[:3], line("bye-received", 107.0, '1001 "Line: straight"')], late) != []


@pytest.mark.parametrize(("waited", "agrees"), [(6.5, True), (30.0, False)])
def test_a_short_wait_is_one_to_both_sides_but_for_what_a_machine_stands_still(waited: float, agrees: bool) -> None:
    left = [*called()[:3], line("bye-sent", 102.0 + waited)]
    short = replace(record(), outcome=Outcome.ABANDONED_SHORT, legs=(), agent=None, talked=0.0)
    leaves = replace(STRAIGHT, kind=Kind.LEAVES_LINE)
    (found,) = verdicts([leaves], left, [], [short], SITE)
    assert (found.wrong == ()) is agrees


@pytest.mark.parametrize(("key", "agrees"), [(101.0, True), (103.0, False)])
def test_a_key_before_the_menu_is_none(key: float, agrees: bool) -> None:
    left = [*called()[:2], line("key", key, "1"), line("bye-sent", 106.0)]
    in_menu = replace(record(), outcome=Outcome.LEFT_IN_MENU, legs=(), visits=(), queue=None, agent=None, talked=0.0)
    (found,) = verdicts([replace(STRAIGHT, kind=Kind.LEAVES_TALK)], left, [], [in_menu], SITE)
    assert (found.wrong == ()) is agrees


def test_callbacks_ring_as_often_as_they_are_dialled() -> None:
    once = replace(FINE, happened={"CallbackDialled": 1})
    assert callbacks_wrong([line("rang", 1.0), line("talking", 2.0)], once) == []
    assert len(callbacks_wrong([], once)) == len(callbacks_wrong([line("rang", 1.0)] * 2, once)) == 1
