"""Pools: for each (queue, wanted) the agents who fit, and the calls that want just that.

Who fits depends on the plan alone, so it is worked out once. Sets of agents and of pools are the bits of a number: whether anybody who
fits is ready, or which of an agent's pools have calls, is one `&`, however many there are.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate, compress, islice
from operator import or_

from callhandler.core.agents import Agent
from callhandler.core.bitsets import flags
from callhandler.core.model import Queue, Strategy
from callhandler.core.orders import NEVER_LOOKED, Order
from callhandler.core.skilled import Skilled
from callhandler.core.skills import Expression
from callhandler.core.waiting import OrderKey, Waiting

Sight = Mapping[float, int]
"""Who serves a queue, by the seconds after which its calls come in sight."""
SOME = 10
"""How many who fit are kept at hand, for whoever is told of some."""


class Pool:
    """The agents who fit what is wanted in a queue, logged in or not; iterating yields their ids, in order.

    `bits` are their numbers, `members` the same for asking one by one. `calls` are those that want it and may be offered, in order.
    `number` is the pool's place in sets of pools. `skills` are those that are wanted, each with its name as JSON, and `texts` what
    decisions write down of how agents fit, as far as it was needed yet (explaining.py).
    """

    __slots__ = (
        "_behind",
        "_levels",
        "_order",
        "_since",
        "_up_to",
        "bits",
        "calls",
        "members",
        "number",
        "queue",
        "skills",
        "some",
        "strategy",
        "texts",
        "wanted",
    )

    def __init__(
        self, queue: Queue, wanted: Expression, sight: Sight, skilled: Skilled, order: Order, number: int
    ) -> None:
        """Start without calls. `order` is the one in which agents stand who are ready for this queue."""
        self.queue = queue.id
        self.wanted = wanted
        self.strategy = queue.strategy
        self.number = number
        self.calls: list[tuple[OrderKey, Waiting]] = []
        self.skills = tuple((skill, f'"{skill}":') for skill in sorted(wanted.skills()))
        self.texts: dict[str, str] = {}
        have = skilled.who(wanted.node)
        self.bits = 0
        self._behind: list[tuple[float, int]] = []
        """Those who see calls only after so many seconds."""
        for delay, agents in sight.items():
            self.bits |= have & agents
            if delay > 0 and have & agents:
                self._behind.append((delay, have & agents))
        self.members = flags(self.bits, len(order.people))
        self._levels = skilled.by_score(wanted, self.bits) if self.strategy is Strategy.BEST_SKILL else []
        self._up_to = list(accumulate(self._levels, or_))
        """For each level of skill, the best first, who has it or a better one."""
        self._order = order
        self._since = NEVER_LOOKED
        self.some = tuple(islice(self, SOME))
        """The first ten of the agents."""

    def __iter__(self) -> Iterator[str]:
        return (agent.id for agent in compress(self._order.people, self.members))

    def agents(self, among: int) -> Iterator[Agent]:
        """Yield those who fit and are `among` a set of agents."""
        return compress(self._order.people, flags(self.bits & among, len(self.members)) if self.bits & among else b"")

    def sees(self, agent: int, joined: float, now: float) -> bool:
        """Tell whether an agent, who fits, sees calls that joined this line at `joined`."""
        return not any(joined + delay > now and agents >> agent & 1 for delay, agents in self._behind)

    def ready(self, joined: float, now: float) -> Iterator[Agent]:
        """Return the agents who are ready and see calls that joined this line at `joined`: the most skilled first where the strategy asks
        for that, then in its order. Nothing may change while they are gone through.
        """
        self._order.settle(now)
        able = self._order.bits & self.bits
        for delay, agents in self._behind:
            if joined + delay > now:
                able &= ~agents
        if not able & (able - 1):
            return iter((self._order.people[able.bit_length() - 1],) if able else ())
        return self._best_first(able) if self._levels else self._in_order(able)

    def _in_order(self, able: int) -> Iterator[Agent]:
        found, self._since = self._order.in_order(able, self.members, self._since)
        return found

    def _best_first(self, able: int) -> Iterator[Agent]:
        """The first level that has anybody is found by halving; those behind it one after the other."""
        first = bisect_left(self._up_to, 1, key=lambda agents: min(1, agents & able))
        for level in islice(self._levels, first, None):
            if level & able:
                yield from self._in_order(level & able)
