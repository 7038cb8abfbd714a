"""The calls that hung up waiting a moment ago, for those who call again after the daemon has started."""

from callhandler.core.events import CallAbandoned, Fact
from callhandler.store.encoding import milliseconds
from callhandler.store.queries import facts_of
from callhandler.store.sources import Source


def abandoned(source: Source, since: float) -> list[Fact]:
    """Return all facts of the calls that hung up waiting since a time (seconds since the epoch), in order."""
    sql = "SELECT DISTINCT call FROM fact WHERE kind = :kind AND at >= :since AND call IS NOT NULL"
    calls = source.ask(str, sql, kind=CallAbandoned.__name__, since=milliseconds(since))
    found = sorted((stored for call in calls for stored in facts_of(source, call)), key=lambda one: one.seq)
    return [stored.fact for stored in found if stored.fact is not None]
