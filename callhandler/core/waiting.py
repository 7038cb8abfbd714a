"""The calls in line and their order: sorted once when a call enters, never by polling.

Order within a queue: class priority, then who has waited longest counting bonus seconds, then the call's id. `now - entered + bonus`
falls as `entered - bonus` rises, so the key never changes while a call waits.

Calls that want the same of the same queue share a bucket; a freed agent looks at the head of each bucket the agent qualifies for.
"""

from bisect import bisect_left, insort
from collections.abc import Container, Iterable, Iterator
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


@dataclass(slots=True)
class Bucket:
    """Calls that want the same of the same queue, in order; `fits` holds the agents who fit."""

    wanted: Expression
    fits: Container[str]
    calls: list[tuple[OrderKey, Waiting]] = field(default_factory=list)


class Buckets:
    """Waiting calls by (queue, wanted expression), each bucket in order."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, Bucket]] = {}
        self._where: dict[str, tuple[str, str, OrderKey]] = {}

    def add(self, call: Waiting, wanted: Expression, fits: Container[str]) -> None:
        """Put a call where the agents who fit `wanted` find it; moves it when it stands elsewhere."""
        self.remove(call.id)
        key = call.key
        bucket = self._buckets.setdefault(call.queue, {}).setdefault(wanted.text, Bucket(wanted, fits))
        bucket.fits = fits
        insort(bucket.calls, (key, call))
        self._where[call.id] = (call.queue, wanted.text, key)

    def remove(self, call: str) -> None:
        """Take a call out; does nothing when it isn't there."""
        where = self._where.pop(call, None)
        if where is None:
            return
        queue, text, key = where
        calls = self._buckets[queue][text].calls
        # The key ends with the call's id, so it is unique and the tuple comparison never reaches the call itself.
        del calls[bisect_left(calls, (key,))]
        if not calls:
            del self._buckets[queue][text]

    def of_queue(self, queue: str) -> Iterable[Bucket]:
        """Return a queue's buckets."""
        return self._buckets.get(queue, {}).values()

    def in_order(self, queues: Iterable[tuple[int, str]], agent: str) -> Iterator[tuple[Waiting, Expression]]:
        """Yield the calls of some queues that an agent fits, by the queue's priority given here, then by the calls' own order.

        Nothing may change while this runs.
        """
        heads = [
            (priority, bucket.calls[0][0], 0, bucket)
            for priority, queue in queues
            for bucket in self.of_queue(queue)
            if agent in bucket.fits
        ]
        heapify(heads)  # keys are unique, so that the comparison stops at them
        while heads:
            priority, _, index, bucket = heads[0]
            yield bucket.calls[index][1], bucket.wanted
            index += 1
            if index < len(bucket.calls):
                heapreplace(heads, (priority, bucket.calls[index][0], index, bucket))
            else:
                heappop(heads)
