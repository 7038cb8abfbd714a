"""Being woken: when the time has come, never before, each by its own key. A clock that never goes back, however the machine's is set."""

import asyncio
import time
from collections.abc import Callable
from itertools import chain, repeat

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from callhandler import timing
from callhandler.timing import PULL, SteadyClock, Timers, watch_clock

NOON = 1_795_000_000.0


class Machine:
    """A machine whose clock can be set."""

    def __init__(self) -> None:
        self.wall, self.passed = NOON, 500.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.passed)

    def run(self, seconds: float) -> float:
        """Let time pass; returns what the clock says then."""
        self.wall += seconds
        self.passed += seconds
        return self.clock()


def wanted(key: tuple[str, str]) -> bool:
    """Everything is."""
    return True


async def test_it_wakes_with_its_key_when_the_time_has_come_and_at_once_when_it_is_past() -> None:
    clock = SteadyClock()
    timers = Timers(clock)
    woken = asyncio.Queue[tuple[tuple[str, str], float]]()
    timers.to(lambda key: woken.put_nowait((key, clock())), wanted)
    now = clock()
    timers.at(now + 0.02, ("wrap", "7001"))
    timers.at(now - 10.0, ("rest", "7002"))
    async with asyncio.timeout(60):
        first, at_first = await woken.get()
        second, at_second = await woken.get()
    assert (first, second) == (("rest", "7002"), ("wrap", "7001"))
    assert at_first >= now
    assert at_second >= now + 0.02


async def test_a_loop_whose_clock_is_coarse_never_wakes_early() -> None:
    times = chain([100.0, 100.99], repeat(101.0))
    timers = Timers(lambda: next(times))
    woken = asyncio.Event()
    timers.to(lambda _: woken.set(), wanted)
    timers.at(101.0, ("step", "call"))
    timers._fire()
    assert not woken.is_set(), "too early, and set again for the hundredth of a second that is left"
    async with asyncio.timeout(60):
        await woken.wait()


async def test_a_hundred_thousand_timers_cost_the_loop_one_and_each_wakes_in_its_turn() -> None:
    machine = Machine()
    timers, woken = Timers(machine.clock), list[int]()
    timers.to(lambda key: woken.append(int(key[1])), wanted)
    handles = set[asyncio.TimerHandle | None]()
    for number in range(100_000):
        timers.at(NOON + 100 + number * 37 % 100_000, ("silence", str(number)))
        handles.add(timers._next)
    assert sum(handle is not None and not handle.cancelled() for handle in handles) == 1
    machine.run(103.0)
    for _ in range(10):
        timers._fire()
    assert [number * 37 % 100_000 for number in woken] == [0, 1, 2, 3]


async def test_what_is_no_longer_wanted_is_thrown_out_and_the_others_wake() -> None:
    machine = Machine()
    timers, woken = Timers(machine.clock), list[str]()
    calls = {"0", "5000", "99999"}
    timers.to(lambda key: woken.append(key[1]), lambda key: key[1] in calls)
    timers.at(NOON + 40_000.0, ("max wait", "0"))
    most = 0
    for number in range(1, 100_000):
        timers.at(NOON + 36_000.0 - number % 7, ("closing", str(number)))
        most = max(most, len(timers._due))
    assert most == timing.MANY
    machine.run(36_000.0)
    while timers._due[0][0] <= machine.clock():
        timers._fire()
    assert [one[2][1] for one in timers._due] == ["0"]
    assert {"5000", "99999"} <= set(woken)


async def test_a_wake_that_fails_keeps_no_other_from_its_turn() -> None:
    woken = asyncio.Event()

    def wake(key: tuple[str, str]) -> None:
        if key[1] == "bad":
            raise ValueError(key[1])
        woken.set()

    timers = Timers(SteadyClock())
    timers.to(wake, wanted)
    for call in ("bad", "good"):
        timers.at(NOON - 1e9, ("step", call))
    with pytest.raises(ValueError, match="bad"):
        timers._fire()
    async with asyncio.timeout(60):
        await woken.wait()


def test_a_timer_that_is_set_looks_when_it_is_due_and_not_all_the_time() -> None:
    asked = 0
    steady = SteadyClock()

    def clock() -> float:
        nonlocal asked
        asked += 1
        return steady()

    async def five_are_due() -> None:
        timers = Timers(clock)
        woken = asyncio.Queue[tuple[str, str]]()
        timers.to(woken.put_nowait, wanted)
        now = steady()
        for n in range(5):
            timers.at(now + 0.01 * (5 - n), ("wrap", str(n)))
        async with asyncio.timeout(60):
            assert [(await woken.get())[1] for _ in range(5)] == ["4", "3", "2", "1", "0"]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(five_are_due())
    assert asked <= 20, "twice when set, twice when due; a loop that looks too early asks a hundred times"


async def test_a_loop_that_stood_still_reads_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "STOOD_STILL", 0.1)
    monkeypatch.setattr(timing, "READING", 0.2)
    clock = SteadyClock()
    timers = Timers(clock)
    woken = asyncio.Queue[str]()
    timers.to(lambda key: woken.put_nowait(key[0]), wanted)
    timers.at(clock() + 0.01, ("lease", "leg"))
    timing.after(0.01, lambda: woken.put_nowait("overdue"))
    time.sleep(0.3)  # noqa: ASYNC251 - the loop stands still
    back = time.monotonic()
    await asyncio.sleep(0.05)
    timers.at(clock() - 1.0, ("set while reading", "leg"))
    async with asyncio.timeout(60):
        assert {await woken.get() for _ in range(3)} == {"lease", "overdue", "set while reading"}
        assert time.monotonic() - back >= 0.2, "what came in time is heard before it counts as not having come"
        timers.at(clock(), ("next", "leg"))
        assert await woken.get() == "next"


async def test_a_machine_that_was_suspended_wakes_its_timers_soon_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LONGEST_SLEEP", 0.02)
    machine = Machine()
    timers = Timers(machine.clock)
    woken = asyncio.Event()
    timers.to(lambda _: woken.set(), wanted)
    timers.at(NOON + 3_600, ("slot", "call"))
    machine.run(3_600)  # the loop's own clock has seen nothing of this hour
    async with asyncio.timeout(60):
        await woken.wait()


def test_the_clock_is_the_machines_while_nobody_sets_it() -> None:
    machine = Machine()
    assert [machine.run(10.0) for _ in range(3)] == [NOON + 10, NOON + 20, NOON + 30]
    assert SteadyClock()() == pytest.approx(time.time(), abs=1.0)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e6, 1e6)), max_size=50))
def test_the_clock_never_goes_back_and_no_wait_is_measured_a_tenth_wrong(steps: list[tuple[float, float]]) -> None:
    machine = Machine()
    for seconds, step in steps:
        machine.wall += step
        before = machine.clock()
        after = machine.run(seconds)
        assert seconds * (1 - PULL) - 1e-5 <= after - before <= seconds * (1 + PULL) + 1e-5


@pytest.mark.parametrize("step", [-300.0, 300.0])
def test_it_gets_to_where_the_machines_clock_is(step: float) -> None:
    machine = Machine()
    machine.wall += step
    for _ in range(300):
        machine.run(10.0)
    assert machine.clock() == machine.wall
    assert machine.clock.behind == 0


async def watched(machine: Machine, is_idle: Callable[[], bool]) -> list[str]:
    """What people are told by some rounds of watching."""
    told: list[str] = []
    task = asyncio.get_running_loop().create_task(watch_clock(machine.clock, is_idle, told.append))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return told


async def test_a_clock_set_forward_is_followed_at_once_when_nobody_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_LOOK_EVERY", 0.005)
    machine = Machine()
    machine.wall += 3_600
    assert await watched(machine, lambda: False) == [
        "the machine's clock was set 3600 s ahead: callhandler follows when nobody is here, so that no wait jumps"
    ]
    assert machine.clock() == NOON
    assert await watched(machine, lambda: True) == []
    assert machine.clock() == machine.wall


async def test_a_clock_set_back_is_told_of_once_and_followed_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_LOOK_EVERY", 0.005)
    machine = Machine()
    machine.wall -= 3_600
    (told,) = await watched(machine, lambda: True)
    assert told.startswith("the machine's clock was set 3600 s back: callhandler follows slowly")
    assert machine.clock() == NOON


def test_a_restart_doesnt_go_back_either_but_believes_no_nonsense() -> None:
    machine = Machine()
    machine.clock.not_before(NOON + 300)
    assert machine.clock() == NOON + 300
    machine.clock.not_before(NOON + 10)
    machine.clock.not_before(NOON + 1e9)
    assert machine.clock() == NOON + 300
