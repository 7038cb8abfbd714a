"""The promise to those who wait, in random histories: no silence is longer than promised, or a breach with a cause stands for it."""

import asyncio
from collections.abc import Awaitable, Callable

import looptime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import example as example_of
from hypothesis import strategies as st

from callhandler.core import events as e
from callhandler.core.model import Queue
from callhandler.core.watch import AWAY, MISSING, SLOW, TOO_LONG, UNSEEN
from callhandler.site.loading import load
from callhandler.site.models import Site
from callhandler.site.new import example
from tests.unit.core.world import agent, plan
from tests.unit.scripts.patience import House, longest_silence

PLAN = plan((Queue("patient", "Patient"), Queue("operator", "Operator")), (agent("a"), agent("b")))
AT_MOST = PLAN.promise.at_most
MORE = """
[queues.patient]
name = "Patient"
greeting = "please-wait"
fallback = "say:nobody-here"
"""
NEAR = 0.05
"""Seconds by which what was heard and what was written down may differ: a few commands."""

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0.3, 5.0, 20.0, 45.0, 61.0, 100.0]),
        st.one_of(
            st.tuples(st.just("key"), st.sampled_from("0125")),
            st.tuples(st.just("killed"), st.sampled_from([1.0, 20.0, 120.0])),
            st.tuples(st.just("unseen"), st.sampled_from([1.0, 100.0])),
            st.tuples(st.just("slow"), st.sampled_from([0.0, 0.3, 5.0, 40.0])),
            st.tuples(st.just("missing"), st.booleans()),
            st.tuples(st.sampled_from(["another", "answered", "hangs up", "nothing"]), st.none()),
        ),
        st.integers(0, 2),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    path = tmp_path_factory.mktemp("promise") / "callhandler.toml"
    path.write_text(example(15_000, "Acme", "UTC") + MORE, encoding="utf-8")
    return load(path).site


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run in a loop whose time jumps to whatever is next."""
    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(work())
    finally:
        loop.close()


async def there(house: House) -> None:
    """Somebody is logged in, and on break: callers wait, and no phone rings."""
    for one in ("a", "b"):
        house.board.record(e.AgentLoggedIn(at=house.now, agent=one, phone=f"p{one}", by="test"))
        house.board.record(e.AgentPaused(at=house.now, agent=one, reason="tea", by="test"))


async def happens(house: House, what: str, how: object, which: int) -> None:
    calls = [call for call in house.listeners if call not in house.left]
    call = calls[which % len(calls)] if calls else None
    match what, how:
        case "key", str(key) if call is not None:
            house.listeners[call].interrupt(key)
        case "killed", float(seconds):
            await house.killed(seconds)
        case "unseen", float(seconds):
            await house.unseen(seconds)
        case "slow", float(seconds):
            house.slow = seconds
        case "missing", bool(missing):
            house.missing = missing
        case "another", _ if len(calls) < 3:
            house.calls("patient")
        case "answered", _ if call is not None:
            house.board.record(e.AgentResumed(at=house.now, agent="a", by="test"))
            await asyncio.sleep(0.2)
            house.answered(call)
            house.board.record(e.AgentPaused(at=house.now, agent="a", reason="tea", by="test"))
        case "hangs up", _ if call is not None:
            house.leaves(call)


def the_promise_is_kept(house: House) -> None:
    for call in house.listeners:
        silence, since = longest_silence(house, call)
        breaches = [fact for fact in house.facts if isinstance(fact, e.CheckInBreached) and fact.call == call]
        if silence > AT_MOST + NEAR:
            ends = [word.at for word in house.facts if isinstance(word, e.CheckedIn) and word.call == call]
            # A breach stands for a silence until the next word that the journal knows.
            assert any(
                fact.since - NEAR <= since + NEAR < min((at for at in ends if at > fact.since), default=since + 1)
                for fact in breaches
            ), f"{call} was silent for {silence} s since {since}: {breaches}"
        assert {fact.reason for fact in breaches} <= {AWAY, UNSEEN, MISSING, SLOW, TOO_LONG}


def nothing_is_claimed_that_was_not_heard(house: House) -> None:
    for fact in house.facts:
        # What an answer or a hang-up cut can have been cut before its first sound; that it began is all that is claimed.
        if isinstance(fact, e.CheckedIn) and not fact.said.startswith("menu") and fact.cut_by in ("", "key"):
            heard = house.listeners[fact.call].words
            assert any(begin < fact.at + NEAR and end > fact.started - NEAR for begin, end in heard), fact
            assert fact.started <= fact.at


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS)
@example_of(events=[(0.3, ("key", "2"), 0), (20.0, ("killed", 120.0), 0)])
def test_no_silence_is_longer_than_promised_or_its_cause_is_written_down(site: Site, events: list[tuple]) -> None:  # type: ignore[type-arg]
    async def history() -> None:
        house = House(site, PLAN)
        await there(house)
        house.calls("patient")
        for after, (what, how), which in events:
            await asyncio.sleep(after)
            await happens(house, what, how, which)
        await asyncio.sleep(100.0)
        await house.end()
        the_promise_is_kept(house)
        nothing_is_claimed_that_was_not_heard(house)

    run(history)


def test_all_well_nobody_waits_longer_and_nothing_is_breached(site: Site) -> None:
    async def history() -> None:
        house = House(site, PLAN)
        await there(house)
        call = house.calls("patient")
        await asyncio.sleep(1_000.0)
        await house.end()
        said = [fact for fact in house.facts if isinstance(fact, e.CheckedIn)]
        assert said[0].said == "greeting"
        assert said[1].said == "next key-2 key-0"
        assert [fact.said.split()[0] for fact in said[2:]] == [
            f"thanks-{1 + turn % 4}" for turn in range(len(said) - 2)
        ]
        assert len(said) > 13
        assert not [fact for fact in house.facts if isinstance(fact, e.CheckInBreached)]
        assert longest_silence(house, call)[0] < 70.0

    run(history)


def test_a_breach_is_written_down_when_it_happens(site: Site) -> None:
    async def history() -> None:
        house = House(site, PLAN)
        house.missing = True
        await there(house)
        house.calls("patient")
        await asyncio.sleep(AT_MOST + 1.0)
        (breach,) = [fact for fact in house.facts if isinstance(fact, e.CheckInBreached)]
        assert breach.reason == MISSING
        assert breach.at - breach.since - AT_MOST < NEAR
        await house.end()

    run(history)
