"""The calls in line and their order: sorted once when a call enters, never by polling.

Order within a queue: class priority, then who has waited longest counting bonus seconds, then the call's id. `now - entered + bonus`
falls as `entered - bonus` rises, so the key never changes while a call waits.

Calls that want the same of the same queue share a bucket; a freed agent looks at the head of each bucket the agent qualifies for.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace

from callhandler.core.skills import ANYONE, Expression

OrderKey = tuple[int, float, str]


@dataclass(slots=True)
class Waiting:
    """A call in line. Times are seconds since the epoch; changed by line.py alone.

    `entered` is when it first joined any line and is kept for ever; `joined` is when it joined this queue. `refused` maps agents who
    were offered this call in vain to when that was.
    """

    id: str
    queue: str
    entered: float
    joined: float
    priority: int
    bonus: float
    wants: Expression = ANYONE
    step: int = 0
    step_since: float = 0.0
    preferred_agent: str | None = None
    preferred_until: float = 0.0
    refused: dict[str, float] = field(default_factory=dict)
    offers_made: int = 0

    @property
    def key(self) -> OrderKey:
        """Return the place in the order: smaller goes first."""
        return (self.priority, self.entered - self.bonus, self.id)

    def waited(self, now: float) -> float:
        """Return the seconds since the call first joined a line."""
        return max(0.0, now - self.entered)


class Buckets:
    """Waiting calls by (queue, wanted expression), each bucket in order."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, list[tuple[OrderKey, Waiting]]]] = {}
        self._where: dict[str, tuple[str, str, OrderKey]] = {}
        self._expressions: dict[str, Expression] = {}

    def add(self, call: Waiting, wanted: Expression) -> None:
        """Put a call where agents who qualify for `wanted` find it; moves it when it stands elsewhere."""
        self.remove(call.id)
        key = call.key
        insort(self._buckets.setdefault(call.queue, {}).setdefault(wanted.text, []), (key, call))
        self._where[call.id] = (call.queue, wanted.text, key)
        self._expressions.setdefault(wanted.text, wanted)

    def remove(self, call: str) -> None:
        """Take a call out; does nothing when it isn't there."""
        where = self._where.pop(call, None)
        if where is None:
            return
        queue, text, key = where
        bucket = self._buckets[queue][text]
        # The key ends with the call's id, so it is unique and the tuple comparison never reaches the call itself.
        del bucket[bisect_left(bucket, (key,))]
        if not bucket:
            del self._buckets[queue][text]

    def of_queue(self, queue: str) -> Iterator[tuple[Expression, list[tuple[OrderKey, Waiting]]]]:
        """Yield a queue's buckets: what is wanted, and the calls in order."""
        for text, bucket in self._buckets.get(queue, {}).items():
            yield self._expressions[text], bucket

    def in_order(
        self, queues: Iterable[tuple[int, str]], fits: Callable[[str, Expression], bool]
    ) -> Iterator[tuple[Waiting, Expression]]:
        """Yield the calls of some queues whose wants `fits` says yes to, by the queue's priority here, then by the calls' own order.

        Nothing may change while this runs.
        """
        heads = [
            (priority, bucket[0][0], 0, bucket, wanted)
            for priority, queue in queues
            for wanted, bucket in self.of_queue(queue)
            if fits(queue, wanted)
        ]
        heapify(heads)  # keys are unique, so that the comparison stops at them
        while heads:
            priority, _, index, bucket, wanted = heads[0]
            yield bucket[index][1], wanted
            index += 1
            if index < len(bucket):
                heapreplace(heads, (priority, bucket[index][0], index, bucket, wanted))
            else:
                heappop(heads)
