"""The waiting calls that may be offered, each in the pool of what it wants, and the order in which an agent is to take them.

Knows neither facts nor who decides; part of the books.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, heapreplace

from callhandler.core.agents import Agent
from callhandler.core.bitsets import bits
from callhandler.core.pools import Pool
from callhandler.core.waiting import OrderKey, Waiting

Head = tuple[OrderKey, Waiting, Pool]
"""The first call of a pool. The key ends with the call's id, so it is unique and comparing never reaches the call itself."""
FEW = 2
"""How many steps along the heads take as long as taking one of them out of a number of hundreds of bits."""


class Buckets:
    """All of them."""

    def __init__(self) -> None:
        self.waiting = 0
        """The pools in which calls wait, by number."""
        self._heads: list[Head] = []
        self._where: dict[str, tuple[Pool, OrderKey]] = {}
        self._pools: dict[int, Pool] = {}

    def add(self, call: Waiting, pool: Pool) -> None:
        """Put a call where the agents who fit find it; moves it when it stands elsewhere."""
        if call.id in self._where:
            self.remove(call.id)
        key, calls = call.key, pool.calls
        self._where[call.id] = (pool, key)
        if calls and calls[0][0] < key:
            insort(calls, (key, call))
            return
        if calls:
            self._drop_head(calls[0][0])
        else:
            self._pools[pool.number] = pool
            self.waiting |= 1 << pool.number
        calls.insert(0, (key, call))
        insort(self._heads, (key, call, pool))

    def remove(self, call: str) -> None:
        """Take a call out; does nothing when it isn't there."""
        where = self._where.pop(call, None)
        if where is None:
            return
        pool, key = where
        calls = pool.calls
        if calls[0][0] != key:
            del calls[bisect_left(calls, (key,))]
            return
        self._drop_head(key)
        del calls[0]
        if calls:
            insort(self._heads, (*calls[0], pool))
        else:
            del self._pools[pool.number]
            self.waiting ^= 1 << pool.number

    def of_queue(self, queue: str) -> Iterable[Pool]:
        """Return a queue's pools in which calls wait."""
        return [pool for pool in self._pools.values() if pool.queue == queue]

    def in_order(self, agent: Agent, pools: int) -> Iterator[tuple[Waiting, Pool]]:
        """Yield the calls of `pools`, which an agent fits and in which calls wait: by the priority of the queue for this agent, then by
        the calls' own order. Nothing may change while this runs.
        """
        if not pools & (pools - 1):
            return self._all_of(pools)
        if len({row.priority for row in agent.plan.serves}) < 2:
            return merged(self._heads_of(pools))
        return self._by_priority(agent, pools)

    def _all_of(self, pools: int) -> Iterator[tuple[Waiting, Pool]]:
        """Yield the calls of one pool at most."""
        if pools:
            pool = self._pools[pools.bit_length() - 1]
            for _, call in pool.calls:
                yield call, pool

    def _heads_of(self, pools: int) -> Iterator[Head]:
        """Yield the heads of pools in order: of a few, sorted; of many, by going along all heads."""
        many = pools.bit_count()
        if many * many * FEW < len(self._heads):
            found = [self._pools[number] for number in bits(pools)]
            return iter(sorted([(*pool.calls[0], pool) for pool in found]))
        return (head for head in self._heads if pools >> head[2].number & 1)

    def _by_priority(self, agent: Agent, pools: int) -> Iterator[tuple[Waiting, Pool]]:
        of_queue = {row.queue: row.priority for row in reversed(agent.plan.serves)}
        groups: dict[int, int] = {}
        for number in bits(pools):
            priority = of_queue[self._pools[number].queue]
            groups[priority] = groups.get(priority, 0) | 1 << number
        for priority in sorted(groups):
            yield from merged(self._heads_of(groups[priority]))

    def _drop_head(self, key: OrderKey) -> None:
        del self._heads[bisect_left(self._heads, (key,))]


def merged(heads: Iterator[Head]) -> Iterator[tuple[Waiting, Pool]]:
    """Yield the calls of pools in order, given the pools' heads in order."""
    behind: list[tuple[OrderKey, int, Waiting, Pool]] = []
    for key, call, pool in heads:
        while behind and behind[0][0] < key:
            yield _next_of(behind)
        yield call, pool
        if len(pool.calls) > 1:
            following, other = pool.calls[1]
            heappush(behind, (following, 1, other, pool))
    while behind:
        yield _next_of(behind)


def _next_of(behind: list[tuple[OrderKey, int, Waiting, Pool]]) -> tuple[Waiting, Pool]:
    """Return the first call of those behind the heads; the next one of its pool takes its place."""
    _, index, call, pool = behind[0]
    index += 1
    if index < len(pool.calls):
        key, other = pool.calls[index]
        heapreplace(behind, (key, index, other, pool))
    else:
        heappop(behind)
    return call, pool
