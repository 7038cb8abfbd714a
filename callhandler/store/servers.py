"""Databases by URL, through SQLAlchemy: the journal's writer for every kind, and a reader for those that aren't a file.

One driver for each kind, used from threads: `sqlite3` for SQLite and `psycopg` for PostgreSQL, whatever asyncio driver the URL names.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from callhandler.errors import Refused
from callhandler.store.sources import Source, Value, sqlite_file
from callhandler.store.troubles import sentence

T = TypeVar("T")
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_PRAGMAS = (
    "busy_timeout=1000",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "cache_size=-16000",  # KiB. By default 2 MB, less than the ends of three indexes take when a busy day's facts come in
    "wal_autocheckpoint=4000",  # pages, 16 MB. Each time the log is put into the file both are synced: a quarter as often
)


def threaded(url: str, directory: Path) -> URL:
    """Return the URL with the driver that is used here, and with an absolute path."""
    address = make_url(url)
    kind = address.get_backend_name()
    file = sqlite_file(url, directory)
    address = address.set(drivername=_DRIVERS.get(kind, kind))
    return address if file is None else address.set(database=str(file.absolute()))


def writing_engine(url: str, directory: Path) -> Engine:
    """Return an engine for the one writer. SQLite: write-ahead log, 1 s patience with locks, no sync at each commit.

    `synchronous=NORMAL` in WAL mode survives a crash of the daemon whole, and a power cut but for the last commits; it never corrupts.
    """
    engine = create_engine(threaded(url, directory), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = (
        None  # the driver's own BEGIN comes too late for the tables' changes: they would not be in the transaction
    )
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def synced(connection: Connection, each_commit: bool) -> None:
    """Have each commit wait for the disk, or not, from the next one on. A database server does so anyway.

    In WAL mode `synchronous=FULL` syncs the log after each commit, and with it all commits before. It can't be changed in a transaction.
    """
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.execute(f"PRAGMA synchronous={'FULL' if each_commit else 'NORMAL'}").close()


TOGETHER = 64
"""Rows in one statement at most. The driver gives the interpreter away at each statement, and gets it back late while calls are busy."""


def add_rows(connection: Connection, table: Table, rows: Sequence[tuple[Value, ...]], over: str | None = None) -> None:
    """Add rows, given as tuples in the order of the table's columns; `over` the row with the same value there, if any.

    In the driver's own SQL: SQLAlchemy's processing of each value would take as long as everything else that is done with a fact.
    """
    start = 0
    for count in _parts(len(rows)):
        sql = _inserting(table, connection.dialect.paramstyle, over, count)
        connection.exec_driver_sql(sql, tuple(chain.from_iterable(rows[start : start + count])))
        start += count


def _parts(count: int) -> Iterator[int]:
    """Part a number of rows into powers of two: the driver keeps each statement prepared, 2 to 3 KB a row, and there are 7 MB of them
    where each number of rows up to 50 comes once.
    """
    while count:
        part = min(TOGETHER, 1 << (count.bit_length() - 1))
        yield part
        count -= part


@cache
def _inserting(table: Table, paramstyle: str, over: str | None, count: int) -> str:
    names = [column.name for column in table.columns]
    row = f"({', '.join(['?' if paramstyle == 'qmark' else '%s'] * len(names))})"
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {', '.join([row] * count)}"  # noqa: S608 - our own tables
    if over is None:
        return sql
    return f"{sql} ON CONFLICT ({over}) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in names)


def present(connection: Connection, table: Table, column: str, values: Sequence[str]) -> set[str]:
    """Return which of some values there are in a column; in the driver's own SQL, as it is asked with each batch of facts."""
    if not values:
        return set()
    marks = ", ".join(["?" if connection.dialect.paramstyle == "qmark" else "%s"] * len(values))
    sql = f"SELECT {column} FROM {table.name} WHERE {column} IN ({marks})"  # noqa: S608 - our own tables
    return set(connection.exec_driver_sql(sql, tuple(values)).scalars())


@contextmanager
def open_server(url: str) -> Iterator[Source]:
    """Open a database server's journal for reading.

    Raises:
        Refused: when it can't be read.
    """
    try:
        engine = create_engine(threaded(url, Path()), poolclass=NullPool)
        with engine.connect() as connection:
            yield ServerSource(connection)
    except (SQLAlchemyError, ImportError) as error:
        raise Refused(f"the journal can't be read: {sentence(error)}") from error


class ServerSource:
    """A journal read over an SQLAlchemy connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, make: Callable[..., T], sql: str, **values: Value) -> list[T]:
        """Return one `make(*columns)` for each row of the answer."""
        return [make(*row) for row in self._connection.execute(text(sql), values)]
