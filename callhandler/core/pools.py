"""Pools: for each (queue, wanted) the agents who fit, and the calls that want just that; and those who are ready, in order.

Who fits depends on the plan alone, so it is worked out once. Sets of agents and of pools are the bits of a number: whether anybody who
fits is ready, or which of an agent's pools have calls, is one `&`, however many there are. Who comes first among those who fit and are
ready is found from their bits when they are few, else by going along those who are ready, of whom many fit.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from itertools import chain, islice
from typing import NamedTuple

from callhandler.core.agents import Agent
from callhandler.core.model import Queue, Serves, Strategy
from callhandler.core.routing import rank
from callhandler.core.skills import Expression
from callhandler.core.waiting import OrderKey, Waiting

Standing = tuple[float, float, str]
"""A place among those who are ready: what the strategy goes by, since when idle, the agent."""
FEW = 10
"""How many steps along those who are ready take as long as taking one of them out of a number of thousands of bits."""
FIRST: Standing = (float("-inf"), 0.0, "")


def bits(number: int) -> Iterator[int]:
    """Yield the places of a number's ones, the greatest first: the number becomes shorter on the way."""
    while number:
        place = number.bit_length() - 1
        yield place
        number ^= 1 << place


def number_of(places: list[int]) -> int:
    """Return the number with ones at these places."""
    field = bytearray(max(places, default=0) // 8 + 1)
    for place in places:
        field[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(field, "little")


def order_of(strategy: Strategy) -> Strategy:
    """Return the strategy in whose order agents stand for another one: fewest calls has its own, for the others it is longest idle."""
    return strategy if strategy is Strategy.FEWEST_CALLS else Strategy.LONGEST_IDLE


class Fit(NamedTuple):
    """How an agent fits what is wanted in a queue: the row of the routing profile, and how skilled, where the strategy asks for that."""

    row: Serves
    score: int


class Order:
    """Those who are ready, by one strategy's order. Agents have numbers, which are their places in `bits`."""

    def __init__(self, strategy: Strategy, names: Sequence[str]) -> None:
        """Start with nobody; `names` are all agents' ids, in the order of their numbers."""
        self.strategy = strategy
        self.names = names
        self.numbers = {name: number for number, name in enumerate(names)}
        self.standing: dict[str, Standing] = {}
        self.line: list[Standing] = []
        self.ids: list[str] = []
        """Who stands where in `line`."""
        self.bits = 0
        self.returns = 0
        """Counts those who came back to a place before others who had stood here already."""
        self._latest = FIRST

    def put(self, agent: Agent) -> None:
        """Have an agent stand at the place that is due now, or move there."""
        place = rank(self.strategy, agent, 0, 0.0)
        before = self.standing.get(agent.id)
        if before == place:
            return
        if before is not None:
            self.take(agent.id)
        self.standing[agent.id] = place
        spot = bisect_left(self.line, place)
        self.line.insert(spot, place)
        self.ids.insert(spot, agent.id)
        self.bits |= 1 << self.numbers[agent.id]
        if place < self._latest:
            self.returns += 1
        else:
            self._latest = place

    def take(self, agent: str) -> None:
        """Have an agent stand here no longer, if that was so."""
        place = self.standing.pop(agent, None)
        if place is not None:
            spot = bisect_left(self.line, place)
            del self.line[spot], self.ids[spot]
            self.bits ^= 1 << self.numbers[agent]


class Pool(dict[str, Fit]):
    """The agents who fit what is wanted in a queue, logged in or not.

    `calls` are those that want it and may be offered, in order. `number` is the pool's place in sets of pools. `texts` is
    what decisions write down of how agents fit, as far as it was needed yet (explaining.py).
    """

    __slots__ = (
        "_levels",
        "_nobody_before",
        "_order",
        "bits",
        "calls",
        "number",
        "queue",
        "skills",
        "strategy",
        "texts",
        "wanted",
    )

    def __init__(self, queue: Queue, wanted: Expression, fits: Mapping[str, Fit], order: Order, number: int) -> None:
        """Start without calls. `order` is the one in which agents stand who are ready for this queue."""
        super().__init__(fits)
        self.queue = queue.id
        self.wanted = wanted
        self.strategy = queue.strategy
        self.number = number
        self.calls: list[tuple[OrderKey, Waiting]] = []
        self.skills = tuple(sorted(wanted.skills()))
        self.texts: dict[str, str] = {}
        self._order = order
        groups: dict[tuple[int, float], list[int]] = {}
        for agent, fit in fits.items():
            groups.setdefault((-fit.score, fit.row.delay), []).append(order.numbers[agent])
        levels: dict[int, list[tuple[float, int]]] = {}
        for level, delay in sorted(groups):
            levels.setdefault(level, []).append((delay, number_of(groups[level, delay])))
        self._levels = list(levels.values())
        """For each level of skill, the best first: the agents by the delay after which they see calls."""
        self.bits = sum(agents for level in self._levels for _, agents in level)
        self._nobody_before = (FIRST, 0)

    def ready(self, joined: float, now: float) -> Iterator[str]:
        """Yield the agents who are ready and see calls that joined this line at `joined`: the most skilled first where the strategy asks
        for that, then in its order (of least occupied there is none that lasts). Nothing may change while this runs.
        """
        ready = self._order.bits & self.bits
        for level in self._levels if ready else ():
            able = 0
            for delay, agents in level:
                if joined + delay <= now:
                    able |= agents & ready
            if able:
                yield from self._in_order(able)

    def _in_order(self, able: int) -> Iterator[str]:
        order, many = self._order, able.bit_count()
        if many == 1 or many * many * FEW < len(order.line):
            few = [order.names[number] for number in bits(able)]
            return iter(few if many == 1 else sorted(few, key=order.standing.__getitem__))
        return self._along(able)

    def _along(self, able: int) -> Iterator[str]:
        """Go along those who are ready, from the first who fits at all: nobody before that one does, until somebody comes back."""
        order, (start, returns) = self._order, self._nobody_before
        place = bisect_left(order.line, start) if returns == order.returns else 0
        fitting = filter(self.__contains__, islice(order.ids, place, None))
        first = next(fitting, None)
        if first is not None:
            self._nobody_before = (order.standing[first], order.returns)
            yield from (agent for agent in chain((first,), fitting) if able >> order.numbers[agent] & 1)


class Buckets:
    """The waiting calls that may be offered, each in the pool of what it wants."""

    def __init__(self) -> None:
        self.waiting = 0
        """The pools in which calls wait, by number."""
        self._where: dict[str, tuple[Pool, OrderKey]] = {}
        self._pools: dict[str, dict[str, Pool]] = {}

    def add(self, call: Waiting, pool: Pool) -> None:
        """Put a call where the agents who fit find it; moves it when it stands elsewhere."""
        self.remove(call.id)
        key = call.key
        insort(pool.calls, (key, call))
        self._where[call.id] = (pool, key)
        self._pools.setdefault(pool.queue, {})[pool.wanted.text] = pool
        self.waiting |= 1 << pool.number

    def remove(self, call: str) -> None:
        """Take a call out; does nothing when it isn't there."""
        where = self._where.pop(call, None)
        if where is None:
            return
        pool, key = where
        # The key ends with the call's id, so it is unique and the tuple comparison never reaches the call itself.
        del pool.calls[bisect_left(pool.calls, (key,))]
        if not pool.calls:
            del self._pools[pool.queue][pool.wanted.text]
            self.waiting &= ~(1 << pool.number)

    def of_queue(self, queue: str) -> Iterable[Pool]:
        """Return a queue's pools in which calls wait."""
        return self._pools.get(queue, {}).values()


def calls_in_order(agent: Agent, pools: Iterable[Pool]) -> Iterator[tuple[Waiting, Pool]]:
    """Yield the calls of pools that an agent fits, by the priority of the queue for this agent, then by the calls' own order.

    Nothing may change while this runs.
    """
    priorities = {row.queue: row.priority for row in reversed(agent.plan.serves)}
    heads = [(priorities.get(pool.queue, 1), pool.calls[0], 0, pool) for pool in pools]
    heapify(heads)  # the calls' keys are unique, so that the comparison stops at them
    while heads:
        priority, (_, call), index, pool = heads[0]
        yield call, pool
        index += 1
        if index < len(pool.calls):
            heapreplace(heads, (priority, pool.calls[index], index, pool))
        else:
            heappop(heads)
