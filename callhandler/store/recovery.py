"""What the state is rebuilt from after a start. Looks up few rows by index, however long the journal is; pure otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from callhandler.core.events import (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentNotAnswering,
    AgentOffered,
    AgentPaused,
    AgentResumed,
    CallArrived,
    CallbackDialled,
    CallbackEnded,
    CallbackRequested,
    CallConnected,
    DaemonStarted,
    DaemonStopped,
    EmergencyClosed,
    EmergencyOpened,
    Fact,
    OfferEnded,
    OutsideDialled,
    SiteLoaded,
    TalkEnded,
    WrapUpEnded,
    WrapUpStarted,
)
from callhandler.store.callbacks import calls_to_be_made
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import Stored, facts_of, facts_where
from callhandler.store.sources import Source

OF_AGENTS: tuple[type[Fact], ...] = (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentPaused,
    AgentResumed,
    AgentNotAnswering,
    AgentOffered,
    OfferEnded,
    CallConnected,
    TalkEnded,
    WrapUpStarted,
    WrapUpEnded,
)
_OF_THE_HOUSE = (DaemonStarted, DaemonStopped, SiteLoaded, EmergencyClosed, EmergencyOpened)
_OF_CALLBACKS = (CallbackRequested, CallbackDialled, CallbackEnded, OutsideDialled)
"""What the caps on calls out count."""
_CAPS_KEPT = 86_400.0
_TALKS_KEPT = 7 * 86_400.0
_MOST_TALKS = 20_000


@dataclass(frozen=True, slots=True)
class LastTalk:
    """Who last talked with a caller, and until when (seconds since the epoch)."""

    agent: str
    at: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the journal knows at a start.

    `facts`, in order: all of the calls that have no end and of those that are to be called back, what was dialled out and asked for
    within a day, the last of each kind for each agent, the last of each kind about the house (started, stopped, site, emergency).
    `last_at` is when the last fact of all happened, None in an empty journal. `last_talks` goes back seven days, by caller's number.
    `calls_today` counts conversations since midnight, by agent.
    """

    facts: tuple[Fact, ...] = ()
    last_at: float | None = None
    last_talks: dict[str, LastTalk] = field(default_factory=dict)
    calls_today: dict[str, int] = field(default_factory=dict)

    def followed_by(self, facts: Iterable[Fact]) -> "Recovery":
        """Return this with later facts behind it."""
        more = tuple(facts)
        return replace(self, facts=self.facts + more, last_at=more[-1].at) if more else self


def recover(source: Source, now: float, midnight: float) -> Recovery:
    """Read what the state is rebuilt from. `now` and `midnight` (of the site's day) are in seconds since the epoch."""
    rows = (
        *_of_open_calls(source),
        *_of_callbacks(source, now),
        *last_of_agents(source),
        *last_of_the_house(source),
    )
    found = {row.seq: row.fact for row in rows}
    facts = tuple(fact for _, fact in sorted(found.items(), key=lambda item: item[0]) if fact is not None)
    last = source.ask(int, "SELECT at FROM fact ORDER BY seq DESC LIMIT 1")
    return Recovery(
        facts, last[0] / 1000 if last else None, _last_talks(source, now, facts), _calls_today(source, midnight)
    )


def last_of_agents(source: Source, before: int = 2**53) -> list[Stored]:
    """Return the last fact of each kind for each agent, numbered below `before`, in order.

    Walks from agent to agent through the index, then to the last fact of each kind: quick however many facts there are.
    """
    kinds = " UNION ALL ".join(f"SELECT '{kind.__name__}'" for kind in OF_AGENTS)
    agents = """
        SELECT min(agent) FROM fact
        UNION ALL
        SELECT (SELECT min(fact.agent) FROM fact WHERE fact.agent > agents.agent) FROM agents WHERE agents.agent IS NOT NULL
    """
    lasts = """
        SELECT (SELECT max(fact.seq) FROM fact WHERE fact.agent = agents.agent AND fact.kind = kinds.kind AND fact.seq < :before)
        FROM agents CROSS JOIN kinds WHERE agents.agent IS NOT NULL
    """
    tables = f"agents(agent) AS ({agents}), kinds(kind) AS ({kinds}), lasts(seq) AS ({lasts})"
    clause = f"WHERE seq IN (WITH RECURSIVE {tables} SELECT seq FROM lasts WHERE seq IS NOT NULL) ORDER BY seq"  # noqa: S608 - constants
    return facts_where(source, clause, before=before)


def _of_open_calls(source: Source) -> list[Stored]:
    # One question a call: asked for all at once, SQLite would rather walk through the whole journal in order.
    calls = source.ask(str, "SELECT id FROM call WHERE ended IS NULL")
    return [found for call in calls for found in facts_of(source, call)]


def _of_callbacks(source: Source, now: float) -> list[Stored]:
    """Return all facts of open callbacks' calls, and of all others what the caps count."""
    counted = "WHERE kind = :kind AND at >= :since ORDER BY seq"
    since = milliseconds(now - _CAPS_KEPT)
    kinds = [kind.__name__ for kind in _OF_CALLBACKS]
    found = [row for kind in kinds for row in facts_where(source, counted, kind=kind, since=since)]
    return [row for call in calls_to_be_made(source, now) for row in facts_of(source, call)] + found


def last_of_the_house(source: Source) -> list[Stored]:
    """Return the last fact of each kind about the house: started, stopped, site, emergency."""
    last = "WHERE kind = :kind ORDER BY at DESC, seq DESC LIMIT 1"
    return [found for kind in _OF_THE_HOUSE for found in facts_where(source, last, kind=kind.__name__)]


class _Talk(NamedTuple):
    number: str
    agent: str
    until: int


def _last_talks(source: Source, now: float, facts: Iterable[Fact]) -> dict[str, LastTalk]:
    sql = """
        SELECT caller_number, agent, talked_until FROM call
        WHERE talked_until >= :since AND agent IS NOT NULL ORDER BY talked_until DESC LIMIT :most
    """
    found = source.ask(_Talk, sql, since=milliseconds(now - _TALKS_KEPT), most=_MOST_TALKS)
    talks = {talk.number: LastTalk(talk.agent, talk.until / 1000) for talk in reversed(found) if talk.number}
    numbers: dict[str, str] = {}
    for fact in facts:
        if isinstance(fact, CallArrived):
            numbers[fact.call] = fact.caller_number
        elif isinstance(fact, CallConnected | TalkEnded) and numbers.get(fact.call):
            talks[numbers[fact.call]] = LastTalk(fact.agent, fact.at)
    return talks


class _Count(NamedTuple):
    agent: str
    calls: int


def _calls_today(source: Source, midnight: float) -> dict[str, int]:
    sql = "SELECT agent, count(*) FROM fact WHERE kind = :kind AND at >= :since AND agent IS NOT NULL GROUP BY agent"
    counts = source.ask(_Count, sql, kind=CallConnected.__name__, since=milliseconds(midnight))
    return {count.agent: count.calls for count in counts}
