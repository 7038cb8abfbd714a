"""Deletes what is older than a site keeps its journal, a little at a time. Blocks, within the writer's transactions; knows rows alone.

Never deleted: calls that last, calls with an item in the inbox that waits for a person, calls that any later fact is about, what the
state is rebuilt from (the last of each kind about an agent and about the house), and the journal's last fact, which numbers the next.
A callback is over after 28 days at most, and messages taken while the daemon was away are looked for by their files for thirty:
the fewest days that a site may set cover both.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

from sqlalchemy import Connection, text

from callhandler.core.events import FACTS
from callhandler.store.encoding import milliseconds
from callhandler.store.inbox import INBOX_KEPT
from callhandler.store.queries import last_seq
from callhandler.store.recovery import last_of_agents, last_of_the_house
from callhandler.store.servers import ServerSource

CALLS_AT_ONCE = 20
"""Calls in one transaction, some 400 facts: facts that come meanwhile are written a few milliseconds later."""
FACTS_AT_ONCE = 300

_OLD_CALLS = """
    SELECT id, ended FROM call WHERE ended < :before AND (ended > :ended OR ended = :ended AND id > :id)
    ORDER BY ended, id LIMIT :most
"""
_NEEDED = """
    SELECT 1 FROM fact WHERE call = :call AND (
        at >= :before OR seq = :last OR kind = 'ItemOpened' AND at >= :items AND NOT EXISTS (
            SELECT 1 FROM fact AS done WHERE done.call = fact.call AND done.kind = 'ItemDone' AND done.seq > fact.seq
        )
    ) LIMIT 1
"""
_OLD_FACTS = """
    SELECT seq, at FROM fact WHERE kind = :kind AND at < :before AND call IS NULL AND (at > :at OR at = :at AND seq > :seq)
    ORDER BY at, seq LIMIT :most
"""
_OLD_SITES = """
    DELETE FROM site WHERE at < :before AND NOT EXISTS (
        SELECT 1 FROM fact WHERE kind = 'SiteLoaded' AND details LIKE '%' || site.digest || '%'
    )
"""


class _Call(NamedTuple):
    id: str
    ended: int


class _Fact(NamedTuple):
    seq: int
    at: int


class Forgetting:
    """One walk through what is old. Each `some` in a transaction of its own."""

    def __init__(self, now: float, days: int) -> None:
        """Forget what was over `days` before `now` (seconds since the epoch)."""
        self._before = milliseconds(now - days * 86_400)
        self._items = milliseconds(now - INBOX_KEPT)
        self._call = _Call("", -(2**53))
        self._fact = _Fact(0, -(2**53))
        self._kinds = [kind.__name__ for kind in FACTS.values() if not _always_of_a_call(kind)]
        self._kept: set[int] | None = None
        self.calls = self.facts = 0

    def some(self, connection: Connection) -> bool:
        """Forget a little. Returns whether there may be more."""
        source = ServerSource(connection)
        if self._some_calls(source, connection):
            return True
        if self._kept is None:
            self._kept = {found.seq for found in (*last_of_agents(source), *last_of_the_house(source))}
        if self._kinds:
            self._some_facts(source, connection, self._kept)
            return True
        connection.execute(text(_OLD_SITES), {"before": self._before})
        return False

    def _some_calls(self, source: ServerSource, connection: Connection) -> bool:
        found = source.ask(
            _Call, _OLD_CALLS, before=self._before, ended=self._call.ended, id=self._call.id, most=CALLS_AT_ONCE
        )
        last = last_seq(source)
        old = [one.id for one in found if not self._needed(source, one.id, last)]
        self.facts += _delete(connection, "fact WHERE call = :value", old)
        self.calls += _delete(connection, "call WHERE id = :value", old)
        self._call = found[-1] if found else self._call
        return len(found) > 0

    def _needed(self, source: ServerSource, call: str, last: int) -> bool:
        return bool(source.ask(int, _NEEDED, call=call, before=self._before, items=self._items, last=last))

    def _some_facts(self, source: ServerSource, connection: Connection, kept: set[int]) -> None:
        kind, after = self._kinds[-1], self._fact
        found = source.ask(
            _Fact, _OLD_FACTS, kind=kind, before=self._before, at=after.at, seq=after.seq, most=FACTS_AT_ONCE
        )
        last = last_seq(source)
        old = [one.seq for one in found if one.seq not in kept and one.seq != last]
        self.facts += _delete(connection, "fact WHERE seq = :value", old)
        if found:
            self._fact = found[-1]
        else:
            self._kinds.pop()
            self._fact = _Fact(0, -(2**53))


def _always_of_a_call(kind: type) -> bool:
    return any(field.name == "call" and field.type is str for field in fields(kind))


def _delete(connection: Connection, what: str, values: Sequence[str | int]) -> int:
    if not values:
        return 0
    return connection.execute(text(f"DELETE FROM {what}"), [{"value": value} for value in values]).rowcount  # noqa: S608 - this file's own
