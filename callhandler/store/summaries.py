"""Keeps table `call` in step with table `fact`: a row when a call arrives, the whole record when it has ended. Knows rows, no engine.

Facts of calls that last are kept in memory, as far as their records need them, so that these are computed without reading them back.
What is written about a call that is over, or forgotten, changes nothing here unless its record needs it.
"""

from collections.abc import Iterable, Sequence

import structlog
from sqlalchemy import Connection, delete, select, text

from callhandler.core.events import CallEnded, Fact
from callhandler.store.encoding import Row, decode, harmless, json_text, milliseconds
from callhandler.store.reading import NEEDED, record_of
from callhandler.store.records import CallRecord
from callhandler.store.servers import add_rows, present
from callhandler.store.tables import CallRow, FactRow

log = structlog.get_logger("journal")
FACTS = FactRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types don't say so
CALLS = CallRow.__table__  # type: ignore[attr-defined]
_KINDS = [kind.__name__ for kind in NEEDED]
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
        needed = [(row.call, row, fact) for row, fact in added if row.call is not None and isinstance(fact, NEEDED)]
        changed = dict.fromkeys(call for call, _, _ in needed if call not in self._open)
        late = present(connection, CALLS, "id", list(changed))  # they have ended before
        self._read(connection, list(late))
        for call, row, fact in needed:
            if call not in late:
                self._add(call, row, fact)
                if isinstance(fact, CallEnded):
                    changed[call] = None
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
            theirs = select(*_COLUMNS).where(FACTS.c.call.in_(some), FACTS.c.kind.in_(_KINDS)).order_by(FACTS.c.seq)
            for row in (Row(*columns) for columns in connection.execute(theirs)):
                fact = decode(row)
                if row.call is not None and fact is not None:
                    self._add(row.call, row, fact)

    def _add(self, call: str, row: Row, fact: Fact) -> None:
        self._nodes.setdefault(call, row.node)
        self._open.setdefault(call, []).append(fact)

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
