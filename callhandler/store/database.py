"""The writing side of the journal's database: opens it, brings it up to date, adds facts in order, exactly once. Blocks: for a thread.

There is one writer. That is why it may number the facts itself, and why it can tell after a failed commit whether the database
has the facts after all: by the greatest number in it.
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select

from callhandler.core.events import Fact
from callhandler.store.encoding import Row, decode, encode
from callhandler.store.forgetting import Forgetting
from callhandler.store.migrate import migrate
from callhandler.store.servers import add_rows, synced, writing_engine
from callhandler.store.summaries import FACTS, Summaries
from callhandler.store.tables import SiteRow

SITES = SiteRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types don't say so


class Database:
    """One database, written by nobody else."""

    def __init__(self, url: str, directory: Path, node: str) -> None:
        """Take the site's `daemon.database`, its directory and the name of this Asterisk. Nothing is opened yet."""
        self._node = node
        self._url = url
        self._directory = directory
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._summaries = Summaries()
        self._next: int | None = None
        self._in_doubt = 0
        self._had = 0

    @property
    def after(self) -> int | None:
        """The number of the last fact surely in the database; None before it was ever opened."""
        return None if self._next is None else self._next - 1

    def expect(self, after: int, count: int) -> None:
        """Say that the next `count` facts may be in the database already, numbered from `after + 1`."""
        self._next, self._in_doubt = after + 1, count

    def open(self) -> None:
        """Open the database and bring its tables up to date; nothing when it is open.

        Raises:
            NewerJournal: it was made by a newer callhandler.
            SQLAlchemyError: it can't be opened.
        """
        if self._connection is not None:
            return
        try:
            self._engine = writing_engine(self._url, self._directory)
            self._connection = self._engine.connect()
            with self._connection.begin():
                migrate(self._connection)
                greatest: int = self._connection.execute(select(func.coalesce(func.max(FACTS.c.seq), 0))).scalar_one()
                self._summaries.load(self._connection)
        except BaseException:
            self.close()
            raise
        if self._next is None:
            self._next = greatest + 1
        self._had = max(0, min(greatest + 1 - self._next, self._in_doubt))
        self._next = max(self._next, greatest + 1)
        self._in_doubt = 0

    def write(self, items: Sequence[Fact | Row], to_disk: bool = False) -> int:
        """Add facts in one transaction, all or none. After a failure, offer the same facts again, in the same order.

        With `to_disk` they are on the disk itself when this returns, past a power cut, and so are all before them.

        Returns:
            How many of them the database has now, counted from the first.

        Raises:
            SQLAlchemyError: they could not be written, or it is not known whether they were.
        """
        self.open()
        if self._had:
            had, self._had = min(self._had, len(items)), max(0, self._had - len(items))
            return had
        connection, following = self._connection, self._next
        assert connection is not None and following is not None
        added = [self._numbered(item, seq) for seq, item in enumerate(items, following)]
        self._in_doubt = len(items)
        try:
            if to_disk:
                synced(connection, True)
            with connection.begin():
                add_rows(connection, FACTS, [row for row, _ in added])
                self._summaries.take(connection, added)
            if to_disk:
                synced(connection, False)
        except BaseException:
            self.close()
            raise
        self._next, self._in_doubt = following + len(items), 0
        return len(items)

    def _numbered(self, item: Fact | Row, seq: int) -> tuple[Row, Fact | None]:
        if isinstance(item, Row):
            return item._replace(seq=seq), decode(item)
        return encode(item, self._node, seq), item

    def keep_site(self, digest: str, at: int, text: str) -> None:
        """Keep a site file's text, once for each digest."""
        self.open()
        assert self._connection is not None
        with self._connection.begin():
            if self._connection.execute(select(SITES.c.digest).where(SITES.c.digest == digest)).first() is None:
                self._connection.execute(insert(SITES), {"digest": digest, "at": at, "text": text})

    def forget(self, walk: Forgetting) -> bool:
        """Forget a little of what is old. Returns whether there may be more."""
        self.open()
        assert self._connection is not None
        try:
            with self._connection.begin():
                return walk.some(self._connection)
        except BaseException:
            self.close()
            raise

    def rebuild(self) -> int:
        """Compute all calls again from their facts. Returns how many there are."""
        self.open()
        assert self._connection is not None
        try:
            with self._connection.begin():
                return self._summaries.rebuild(self._connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the database; `write` opens it again."""
        connection, engine = self._connection, self._engine
        self._connection = self._engine = None
        self._summaries = Summaries()
        try:
            if connection is not None:
                connection.close()
        finally:
            if engine is not None:
                engine.dispose()
