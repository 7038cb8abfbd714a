"""Those who are ready, in the order of a strategy, and who of some of them comes first. Decides nothing; part of the crew.

Least occupied is an order that changes as time passes: who is ready becomes less occupied, in whole percents at times that are known.
Those whose time has come are looked at again when the order is asked for.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import islice

from callhandler.core.agents import Agent
from callhandler.core.bitsets import bits
from callhandler.core.model import Strategy
from callhandler.core.routing import PERCENT, rank

Standing = tuple[float, float, str]
"""A place among those who are ready: what the strategy goes by, since when idle, the agent."""
FIRST: Standing = (float("-inf"), 0.0, "")
NOBODY: Standing = (float("inf"), 0.0, "")
FEW = 5
"""How many steps along those who are ready take as long as taking one of them out of a number of thousands of bits."""
SURELY = 1e-5
"""Seconds by which an agent is looked at early: what is near a boundary is worked out each time, never guessed."""
Since = tuple[Standing, int]
"""Who is there to be found for a pool: nobody who fits stood before this place as long as nobody `returned`."""
NEVER_LOOKED: Since = (FIRST, 0)


def order_of(strategy: Strategy) -> Strategy:
    """Return the strategy in whose order agents stand for another one: some have their own, for the others it is longest idle."""
    return strategy if strategy in (Strategy.FEWEST_CALLS, Strategy.LEAST_OCCUPIED) else Strategy.LONGEST_IDLE


class Order:
    """Those who are ready, by one strategy's order. Agents have numbers, which are their places in `bits`."""

    def __init__(self, strategy: Strategy, people: Sequence[Agent]) -> None:
        """Start with nobody; `people` are all agents, in the order of their numbers."""
        self.people = people
        self.line: list[Standing] = []
        self.numbers: list[int] = []
        """Who stands where in `line`."""
        self.bits = 0
        self.strategy = strategy
        self._standing = [NOBODY] * len(people)
        self._returned = 0
        """Counts those who came to a place before others who had stood here already."""
        self._latest = FIRST
        self._changes = [0.0] * len(people)
        """When each one's place changes by itself; whatever else is in the heap `_due` is out of date."""
        self._due: list[tuple[float, int]] = []
        self._settled = 0.0

    def put(self, agent: Agent) -> None:
        """Have an agent stand at the place that is due now, or move there."""
        number = agent.number
        if self.strategy is Strategy.LEAST_OCCUPIED:
            self._stand(number, rank(self.strategy, agent, 0, agent.occupancy(self._settled)))
            if agent.handled > 0:
                self._look_again(number, 0.0)
        else:
            self._stand(number, rank(self.strategy, agent, 0, 0.0))

    def take(self, number: int) -> None:
        """Have an agent stand here no longer, if that was so."""
        place = self._standing[number]
        if place is not NOBODY:
            self._standing[number] = NOBODY
            spot = bisect_left(self.line, place)
            del self.line[spot], self.numbers[spot]
            self.bits ^= 1 << number

    def settle(self, now: float) -> None:
        """Have everybody stand where they are due at `now`."""
        if now < self._settled or (self._due and self._due[0][0] <= now):
            self._settle(now)

    def _settle(self, now: float) -> None:
        if now < self._settled:  # the clock was set back
            self._due = [(0.0, number) for number in self.numbers]
            self._changes = [0.0] * len(self.people)
            heapify(self._due)
        self._settled, looked_at = now, []
        while self._due and self._due[0][0] <= now:
            when, number = heappop(self._due)
            if when == self._changes[number] and self._standing[number] is not NOBODY:
                self._changes[number] = -1.0
                looked_at.append(number)
        for number in looked_at:
            agent = self.people[number]
            place = rank(self.strategy, agent, 0, agent.occupancy(now))
            self._stand(number, place)
            if place[0] > 0:
                below = place[0] - PERCENT / 2
                self._look_again(number, agent.logged_in_at + agent.handled / below - SURELY)
        if len(self._due) > 4 * len(self.people) + 100:
            self._due = [(self._changes[number], number) for number in self.numbers if self._changes[number] >= 0]
            heapify(self._due)

    def in_order(self, able: int, fitting: bytes, since: Since) -> tuple[Iterator[Agent], Since]:
        """Return those of `able`, all of them ready, in order. Nothing may change while they are gone through.

        They are all among those `fitting` (bitsets.flags), for whom `since` is kept from one time to the next.
        """
        many = able.bit_count()
        if many == 1:
            return iter((self.people[able.bit_length() - 1],)), since
        if many * many * FEW < len(self.line):
            return self._sorted(list(bits(able))), since
        start, returned = since
        place = bisect_left(self.line, start) if returned == self._returned else 0
        found = filter(fitting.__getitem__, islice(self.numbers, place, None))
        first = next(found)  # all of `able` are ready, so that somebody who fits is
        since = self._standing[first], self._returned
        return self._along(first, found, able), since

    def _sorted(self, few: list[int]) -> Iterator[Agent]:
        """Yield the first, whom most are content with, before the others are sorted."""
        first = min(few, key=self._standing.__getitem__)
        yield self.people[first]
        few.sort(key=self._standing.__getitem__)
        yield from map(self.people.__getitem__, few[1:])

    def _along(self, first: int, others: Iterator[int], able: int) -> Iterator[Agent]:
        if able >> first & 1:
            yield self.people[first]
        for number in others:
            if able >> number & 1:
                yield self.people[number]

    def _stand(self, number: int, place: Standing) -> None:
        if self._standing[number] == place:
            return
        self.take(number)
        self._standing[number] = place
        spot = bisect_left(self.line, place)
        self.line.insert(spot, place)
        self.numbers.insert(spot, number)
        self.bits |= 1 << number
        if place < self._latest:
            self._returned += 1
        else:
            self._latest = place

    def _look_again(self, number: int, when: float) -> None:
        self._changes[number] = when
        heappush(self._due, (when, number))
