"""Where facts wait, on disk, while the database can't take them: an append-only file of JSON lines. Knows no database.

The first fact in the file is the one numbered `after + 1` in the journal, where a line `{"after": n}` says so. Thus a daemon that
died while it caught up knows which facts the database has already.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from callhandler.store.encoding import Row


class Spool:
    """One spool file; used by the writer alone."""

    def __init__(self, file: Path, most_bytes: int = 256 * 1024 * 1024) -> None:
        """Take the file's place and its greatest size."""
        self._file = file
        self._most_bytes = most_bytes
        self._good = 0

    def read(self) -> tuple[list[Row], int | None]:
        """Return the facts left over by a daemon that died, and the number of the fact before them where known.

        A last line that was cut short is left out.

        Raises:
            OSError: when the file can't be read.
        """
        rows: list[Row] = []
        after: int | None = None
        self._good = 0
        if not self._file.exists():
            return rows, after
        for line in self._file.read_bytes().split(b"\n")[:-1]:
            try:
                entry = json.loads(line)
                if isinstance(entry, dict):
                    after = int(entry["after"])
                else:
                    rows.append(Row(*entry))
            except (ValueError, TypeError, KeyError):
                break
            self._good += len(line) + 1
        return rows, after

    def append(self, rows: Sequence[Row], after: int | None = None) -> None:
        """Add facts, on disk when this returns.

        Raises:
            OSError: when they can't be written; the file then ends where it ended before.
        """
        lines = [json.dumps({"after": after})] if after is not None else []
        lines += [json.dumps(row) for row in rows]
        data = "".join(line + "\n" for line in lines).encode()
        if self._good + len(data) > self._most_bytes:
            raise OSError(f"{self._file} has reached its greatest size, {self._most_bytes} bytes")
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, self._good)
            os.lseek(descriptor, self._good, os.SEEK_SET)
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            os.ftruncate(descriptor, self._good)  # a disk that is full has room for that
            raise
        finally:
            os.close(descriptor)
        self._good += len(data)

    def clear(self) -> None:
        """Remove the file: everything in it is in the database."""
        self._good = 0
        self._file.unlink(missing_ok=True)
