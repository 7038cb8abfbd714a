"""An agent's and a queue's figures of a day, from facts and visits. Counts and sums only; knows SQL no more than `queries.py` does.

Rates and targets are for reports, which can be computed again when a threshold changes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from callhandler.core.agents import Agent
from callhandler.core.books import Books
from callhandler.core.events import AgentOffered, CallConnected, Fact, OfferEnded
from callhandler.core.model import AgentPlan, OfferEnd, Outcome, Plan, State, Status
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import facts_where, visits_between
from callhandler.store.records import QueueVisit
from callhandler.store.recovery import OF_AGENTS, last_of_agents
from callhandler.store.sources import Source

_MISSES = (OfferEnd.NO_ANSWER, OfferEnd.REFUSED, OfferEnd.BUSY, OfferEnd.UNREACHABLE)
_LONGEST_CALL = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    """One agent in a stretch of time. Durations in seconds; `logged_in` is the sum of those behind it.

    `misses` are offers that ended for the agent's or the phone's reasons: no answer, refused, busy, unreachable.
    """

    agent: str
    offers: int
    calls: int
    misses: int
    logged_in: float
    idle: float
    ringing: float
    talking: float
    wrapping_up: float
    on_break: float
    not_answering: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One queue in a stretch of time: the visits that began in it. Waits in seconds; a mean of nothing is None.

    `lost` are visits that ended without an agent, for whatever reason: `outcomes` tells which, answered ones among them.
    """

    queue: str
    entered: int
    answered: int
    lost: int
    waiting: int
    outcomes: tuple[tuple[Outcome, int], ...]
    longest_wait: float
    mean_wait_answered: float | None
    mean_wait_lost: float | None


def figures_of_agent(
    agent: str, before: Iterable[Fact], facts: Iterable[Fact], start: float, end: float
) -> AgentFigures:
    """Return an agent's figures from `start` until `end` (seconds since the epoch; for a day that isn't over, `end` is now).

    `before` are the agent's last facts before `start`, which tell the state then; `facts` those in between; both in order.
    """
    books = Books(Plan(queues={}, agents={agent: AgentPlan(agent, agent)}, phones=frozenset()))
    for fact in before:
        books.apply(fact)
    spent: defaultdict[str, float] = defaultdict(float)
    counts: Counter[str] = Counter()
    now = start
    for fact in facts:
        then = min(max(fact.at, now), end)
        spent[_doing(books.agents[agent])] += then - now
        now = then
        books.apply(fact)
        counts["offers"] += isinstance(fact, AgentOffered)
        counts["calls"] += isinstance(fact, CallConnected)
        counts["misses"] += isinstance(fact, OfferEnded) and fact.reason in _MISSES
    spent[_doing(books.agents[agent])] += max(0.0, end - now)
    there = {name: spent[name] for name in ("idle", "ringing", "talking", "wrapping_up", "on_break", "not_answering")}
    return AgentFigures(
        agent=agent,
        offers=counts["offers"],
        calls=counts["calls"],
        misses=counts["misses"],
        logged_in=sum(there.values()),
        **there,
    )


def _doing(agent: Agent) -> str:
    """A call counts before what the agent chose: who pauses or logs out while talking still talks."""
    match agent.state:
        case State.TALKING:
            return "talking"
        case State.OFFERED:
            return "ringing"
    if agent.status is Status.LOGGED_OUT:
        return "away"
    if agent.status is Status.ON_BREAK:
        return "on_break"
    match agent.state:
        case State.WRAPPING_UP:
            return "wrapping_up"
        case State.NOT_ANSWERING:
            return "not_answering"
        case _:
            return "idle"


def figures_of_queues(visits: Iterable[QueueVisit], start: float, end: float) -> list[QueueFigures]:
    """Return the figures of each queue that somebody entered from `start` until before `end`, by queue."""
    found: defaultdict[str, list[QueueVisit]] = defaultdict(list)
    for visit in visits:
        if start <= visit.entered < end:
            found[visit.queue].append(visit)
    return [_of_queue(queue, found[queue]) for queue in sorted(found)]


def _of_queue(queue: str, visits: list[QueueVisit]) -> QueueFigures:
    outcomes = Counter(visit.outcome for visit in visits if visit.outcome is not None)
    answered = [visit.waited for visit in visits if visit.outcome is Outcome.ANSWERED]
    lost = [visit.waited for visit in visits if visit.outcome not in (None, Outcome.ANSWERED)]
    return QueueFigures(
        queue=queue,
        entered=len(visits),
        answered=len(answered),
        lost=len(lost),
        waiting=len(visits) - len(answered) - len(lost),
        outcomes=tuple(sorted(outcomes.items())),
        longest_wait=max(visit.waited for visit in visits),
        mean_wait_answered=sum(answered) / len(answered) if answered else None,
        mean_wait_lost=sum(lost) / len(lost) if lost else None,
    )


def agent_figures(source: Source, start: float, end: float) -> list[AgentFigures]:
    """Return the figures of every agent the journal knows, from `start` until `end`, by agent."""
    first, past = milliseconds(start), milliseconds(end)
    numbers = [_first_after(source, kind.__name__, first) for kind in OF_AGENTS]
    begin = min((number for number in numbers if number is not None), default=2**53)
    before: defaultdict[str, list[Fact]] = defaultdict(list)
    between: defaultdict[str, list[Fact]] = defaultdict(list)
    for found in last_of_agents(source, begin):
        if found.fact is not None and found.row.agent is not None:
            before[found.row.agent].append(found.fact)
    clause = "WHERE kind = :kind AND at >= :first AND at < :past"
    stored = [
        found for kind in OF_AGENTS for found in facts_where(source, clause, kind=kind.__name__, first=first, past=past)
    ]
    for found in sorted(stored, key=lambda one: one.seq):
        if found.fact is not None and found.row.agent is not None:
            between[found.row.agent].append(found.fact)
    agents = sorted({*before, *between})
    return [figures_of_agent(agent, before[agent], between[agent], start, end) for agent in agents]


def queue_figures(source: Source, start: float, end: float) -> list[QueueFigures]:
    """Return the figures of every queue that somebody entered from `start` until before `end`."""
    return figures_of_queues(visits_between(source, start - _LONGEST_CALL, end), start, end)


def _first_after(source: Source, kind: str, at: int) -> int | None:
    sql = "SELECT seq FROM fact WHERE kind = :kind AND at >= :at ORDER BY at, seq LIMIT 1"
    found = source.ask(int, sql, kind=kind, at=at)
    return found[0] if found else None
