"""Who has what is wanted, found for all agents at once: by sets, level by level, instead of one agent after the other.

Agents are numbers here, sets of them bits (bitsets.py). Comes to the same as asking `Expression.matches` and `Expression.score` for each.
"""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from callhandler.core.bitsets import number_of
from callhandler.core.skills import All, Expression, Levels, Node, Want


class Skilled:
    """The skills of everybody."""

    def __init__(self, people: Sequence[Levels]) -> None:
        """Take everybody's levels, in the order of their numbers."""
        self._everyone = (1 << len(people)) - 1
        found: dict[str, dict[int, list[int]]] = {}
        for number, levels in enumerate(people):
            for skill, level in levels.items():
                found.setdefault(skill, {}).setdefault(level, []).append(number)
        self._at_level = {
            skill: {level: number_of(who) for level, who in levels.items()} for skill, levels in found.items()
        }

    def who(self, node: Node) -> int:
        """Return everybody who has what is wanted."""
        if isinstance(node, Want):
            have = self._at_level.get(node.skill, {})
            return _all_of(who for level, who in have.items() if node.takes(level))
        if isinstance(node, All):
            found = self._everyone
            for part in node.parts:
                found &= self.who(part)
            return found
        return _all_of(map(self.who, node.parts))

    def by_score(self, wanted: Expression, among: int) -> list[int]:
        """Return those of `among` in groups of the same score, the sum of their levels of the skills that are named; the best first.

        Everybody's sum is worked out at once, as one would on paper: a set for each binary digit, and what is carried on.
        """
        sums: list[int] = []
        for skill in wanted.skills():
            carried, added = 0, []
            for one, other in zip_longest(sums, self._digits(skill, among), fillvalue=0):
                added.append(one ^ other ^ carried)
                carried = one & other | carried & (one ^ other)
            sums = [*added, carried]
        groups = [among] if among else []
        for digit in reversed(sums):
            groups = [part for group in groups for part in (group & digit, group & ~digit) if part]
        return groups

    def _digits(self, skill: str, among: int) -> list[int]:
        """Return who of `among` has a level with a one at each binary digit, the lowest digit first."""
        levels = self._at_level.get(skill, {})
        longest = max((level.bit_length() for level in levels), default=0)
        return [among & _all_of(who for level, who in levels.items() if level >> digit & 1) for digit in range(longest)]


def _all_of(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found
