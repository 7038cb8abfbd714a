"""PINs: right ones pass, wrong ones lock for longer and longer, per agent and per phone, and nothing grows by being guessed at."""

import pytest

from callhandler.pins import FIRST_LOCK, FREE_TRIES, LONGEST_LOCK, Pins


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pins(clock: Clock) -> Pins:
    return Pins(clock)


def wrong(pins: Pins, times: int, agent: str = "7001", phone: str = "101") -> None:
    for _ in range(times):
        assert not pins.check(agent, "000000", "481516", phone)


@pytest.mark.parametrize("keyed", ["", "4815", "4815160", "４８１５１６", "481517"])
def test_only_the_right_pin_passes(pins: Pins, keyed: str) -> None:
    assert pins.check("7001", "481516", "481516", "101")
    assert not pins.check("7001", keyed, "481516", "101")
    assert not pins.check("7009", "", None, "101"), "an agent who doesn't exist has no PIN, not an empty one"


def test_a_lock_follows_too_many_wrong_ones_and_ends(pins: Pins, clock: Clock) -> None:
    wrong(pins, FREE_TRIES - 1)
    assert pins.check("7001", "481516", "481516", "101"), "the right one starts the count again"
    wrong(pins, FREE_TRIES)
    assert not pins.check("7001", "481516", "481516", "101")
    clock.now += FIRST_LOCK
    assert pins.check("7001", "481516", "481516", "101")


@pytest.mark.parametrize(("agent", "phone"), [("7001", "102"), ("7002", "101")])
def test_neither_another_phone_nor_another_agent_helps(pins: Pins, agent: str, phone: str) -> None:
    wrong(pins, FREE_TRIES)
    assert not pins.check(agent, "481516", "481516", phone)
    assert pins.check("7003", "481516", "481516", "103"), "who has nothing to do with it is not locked out"


def test_fewer_than_twenty_tries_an_hour_come_through(pins: Pins, clock: Clock) -> None:
    tried = 0
    for _ in range(3_600):
        before = pins._failures.get(("agent", "7001"))
        count = before.count if before else 0
        wrong(pins, 1)
        tried += pins._failures["agent", "7001"].count - count
        clock.now += 1
    assert tried < 20


def test_the_longest_lock_is_an_hour_however_long_it_goes_on(pins: Pins, clock: Clock) -> None:
    for _ in range(2_000):
        wrong(pins, 1)
        clock.now += LONGEST_LOCK
    assert pins.check("7001", "481516", "481516", "101")


def test_guessing_at_agents_who_do_not_exist_fills_no_memory(pins: Pins) -> None:
    for number in range(1_000):
        assert not pins.check(f"{number:04d}", "1", None, "101")
    assert len(pins._failures) == 1
    assert not pins.check("7001", "481516", "481516", "101"), "and has locked the phone it was done at"


def test_every_lock_is_told_with_what_it_is_on(clock: Clock) -> None:
    told: list[tuple[str, str, float]] = []
    pins = Pins(clock, lambda *lock: told.append(lock))
    wrong(pins, FREE_TRIES - 1)
    assert told == []
    wrong(pins, 1)
    assert told == [("agent", "7001", FIRST_LOCK), ("phone", "101", FIRST_LOCK)]
    wrong(pins, 3)
    assert len(told) == 2, "while it is locked nothing is tried"
