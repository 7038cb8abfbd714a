"""Looks at the journal's database without writing: whether it is whole, how large it is, and of which version."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from callhandler.core.alarms import Alarms
from callhandler.core.views import AlarmView
from callhandler.doctor.seen import JournalSeen
from callhandler.errors import Refused
from callhandler.store.migrate import HEAD
from callhandler.store.queries import alarms_since
from callhandler.store.sources import open_source, sqlite_file

_CHECK = 2.0
"""Seconds for PRAGMA quick_check, which reads the whole file."""
_STEPS = 20_000
_DAY = 86_400.0


def look(url: str, directory: Path) -> JournalSeen:
    """Return what is seen of the journal at `url`; relative paths are meant from `directory`, the site's."""
    file = sqlite_file(url, directory)
    if file is None:
        return _server(url, directory)
    if not file.exists():
        return JournalSeen(where=str(file), exists=False, known=HEAD)
    try:
        size = sum(path.stat().st_size for path in (file, file.with_name(f"{file.name}-wal")) if path.exists())
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            check = _quick_check(connection)
    except (sqlite3.Error, OSError) as error:
        return JournalSeen(where=str(file), trouble=str(error), check=None, known=HEAD)
    return JournalSeen(
        where=str(file),
        check=check,
        version=None if version is None else str(version[0]),
        known=HEAD,
        size=size,
        alarms=_alarms(url, directory),
    )


def _alarms(url: str, directory: Path) -> tuple[AlarmView, ...]:
    """Return the last day's alarms; none where the journal can't be read, which other checks tell of."""
    now = time.time()
    try:
        with open_source(url, directory) as source:
            return Alarms(alarms_since(source, now - _DAY)).of_the_day(now)
    except Refused:
        return ()


def _quick_check(connection: sqlite3.Connection) -> str | None:
    """Return SQLite's word for the file's state, None when it would take too long to tell."""
    until = time.monotonic() + _CHECK
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        row = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return None
        raise
    return str(row[0])


def _server(url: str, directory: Path) -> JournalSeen:
    where = "the database server"
    try:
        with open_source(url, directory) as source:
            versions = source.ask(str, "SELECT version_num FROM alembic_version")
    except Refused as error:
        return JournalSeen(where=where, trouble=str(error), check=None, known=HEAD)
    version = versions[0] if versions else None
    return JournalSeen(where=where, version=version, known=HEAD, alarms=_alarms(url, directory))
