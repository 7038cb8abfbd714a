"""Who has what is wanted, found for all agents at once: by sets, skill by skill, instead of one agent after the other.

Comes to the same as asking `Expression.matches` and `Expression.score` for each; knows nothing of agents but their skills.
"""

from collections.abc import Mapping

from callhandler.core.skills import All, Expression, Levels, Node, Want


class Skilled:
    """The skills of everybody."""

    def __init__(self, people: Mapping[str, Levels]) -> None:
        """Take everybody's levels."""
        self._everyone = frozenset(people)
        self._by_skill: dict[str, dict[str, int]] = {}
        for one, levels in people.items():
            for skill, level in levels.items():
                self._by_skill.setdefault(skill, {})[one] = level
        self._found: dict[Want, frozenset[str]] = {}

    def who(self, node: Node) -> frozenset[str]:
        """Return everybody who has what is wanted."""
        match node:
            case Want():
                return self._who_has(node)
            case All():
                return self._everyone.intersection(*map(self.who, node.parts)) if node.parts else self._everyone
        return frozenset().union(*map(self.who, node.parts))

    def scores(self, wanted: Expression) -> dict[str, int]:
        """Return how skilled those are who have any of the skills named: the sums of their levels."""
        sums: dict[str, int] = {}
        for skill in wanted.skills():
            for one, level in self._by_skill.get(skill, {}).items():
                sums[one] = sums.get(one, 0) + level
        return sums

    def _who_has(self, want: Want) -> frozenset[str]:
        found = self._found.get(want)
        if found is None:
            have = self._by_skill.get(want.skill, {})
            found = self._found[want] = frozenset(one for one, level in have.items() if want.takes(level))
        return found
