"""Matching: whom a call would go to now, and which call would go to an agent now. Reads the books; line.py makes it so.

It looks at as few agents and calls as it can: at those who are ready and fit, in an order that lets it stop early. What it finds is
what routing.py's `obstacle` and `best` would find among all of them; tests hold it to that.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice

from callhandler.core.agents import Agent
from callhandler.core.books import Books
from callhandler.core.explaining import MOST_CANDIDATES, Decided, write_down
from callhandler.core.model import Strategy
from callhandler.core.routing import best, why_not_this_call
from callhandler.core.skills import Expression
from callhandler.core.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom a call goes to, best first (nobody, perhaps), out of at most `most`."""

    call: Waiting
    wanted: Expression
    strategy: Strategy
    most: int
    kept_for: str | None
    agents: list[Agent]


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
        wanted = books.wanted(call)
        strategy = books.plan.queues[call.queue].strategy
        kept_for = books.kept_for(call, wanted, now)
        found = self._find(call, wanted, strategy, kept_for, most, now)
        if not found and call.refused:
            books.forget_refusals(call, wanted, now)
            kept_for = books.kept_for(call, wanted, now)
            found = self._find(call, wanted, strategy, kept_for, most, now)
        return Choice(call, wanted, strategy, most, kept_for, found)

    def first_for(self, agent: Agent, now: float, passed_over: frozenset[str]) -> Waiting | None:
        """Return the call that an agent, who is ready, is to be offered now."""
        books = self._books
        if agent.rest_until > now:
            return None
        for call, wanted in books.calls_for(agent):
            if call.id in passed_over:
                continue
            if agent.id in call.refused:
                books.forget_refusals(call, wanted, now)
            if self._could_take(agent, call, wanted, books.kept_for(call, wanted, now), now):
                return call
        return None

    def spare(self, call: Waiting, now: float) -> int:
        """Return how many free agents could take a call, less the customers called back who have none yet and could take one of those."""
        books = self._books
        wanted = books.wanted(call)
        able = sum(1 for _ in self._able(call, wanted, books.kept_for(call, wanted, now), now))
        pool = books.crew.pool(call.queue, wanted).keys()
        coming = (books.calls.get(one.call) for one in books.callbacks.without_agent() if not books.offers_of(one.call))
        pools = (books.crew.pool(one.queue, books.wanted(one)) for one in coming if one is not None)
        return able - sum(not pool.isdisjoint(other) for other in pools)

    def write_down(self, choice: Choice, now: float) -> Decided:
        """Return a choice with its inputs: the chosen, the ready and then the others, as many as are kept."""
        crew = self._books.crew
        picked = {agent.id for agent in choice.agents}
        ready = (agent for agent in crew.ready() if agent.id not in picked)
        others = (agent for agent in crew.agents.values() if agent.id not in picked and not crew.is_ready(agent.id))
        shown = islice(chain(choice.agents, ready, others), MOST_CANDIDATES)
        return write_down(
            choice.call,
            choice.wanted,
            choice.strategy,
            choice.most,
            choice.kept_for,
            choice.agents,
            shown,
            len(crew.agents),
            now,
        )

    def _find(
        self, call: Waiting, wanted: Expression, strategy: Strategy, kept_for: str | None, most: int, now: float
    ) -> list[Agent]:
        match strategy:
            case Strategy.LONGEST_IDLE | Strategy.RING_ALL:
                return list(islice(self._able(call, wanted, kept_for, now), most))
            case Strategy.BEST_SKILL:
                return self._most_skilled(call, wanted, kept_for, most, now)
        return best(strategy, self._able(call, wanted, kept_for, now), wanted, now, most)

    def _able(self, call: Waiting, wanted: Expression, kept_for: str | None, now: float) -> Iterator[Agent]:
        crew = self._books.crew
        ready: Iterable[Agent]
        if kept_for is not None:
            ready = [crew.agents[kept_for]] if crew.is_ready(kept_for) else []
        else:
            ready = crew.ready_who_fit(call.queue, wanted)
        return (agent for agent in ready if self._could_take(agent, call, wanted, kept_for, now))

    def _most_skilled(
        self, call: Waiting, wanted: Expression, kept_for: str | None, most: int, now: float
    ) -> list[Agent]:
        """Go down the levels until enough are found; within a level the longest idle goes first."""
        crew = self._books.crew
        found: list[Agent] = []
        for _, group in groupby(crew.pool(call.queue, wanted).items(), key=lambda item: item[1].score):
            ready = (crew.agents[agent] for agent, _ in group if crew.is_ready(agent))
            able = [agent for agent in ready if self._could_take(agent, call, wanted, kept_for, now)]
            found += sorted(able, key=lambda agent: (agent.idle_since, agent.id))
            if len(found) >= most:
                break
        return found[:most]

    def _could_take(self, agent: Agent, call: Waiting, wanted: Expression, kept_for: str | None, now: float) -> bool:
        """Tell whether a ready agent has no obstacle to taking a call; the same as `not obstacle(...)`."""
        fit = self._books.crew.pool(call.queue, wanted).get(agent.id)
        return (
            fit is not None and agent.rest_until <= now and not why_not_this_call(agent, fit.row, call, kept_for, now)
        )
