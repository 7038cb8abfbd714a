"""Questions to the journal: portable SQL in, plain dataclasses out. Light to import: neither SQLAlchemy nor pydantic.

Each takes a `Source` first: `with open_source(url, directory) as source: last_calls(source, 20)` in the CLI,
`await journal.ask(last_calls, 20)` in the daemon. Times are seconds since the epoch, UTC.
"""

import json
from dataclasses import dataclass
from typing import NamedTuple

from callhandler.core.events import AlarmRaised, Fact, RoutingDecided
from callhandler.core.plain import from_plain
from callhandler.errors import Refused
from callhandler.store.encoding import Row, decode, milliseconds
from callhandler.store.reading import record_of
from callhandler.store.records import CallRecord
from callhandler.store.sources import Source, Value

_NAMED = 5
"""How many of the calls that begin alike are named."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A fact as it stands in the journal. `fact` is None when this version can't read it; `row` is always whole."""

    row: Row
    fact: Fact | None

    @property
    def seq(self) -> int:
        """Its place in the journal."""
        return self.row.seq


def last_calls(source: Source, count: int) -> list[CallRecord]:
    """Return the calls that arrived last, newest first; those that still last among them."""
    return _records(source, "ORDER BY arrived DESC, id DESC LIMIT :count", count=count)


def find_call(source: Source, wanted: str) -> CallRecord:
    """Return one call by its id, or by the beginning of its id, with or without the node's name.

    Raises:
        Refused: when there is none, or when several begin like this.
    """
    exact = _records(source, "WHERE id = :wanted", wanted=wanted)
    if exact:
        return exact[0]
    begins = "substr(id, 1, :length) = :wanted OR substr(id, length(node) + 2, :length) = :wanted"
    clause = f"WHERE {begins} ORDER BY arrived DESC, id DESC LIMIT {_NAMED + 1}"
    found = _records(source, clause, wanted=wanted, length=len(wanted)) if wanted else []
    if not found:
        raise Refused(f"the journal knows no call {wanted}")
    if len(found) > 1:
        more = " and more" if len(found) > _NAMED else ""
        raise Refused(f"several calls begin with {wanted}: {', '.join(call.id for call in found[:_NAMED])}{more}")
    return found[0]


def facts_of(source: Source, call: str) -> list[Stored]:
    """Return all facts of one call (its exact id), in order."""
    return facts_where(source, "WHERE call = :call ORDER BY seq", call=call)


def facts_after(source: Source, seq: int, limit: int = 1_000) -> list[Stored]:
    """Return the facts that came after the one numbered `seq`, in order: what a live log asks again and again."""
    return facts_where(source, "WHERE seq > :seq ORDER BY seq LIMIT :most", seq=seq, most=limit)


def last_seq(source: Source) -> int:
    """Return the number of the last fact, 0 when there is none."""
    return source.ask(int, "SELECT coalesce(max(seq), 0) FROM fact")[0]


def decisions_of(source: Source, call: str) -> list[RoutingDecided]:
    """Return the routing decisions of one call (its exact id), in order."""
    return [stored.fact for stored in facts_of(source, call) if isinstance(stored.fact, RoutingDecided)]


def alarms_since(source: Source, since: float) -> list[AlarmRaised]:
    """Return the alarms raised since a time (seconds since the epoch), newest first; of very many the last hundred thousand."""
    clause = "WHERE kind = 'AlarmRaised' AND at >= :since ORDER BY at DESC LIMIT 100000"
    found = facts_where(source, clause, since=milliseconds(since))
    return [stored.fact for stored in found if isinstance(stored.fact, AlarmRaised)]


def facts_where(source: Source, clause: str, /, **values: Value) -> list[Stored]:
    """Return facts. `clause` is SQL of this package's own; whatever comes from outside is among `values`."""
    columns = "seq, at, kind, version, node, call, leg, agent, queue, reason, details"
    rows = source.ask(Row, f"SELECT {columns} FROM fact {clause}", **values)  # noqa: S608 - see the docstring
    return [Stored(row, decode(row)) for row in rows]


def facts_between(
    source: Source, kinds: tuple[type[Fact], ...], start: float, end: float, most: int = 1_000_000
) -> list[Fact]:
    """Return facts of some kinds within a stretch of time, in order; of each kind the last `most`."""
    clause = "WHERE kind = :kind AND at >= :first AND at < :past ORDER BY at DESC, seq DESC LIMIT :most"
    first, past = milliseconds(start), milliseconds(end)
    found = [
        stored
        for kind in kinds
        for stored in facts_where(source, clause, kind=kind.__name__, first=first, past=past, most=most)
    ]
    return [stored.fact for stored in sorted(found, key=lambda one: one.seq) if stored.fact is not None]


class _Kept(NamedTuple):
    id: str
    ended: int | None
    record: str


def _records(source: Source, clause: str, /, **values: Value) -> list[CallRecord]:
    sql = f"SELECT id, ended, record FROM call {clause}"  # noqa: S608 - the clauses are this file's own
    return [_record(source, kept) for kept in source.ask(_Kept, sql, **values)]


def _record(source: Source, kept: _Kept) -> CallRecord:
    """Take the record computed when the call ended; of a call that lasts, or one kept in an older form, compute it."""
    if kept.ended is not None:
        try:
            return from_plain(CallRecord, json.loads(kept.record))
        except ValueError:
            pass
    return record_of(kept.id, [found.fact for found in facts_of(source, kept.id) if found.fact is not None])
