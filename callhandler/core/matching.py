"""Matching: whom a call would go to now, and which call would go to an agent now. Reads the books; line.py makes it so.

It looks at as few agents and calls as it can: at those who are ready and fit, in an order that lets it stop early. What it finds is
what routing.py's `obstacle` and `best` would find among all of them; tests hold it to that.
"""

from collections.abc import Iterator
from itertools import islice

from callhandler.core.agents import Agent
from callhandler.core.books import Books
from callhandler.core.explaining import FEW_AGENTS, MOST_CANDIDATES, Choice, write_down
from callhandler.core.model import Strategy
from callhandler.core.pools import Pool
from callhandler.core.routing import best, why_not_this_call
from callhandler.core.waiting import Waiting

RUNNERS_UP = 4
"""Of those who could have been offered a call as well, how many are written down with a decision."""


class Matching:
    """Finds who and whom, and forgets refusals on the way where that is due."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def choose(self, call: Waiting, now: float) -> Choice | None:
        """Return whom a call goes to now; None when as many phones ring for it as may."""
        books = self._books
        most = books.places_for_offers(call)
        if most <= 0:
            return None
        pool = books.pool(call)
        kept_for = books.kept_for(call, pool, now)
        found = self._find(call, pool, kept_for, most, now)
        if not found and call.refused:
            books.forget_refusals(call, pool, now)
            kept_for = books.kept_for(call, pool, now)
            found = self._find(call, pool, kept_for, most, now)
        return Choice(call, pool, most, kept_for, found)

    def first_for(self, agent: Agent, now: float, passed_over: frozenset[str]) -> Waiting | None:
        """Return the call that an agent, who is ready, is to be offered now."""
        books = self._books
        if agent.rest_until > now:
            return None
        for call, pool in books.calls_for(agent):
            if call.id in passed_over:
                continue
            if agent.id in call.refused:
                books.forget_refusals(call, pool, now)
            if not why_not_this_call(agent, pool[agent.id].row, call, books.kept_for(call, pool, now), now):
                return call
        return None

    def write_down(self, choice: Choice, now: float) -> str:
        """Return a choice with its inputs as text: the chosen, the next ones, and others who fit; where there are few agents, all."""
        agents, pool = self._books.crew.agents, choice.pool
        few = len(agents) <= FEW_AGENTS
        shown = dict.fromkeys(agent.id for agent in choice.agents)
        shown |= dict.fromkeys(islice(pool.ready(choice.call.joined, now), len(choice.agents) + RUNNERS_UP))
        shown |= dict.fromkeys(agents if few else islice(pool, MOST_CANDIDATES))
        most = max(len(choice.agents), FEW_AGENTS if few else MOST_CANDIDATES)
        return write_down(choice, [agents[one] for one in islice(shown, most)], len(agents), now)

    def _find(self, call: Waiting, pool: Pool, kept_for: str | None, most: int, now: float) -> list[Agent]:
        able = self._able(call, pool, kept_for, now)
        if pool.strategy is Strategy.LEAST_OCCUPIED:  # an order that changes as time passes: everybody is looked at
            return best(pool.strategy, able, pool.wanted, now, most)
        return list(islice(able, most))

    def _able(self, call: Waiting, pool: Pool, kept_for: str | None, now: float) -> Iterator[Agent]:
        """Yield who could be offered a call now, in the pool's order."""
        crew = self._books.crew
        for one in pool.ready(call.joined, now) if kept_for is None else (kept_for,):
            agent = crew.agents[one]
            if (
                crew.is_ready(one)
                and agent.rest_until <= now
                and not why_not_this_call(agent, pool[one].row, call, kept_for, now)
            ):
                yield agent
