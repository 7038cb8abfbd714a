"""Matching: whom a call would go to now, and which call would go to an agent now. Reads the books; line.py makes it so.

It looks at as few agents and calls as it can: at those who are ready and fit, in an order that lets it stop early. What it finds is
what routing.py's `obstacle` and `best` would find among all of them; tests hold it to that.
"""

from itertools import islice

from callhandler.core.agents import Agent
from callhandler.core.books import Books
from callhandler.core.explaining import FEW_AGENTS, MOST_CANDIDATES, Choice, write_down
from callhandler.core.pools import Pool
from callhandler.core.waiting import Waiting


class Matching:
    """Finds who and whom, and forgets refusals on the way where that is due."""

    def __init__(self, books: Books, shown: int) -> None:
        """Take the books, and how many agents are to be looked at for each choice at least, to be shown with it."""
        self._books = books
        self._shown = shown

    def choose(self, call: Waiting, now: float) -> Choice | None:
        """Return whom a call goes to now; None when as many phones ring for it as may."""
        books = self._books
        most = books.places_for_offers(call)
        if most <= 0:
            return None
        pool = books.pool(call)
        kept_for = books.kept_for(call, pool, now)
        found, seen = self._find(call, pool, kept_for, most, now)
        if len(found) < most and call.refused:
            books.forget_refusals(call, pool, now)
            kept_for = books.kept_for(call, pool, now)
            found, seen = self._find(call, pool, kept_for, most, now)
        return Choice(call, pool, most, kept_for, found, seen)

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
            if (
                agent.id not in call.refused
                and pool.sees(agent.number, call.joined, now)
                and books.kept_for(call, pool, now) in (None, agent.id)
            ):
                return call
        return None

    def write_down(self, choice: Choice, now: float) -> str:
        """Return a choice with its inputs as text: the chosen, others who are ready, others who fit; where there are few agents, all."""
        agents, pool = self._books.crew.agents, choice.pool
        few = len(agents) <= FEW_AGENTS
        most = max(len(choice.agents), FEW_AGENTS if few else MOST_CANDIDATES)
        shown = {agent.id: agent for agent in (*choice.agents, *choice.seen)}
        if len(shown) < most:
            shown |= {one: agents[one] for one in (agents if few else pool.some)}
        return write_down(choice, list(islice(shown.values(), most)), len(agents), now)

    def _find(
        self, call: Waiting, pool: Pool, kept_for: str | None, most: int, now: float
    ) -> tuple[list[Agent], list[Agent]]:
        """Return up to `most` who could be offered a call now, in the pool's order, and all who were seen on the way."""
        found: list[Agent] = []
        seen: list[Agent] = []
        if kept_for is not None:
            agent = self._books.agents[kept_for]
            ready = iter([agent] if agent.is_ready() and pool.sees(agent.number, call.joined, now) else [])
        else:
            ready = pool.ready(call.joined, now)
        for agent in ready:
            seen.append(agent)
            if len(found) < most and agent.rest_until <= now and agent.id not in call.refused:
                found.append(agent)
            if len(found) == most and len(seen) >= self._shown:
                break
        return found, seen
