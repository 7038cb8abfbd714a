"""What callers, agents and customers mean to do in a soak, decided beforehand by a seed. Pure: no SIP, no clock.

What in the end happens is seen, not planned: who means to hang up in line may be answered first.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

KEYS = 4
"""Keys that a caller presses at most."""
FOREVER = 120.0
"""Seconds after which even the most patient caller hangs up: in a line with agents enough, that call has failed."""
CUSTOMERS = 4_500
"""Numbers that call again and again; at ten calls a second, each every seven and a half minutes, when no place in line is kept any more."""
CALLS_AGAIN = 400
"""Calls between somebody's hanging up in line and calling again: 40 s at ten a second."""
DIALLED = "5000"
Rows = list[list[str]]


class Kind(StrEnum):
    """What a caller means to do."""

    STRAIGHT = "straight"
    LEAVES_TALK = "leaves talk"
    DEEP = "deep"
    WRONG_KEY = "wrong key"
    NO_KEY = "no key"
    LEAVES_MENU = "leaves menu"
    LEAVES_LINE = "leaves line"
    WAITS = "waits"
    CALLBACK = "callback"
    AGAIN = "calls again"


SHARES = {
    Kind.STRAIGHT: 67.0,
    Kind.LEAVES_TALK: 8.0,
    Kind.DEEP: 8.0,
    Kind.WRONG_KEY: 5.0,
    Kind.NO_KEY: 2.0,
    Kind.LEAVES_MENU: 3.0,
    Kind.LEAVES_LINE: 3.0,
    Kind.WAITS: 2.0,
    Kind.CALLBACK: 1.0,
    Kind.AGAIN: 1.0,
}
"""How many of a hundred."""
PATIENT = frozenset({Kind.STRAIGHT, Kind.DEEP, Kind.WRONG_KEY, Kind.NO_KEY})
"""Who wants a line with agents enough and waits for them: must be talked to."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One call: key after key with the seconds before it, then patience. `number` may have called before."""

    kind: Kind
    number: str
    start: float
    presses: tuple[tuple[float, str], ...]
    patience: float

    def row(self) -> list[str]:
        """The caller's line of the CSV file that demo/scenarios/caller.xml.j2 reads."""
        keys = [cell for wait, key in self.presses for cell in (_ms(wait), key)]
        keys += ["-1", ""] * (KEYS - len(self.presses))
        return [self.number, self.kind, DIALLED, _ms(self.start), *keys, _ms(self.patience)]


def callers(seed: int, count: int) -> list[Caller]:
    """All callers in the order of their arrival, the same for the same seed."""
    chance = random.Random(seed)
    kinds = chance.choices(list(SHARES), list(SHARES.values()), k=count)
    known = [f"+4930{1_000_000 + number}" for number in chance.sample(range(900_000), CUSTOMERS)]
    found: list[Caller] = []
    for index, kind in enumerate(kinds):
        if kind is Kind.CALLBACK:  # called back before they call again: a number of their own
            number = f"+4930{2_000_000 + index}"
        elif kind is Kind.AGAIN and (left := _left_last(found)) is not None:
            number = left
        else:
            number = known[index % CUSTOMERS]
        found.append(_caller(kind, number, chance))
    return found


def _left_last(found: list[Caller]) -> str | None:
    """The number that hung up in line at least CALLS_AGAIN calls ago and has not called since."""
    window = found[-CALLS_AGAIN - 100 : -CALLS_AGAIN]
    since = {one.number for one in found[-CALLS_AGAIN:]}
    return next((one.number for one in window if one.kind is Kind.LEAVES_LINE and one.number not in since), None)


def _caller(kind: Kind, number: str, chance: random.Random) -> Caller:
    """One caller of a kind; the keys lead where site.toml's menus say."""
    first, patience = chance.uniform(0.8, 2.5), FOREVER
    presses: tuple[tuple[float, str], ...] = ((first, "1"),)
    match kind:
        case Kind.LEAVES_TALK:
            patience = chance.uniform(3.0, 6.0)
        case Kind.DEEP:
            presses = ((first, "2"), (1.5, "1"))
        case Kind.WRONG_KEY:
            presses = ((first, "7"), (4.0, "1"))
        case Kind.NO_KEY | Kind.AGAIN:
            presses = ()
        case Kind.LEAVES_MENU:
            presses, patience = (((first, "2"),) if chance.random() < 0.5 else ()), chance.uniform(0.8, 1.8)
        case Kind.LEAVES_LINE:
            presses, patience = ((first, "3"),), chance.uniform(1.0, 15.0)
        case Kind.WAITS:
            presses, patience = ((first, "3"),), chance.uniform(60.0, 110.0)
        case Kind.CALLBACK:  # in line: 1 to be called back, at this number, as soon as possible
            presses = ((first, "3"), (3.0, "1"), (2.5, "1"), (2.5, "1"))
    return Caller(kind, number, chance.uniform(0.0, 1.0), presses, patience)


class Manner(StrEnum):
    """What a phone does with a call; the numbers are soak/phone.xml's."""

    ANSWER = "1"
    RING_OUT = "2"
    BUSY = "3"
    DECLINE = "4"
    HOLD = "5"
    CUSTOMER = "6"


AGENTS = {Manner.ANSWER: 90.0, Manner.HOLD: 4.0, Manner.RING_OUT: 2.0, Manner.BUSY: 2.0, Manner.DECLINE: 2.0}
CALLED_BACK = {Manner.CUSTOMER: 85.0, Manner.BUSY: 5.0, Manner.RING_OUT: 5.0, Manner.ANSWER: 5.0}
"""A customer who answers and presses no key is a voicemail."""
LONG_HOLD = 0.1
"""The part of holds that last long enough for a word to the caller."""


def agents(seed: int, seat: int, count: int) -> Rows:
    """What agents do, offer by offer, since they sat down for the `seat`th time: the lines of the CSV file that phone.xml reads."""
    return _manners(random.Random(f"{seed} agents {seat}"), AGENTS, count, (3.0, 9.0))


def customers(seed: int, count: int) -> Rows:
    """What customers do who are called back, call by call."""
    return _manners(random.Random(f"{seed} customers"), CALLED_BACK, count, (3.0, 6.0))


def _manners(chance: random.Random, shares: dict[Manner, float], count: int, talk: tuple[float, float]) -> Rows:
    rows = [["0.000000", Manner.BUSY.value, "0", "0", "0"]]  # SIPp's line 0 can't be looked up
    for index, manner in enumerate(chance.choices(list(shares), list(shares.values()), k=count), 1):
        hold = chance.uniform(23.0, 28.0) if chance.random() < LONG_HOLD else chance.uniform(1.0, 4.0)
        ring, talks = chance.uniform(0.2, 1.2), chance.uniform(*talk)
        rows.append([f"{index:.6f}", manner.value, _ms(ring), _ms(talks), _ms(hold)])
    return rows


def _ms(seconds: float) -> str:
    return str(round(seconds * 1_000))
