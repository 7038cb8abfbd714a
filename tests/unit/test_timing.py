"""Being woken: at the time asked for, never before it, and each thing by its own key."""

import asyncio
from itertools import chain, repeat

from callhandler.timing import SteadyClock, Timers


async def test_it_wakes_with_its_key_when_the_time_has_come_and_at_once_when_it_is_past() -> None:
    clock = SteadyClock()
    timers = Timers(clock)
    woken = asyncio.Queue[tuple[tuple[str, str], float]]()
    timers.to(lambda key: woken.put_nowait((key, clock())))
    now = clock()
    timers.at(now + 0.02, ("wrap", "7001"))
    timers.at(now - 10.0, ("rest", "7002"))
    async with asyncio.timeout(5):
        first, at_first = await woken.get()
        second, at_second = await woken.get()
    assert (first, second) == (("rest", "7002"), ("wrap", "7001"))
    assert at_first >= now
    assert at_second >= now + 0.02


async def test_a_loop_whose_clock_is_coarse_never_wakes_early() -> None:
    times = chain([100.0, 100.99], repeat(101.0))
    timers = Timers(lambda: next(times))
    woken = asyncio.Event()
    timers.to(lambda _: woken.set())
    timers._fire(101.0, ("step", "call"))
    assert not woken.is_set(), "too early, and set again for the hundredth of a second that is left"
    async with asyncio.timeout(5):
        await woken.wait()


def test_the_clock_never_goes_back() -> None:
    clock = SteadyClock()
    times = [clock() for _ in range(1_000)]
    assert times == sorted(times)
