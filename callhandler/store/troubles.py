"""What is wrong with a database, in a sentence that says what to do. Knows SQLite's names of errors, and no journal."""

import sqlite3

_REMEDIES = {
    "SQLITE_NOTADB": "move the file and those beside it (-wal, -shm) away, or put a backup in its place: writing goes on by itself",
    "SQLITE_FULL": "make room on the disk: writing goes on by itself",
    "SQLITE_IOERR": "look at the disk and at the room on it: writing goes on by itself when it can",
    "SQLITE_READONLY": "the file and its folder must be writable for the user that callhandler runs as, and the disk not be read-only",
    "SQLITE_CANTOPEN": "the file and its folder must be there, and writable for the user that callhandler runs as",
    "SQLITE_BUSY": "another program holds the file for longer than reading takes: end that program",
}
_DRIVER = "install callhandler[postgresql]"
_OTHER = "name an SQLite file, or a PostgreSQL server, in `daemon.database`"
_REMEDIES["SQLITE_CORRUPT"] = _REMEDIES["SQLITE_NOTADB"]


def sentence(error: Exception) -> str:
    """Return what is wrong, in one line, and what a person can do about it where that is known."""
    original = getattr(error, "orig", None) or error
    lines = str(original).strip().splitlines()
    what = lines[0] if lines else type(error).__name__
    if isinstance(original, ModuleNotFoundError):
        return f"the database's driver {original.name} isn't installed; {_DRIVER if original.name == 'psycopg' else _OTHER}"
    if not isinstance(original, sqlite3.Error):
        return what
    # Names are SQLITE_IOERR_WRITE and the like: an error and its kind.
    name = "_".join((getattr(original, "sqlite_errorname", None) or "").split("_")[:2])
    return f"{what}; {_REMEDIES[name]}" if name in _REMEDIES else what
