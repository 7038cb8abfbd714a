"""What the demo's callers and agents will do, decided beforehand by a seed. Pure: no SIP, no clock.

The numbers follow the demo's own site (site.toml). What in the end happens is seen, not planned: a caller who means to hang
up while waiting may be answered first. The comparison takes what was seen.
"""

import random
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

FOREVER = 75.0
"""Seconds after which even the most patient caller hangs up."""
KEYS = 3
"""The most keys that a caller presses."""


class Kind(StrEnum):
    """What a caller means to do."""

    STRAIGHT = "straight through"
    DEEP = "deep in the menu"
    WRONG_KEY = "wrong key first"
    NO_KEY = "no key at all"
    OPERATOR = "0 for a person"
    ONE_SKILL = "a skill one agent has"
    LEAVES_MENU = "hangs up in the menu"
    LEAVES_LINE = "hangs up waiting"
    LEAVES_TALK = "hangs up talking"
    RUSH = "one of a rush"


@dataclass(frozen=True, slots=True)
class Press:
    """A key, `wait` seconds after the call was answered or the key before was pressed."""

    wait: float
    key: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One caller. `start` counts from the demo's beginning, `patience` from the last key on; both in seconds."""

    kind: Kind
    number: str
    name: str
    dialled: str
    start: float
    presses: tuple[Press, ...]
    patience: float


class Manner(IntEnum):
    """How an agent's phone takes an offer, as the scenario knows it (scenarios/agent.xml.j2)."""

    ANSWER = 1
    RING_OUT = 2
    BUSY = 3
    DECLINE = 4


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a phone does with one offer: after `ring` seconds, and when it answers, for `talk` seconds."""

    manner: Manner
    ring: float
    talk: float


NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Esra", "Frida", "Goran", "Hana", "Ines", "Jonas", "Kemal", "Lucía")
COUNTS = {
    Kind.STRAIGHT: 11,
    Kind.DEEP: 5,
    Kind.WRONG_KEY: 3,
    Kind.NO_KEY: 2,
    Kind.OPERATOR: 2,
    Kind.ONE_SKILL: 4,
    Kind.LEAVES_MENU: 4,
    Kind.LEAVES_LINE: 4,
    Kind.LEAVES_TALK: 4,
    Kind.RUSH: 9,
}
"""How many of each kind: 48 calls."""
SPREAD = 46.0
"""Seconds over which callers arrive."""
RUSH_AT = 20.0
"""When the rush comes: more callers within two seconds than there are agents."""


def visits(seed: int) -> list[Visit]:
    """All callers in the order of their arrival, the same for the same seed. Each has a number of its own."""
    chance = random.Random(seed)  # noqa: S311 - a demonstration is to be repeatable, not secret
    kinds = [kind for kind, count in COUNTS.items() if kind is not Kind.RUSH for _ in range(count)]
    chance.shuffle(kinds)
    step = SPREAD / len(kinds)
    planned: list[tuple[float, Kind]] = [
        (round(index * step + chance.uniform(0, step), 2), kind) for index, kind in enumerate(kinds)
    ]
    planned += [(round(RUSH_AT + chance.uniform(0, 2), 2), Kind.RUSH) for _ in range(COUNTS[Kind.RUSH])]
    callers = []
    for index, (start, kind) in enumerate(sorted(planned)):
        number = f"4930{chance.randrange(1000, 9999)}{index:02d}"
        callers.append(_visit(kind, number, chance.choice(NAMES), start, chance))
    return callers


def _visit(kind: Kind, number: str, name: str, start: float, chance: random.Random) -> Visit:
    """One caller of a kind: the keys lead where site.toml's menus say."""
    first = round(chance.uniform(0.8, 2.0), 2)
    visit = Visit(kind, number, name, "5000", start, (Press(first, "1"),), FOREVER)
    match kind:
        case Kind.DEEP:
            return replace(visit, presses=(Press(first, "2"), Press(1.2, "1")))
        case Kind.WRONG_KEY:
            return replace(visit, presses=(Press(first, "7"), Press(4.0, "1")))
        case Kind.NO_KEY:
            return replace(visit, presses=())
        case Kind.OPERATOR:
            return replace(visit, presses=(Press(first, "0"),))
        case Kind.ONE_SKILL:
            return replace(visit, presses=(Press(first, "3"),))
        case Kind.LEAVES_MENU:
            presses = (Press(first, "2"),) if chance.random() < 0.5 else ()
            return replace(visit, presses=presses, patience=round(chance.uniform(0.8, 1.8), 2))
        case Kind.LEAVES_LINE:
            return replace(visit, presses=(Press(first, "3"),), patience=round(chance.uniform(2.5, 7.0), 2))
        case Kind.LEAVES_TALK:
            return replace(visit, patience=round(chance.uniform(3.0, 5.0), 2))
        case _:
            return visit


def reactions(seed: int, phone: str) -> list[Reaction]:
    """What a phone does with its offers, one after another. Every phone answers in the end."""
    chance = random.Random(f"{seed} {phone}")  # noqa: S311 - see above
    long_talks = phone == ONE_SKILL_PHONE
    calm = [
        Reaction(
            Manner.ANSWER,
            round(chance.uniform(0.3, 1.2), 2),
            round(chance.uniform(*((6, 8) if long_talks else (2.5, 5))), 2),
        )
        for _ in range(60)
    ]
    for place, manner in MOODS.get(phone, {}).items():
        calm[place] = replace(calm[place], manner=manner)
    return calm


ONE_SKILL_PHONE = "106"
MOODS = {
    "101": {1: Manner.RING_OUT},
    "102": {1: Manner.DECLINE, 4: Manner.BUSY},
    "103": {2: Manner.BUSY},
    "104": {3: Manner.RING_OUT},
}
"""Which offers (counted from 0) a phone doesn't answer."""
