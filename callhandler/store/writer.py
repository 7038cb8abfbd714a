"""What the journal's one thread does: facts into the database, or into the spool while that fails. Blocks; knows no event loop."""

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from callhandler.core.events import Fact
from callhandler.errors import CallhandlerError, Refused
from callhandler.store.database import Database
from callhandler.store.encoding import Row, encode
from callhandler.store.forgetting import Forgetting
from callhandler.store.sources import sqlite_file
from callhandler.store.spool import Spool
from callhandler.store.troubles import sentence

log = structlog.get_logger("journal")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying to write: how many facts the database has now, and what went wrong."""

    kept: int
    error: str | None


class Writer:
    """The database and its spool, behind one door."""

    def __init__(self, url: str, directory: Path, node: str) -> None:
        """Take the site's `daemon.database`, its directory and the name of this Asterisk."""
        file = sqlite_file(url, directory)
        beside = directory / "var" / "journal" if file is None else file
        self._node = node
        self._lock_file = beside.with_name(beside.name + ".lock")
        self._lock: int | None = None
        self._database = Database(url, directory, node)
        self._spool = Spool(beside.with_name(beside.name + ".spool"))
        self._spool_numbered = False
        self._spool_failed = False

    def start(self) -> tuple[list[Row], str | None]:
        """Open all there is. Returns the facts that a daemon that died had spooled, and what is wrong with the database.

        Raises:
            Refused: another daemon writes this journal.
            NewerJournal: a newer callhandler made it.
        """
        self._take_lock()
        rows, after = self._spool.read()
        self._spool_numbered = after is not None
        if after is not None:
            self._database.expect(after, len(rows))
        try:
            self._database.open()
        except CallhandlerError:
            self.stop()
            raise
        except Exception as error:  # whatever is wrong with the database, calls go on
            return rows, sentence(error)
        return rows, None

    def write(self, items: Sequence[Fact | Row], spooled: bool, to_disk: bool = False) -> Attempt:
        """Try to add facts to the database, with `to_disk` past a power cut.

        `spooled` says that the spool holds facts; the first of them is the first of `items`.
        """
        try:
            self._database.open()
            if spooled and not self._spool_numbered:
                self._spool.append([], self._database.after)
                self._spool_numbered = True
            return Attempt(self._database.write(items, to_disk), None)
        except Exception as error:  # whatever is wrong with the database, calls go on
            return Attempt(0, sentence(error))

    def keep_aside(self, items: Sequence[Fact | Row], first: bool) -> int:
        """Put facts into the spool, `first` when it is empty. Returns how many are there: all, or none when it can't be written either."""
        rows = [item if isinstance(item, Row) else encode(item, self._node) for item in items]
        after = self._database.after if first else None
        try:
            self._spool.append(rows, after)
        except OSError as error:
            if not self._spool_failed:
                log.error("facts are kept in memory only", error=str(error))
            self._spool_failed = True
            return 0
        self._spool_numbered = self._spool_numbered or after is not None
        self._spool_failed = False
        return len(rows)

    def caught_up(self) -> None:
        """Everything spooled is in the database."""
        self._spool_numbered = self._spool_failed = False
        try:
            self._spool.clear()
        except OSError as error:
            log.error("the spool can't be removed", error=str(error))

    def keep_site(self, digest: str, at: int, text: str) -> None:
        """Keep a site file's text."""
        self._database.keep_site(digest, at, text)

    def forget(self, walk: Forgetting) -> bool:
        """Forget a little of what is old. Returns whether there may be more."""
        return self._database.forget(walk)

    def rebuild(self) -> int:
        """Compute all calls again."""
        return self._database.rebuild()

    def stop(self) -> None:
        """Close everything."""
        self._database.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> None:
        try:
            self._lock_file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            log.warning("the journal can't be locked against a second daemon", error=str(error))
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            self._lock = None
            raise Refused(
                f"another daemon writes this journal ({self._lock_file} is locked): stop that one first"
            ) from error
