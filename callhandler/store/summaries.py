"""Keeps table `call` in step with table `fact`: a row when a call arrives, the whole record when it has ended. Knows rows, no engine.

Facts of calls that last are kept in memory, so that the record is computed without reading them back.
"""

from collections.abc import Iterable, Sequence
from typing import TypeGuard

import structlog
from sqlalchemy import Connection, delete, select, text

from callhandler.core.events import CallEnded, Fact, ItemClaimed, ItemDone, MessageMailed, RoutingDecided
from callhandler.store.encoding import Row, decode, harmless, json_text, milliseconds
from callhandler.store.reading import record_of
from callhandler.store.records import CallRecord
from callhandler.store.servers import add_rows
from callhandler.store.tables import CallRow, FactRow

log = structlog.get_logger("journal")
FACTS = FactRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types don't say so
CALLS = CallRow.__table__  # type: ignore[attr-defined]
_AFTERWARDS = (ItemClaimed, ItemDone, MessageMailed)
"""What may be written about a call that is forgotten by now; it makes no new call of it."""
_COLUMNS = [FACTS.c[name] for name in Row._fields]


class Summaries:
    """The calls that last, and the rows of those that change. Used in the transaction that adds the facts."""

    def __init__(self) -> None:
        self._open: dict[str, list[Fact]] = {}
        self._nodes: dict[str, str] = {}

    def load(self, connection: Connection) -> None:
        """Read the facts of all calls that last from the database."""
        ids = connection.execute(select(CALLS.c.id).where(CALLS.c.ended.is_(None))).scalars().all()
        self._read(connection, ids)

    def take(self, connection: Connection, added: Sequence[tuple[Row, Fact | None]]) -> None:
        """Bring table `call` up to date with rows that have just been added, each with its fact where this version can read it."""
        changed = dict.fromkeys(row.call for row, _ in added if row.call is not None and row.call not in self._open)
        late = self._ended_before(connection, list(changed))
        self._read(connection, late)
        for row, fact in added:
            if row.call is not None and row.call not in late and _counts(fact):
                self._add(row, fact)
                if isinstance(fact, CallEnded):
                    changed[row.call] = None
        self._write(connection, list(changed))

    def rebuild(self, connection: Connection) -> int:
        """Compute table `call` again from all facts. Returns how many calls there are."""
        self._open.clear()
        connection.execute(delete(CALLS))
        ids = (
            connection.execute(text("SELECT DISTINCT call FROM fact WHERE call IS NOT NULL ORDER BY call"))
            .scalars()
            .all()
        )
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            self._read(connection, some)
            self._write(connection, some)
        return len(ids)

    def _read(self, connection: Connection, calls: Sequence[str]) -> None:
        for start in range(0, len(calls), 500):
            some = calls[start : start + 500]
            found = connection.execute(select(*_COLUMNS).where(FACTS.c.call.in_(some)).order_by(FACTS.c.seq))
            for row in (Row(*columns) for columns in found):
                fact = decode(row)
                if _counts(fact):
                    self._add(row, fact)

    def _ended_before(self, connection: Connection, calls: Sequence[str]) -> Sequence[str]:
        return connection.execute(select(CALLS.c.id).where(CALLS.c.id.in_(calls))).scalars().all() if calls else ()

    def _add(self, row: Row, fact: Fact) -> None:
        if row.call is not None and (row.call in self._open or not isinstance(fact, _AFTERWARDS)):
            self._nodes.setdefault(row.call, row.node)
            self._open.setdefault(row.call, []).append(fact)

    def _write(self, connection: Connection, calls: Iterable[str]) -> None:
        rows = []
        for call in calls:
            if call not in self._open:
                continue
            try:
                record = record_of(call, self._open[call])
                rows.append(row_of(record, self._nodes.get(call, "")))
            except (
                Exception
            ):  # facts are the truth: a record that can't be computed must not keep them from being written
                log.exception("a call's record can't be computed", call=call)
                continue
            if record.ended is not None:
                del self._open[call]
                self._nodes.pop(call, None)
        add_rows(connection, CALLS, rows, over="id")


def _counts(fact: Fact | None) -> TypeGuard[Fact]:
    """Routing decisions are by far the longest facts, and no record needs them."""
    return fact is not None and not isinstance(fact, RoutingDecided)


def row_of(record: CallRecord, node: str) -> tuple[str | int | None, ...]:
    """Return the row of table `call` for a record, in the order of its columns."""
    talks = [leg.ended if leg.ended is not None else leg.connected for leg in record.legs if leg.connected is not None]
    until = max((talk for talk in talks if talk is not None), default=None)
    return (
        record.id,
        node,
        milliseconds(record.arrived),
        None if record.ended is None else milliseconds(record.ended),
        harmless(record.number),
        harmless(record.caller_number),
        harmless(record.caller_name),
        harmless(record.source),
        record.queue,
        record.agent,
        None if record.outcome is None else record.outcome.value,
        harmless(record.reason),
        milliseconds(record.waited),
        milliseconds(record.talked),
        milliseconds(record.held),
        None if until is None else milliseconds(until),
        json_text(record),
    )
