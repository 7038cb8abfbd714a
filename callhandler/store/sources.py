"""Reading the journal, whoever writes it, and also when nobody does. Light to import: the standard library, nothing else, for SQLite.

A `Source` answers portable SQL with named parameters (`:call`). Values travel only as parameters, never inside the SQL.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from callhandler.errors import Refused
from callhandler.store.troubles import sentence

T = TypeVar("T")
Value = str | int | float | None


class Source(Protocol):
    """A journal that can be asked."""

    def ask(self, make: Callable[..., T], sql: str, **values: Value) -> list[T]:
        """Return one `make(*columns)` for each row of the answer."""


def sqlite_file(url: str, directory: Path) -> Path | None:
    """Return the file of an SQLite URL (a relative one is meant from `directory`), None for any other database."""
    scheme, _, path = url.partition(":///")
    return directory / path if scheme.partition("+")[0] == "sqlite" and path else None


@contextmanager
def open_source(url: str, directory: Path) -> Iterator[Source]:
    """Open the journal for reading.

    Args:
        url: the site's `daemon.database`.
        directory: the site's directory.

    Raises:
        Refused: when there is no journal yet or it can't be read.
    """
    file = sqlite_file(url, directory)
    if file is None:
        from callhandler.store.servers import open_server  # noqa: PLC0415 - heavy, and needed for database servers alone

        with open_server(url) as server:
            yield server
        return
    if not file.exists():
        raise Refused(f"there is no journal yet at {file}: it is made when the daemon starts for the first time")
    try:
        with closing(_connect(file)) as connection:
            yield SqliteSource(connection)
    except sqlite3.Error as error:
        raise Refused(f"the journal {file} can't be read: {sentence(error)}") from error


class SqliteSource:
    """An SQLite file, read-only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ask(self, make: Callable[..., T], sql: str, **values: Value) -> list[T]:
        """Return one `make(*columns)` for each row of the answer."""
        return [make(*row) for row in self._connection.execute(sql, values)]


def _connect(file: Path) -> sqlite3.Connection:
    # In WAL mode a reader needs the -shm file or the right to make it. Who has neither may read the file as it stands, if all is in it.
    address = file.absolute().as_uri()
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=5.0, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.Error as error:
        connection.close()
        if not isinstance(error, sqlite3.OperationalError):  # it is no database at all
            raise
        log = file.with_name(file.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        connection = sqlite3.connect(f"{address}?immutable=1", uri=True)
    return connection
