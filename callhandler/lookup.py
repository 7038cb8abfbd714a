"""Who calls: a lookup by number. A CSV file to begin with; anything with `find` can take its place."""

import asyncio
import csv
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import phonenumbers

from callhandler.scripts.house import Customer


class Lookup(Protocol):
    """Finds a customer by the number that calls."""

    async def find(self, number: str) -> Customer | None:
        """Return what is known of a number, None when nothing is. May raise anything; callers wait for it only so long."""


@dataclass(frozen=True, slots=True)
class _Read:
    changed: tuple[int, int]
    customers: dict[str, Customer]


class CsvLookup:
    """A CSV file with a header: number, name, tier, agent, language; only number is needed. Read again when it changed.

    It is read in a thread, once for all who ask meanwhile: a long list, or a drive that hangs, holds up no call but past its deadline.
    """

    def __init__(self, path: Path, country: str) -> None:
        """Take the file and the ISO country in which numbers without a prefix are meant."""
        self._path = path
        self._country = country
        self._read: _Read | None = None
        self._reading: asyncio.Future[dict[str, Customer]] | None = None

    async def find(self, number: str) -> Customer | None:
        """Return what the file knows of a number.

        Raises:
            OSError: the file can't be read.
            ValueError: the file has no column `number`, or is no CSV.
        """
        if self._reading is None or self._reading.done():
            self._reading = _in_thread(self._customers)
        customers = await asyncio.shield(self._reading)  # whose deadline is over leaves it to those who ask after them
        return customers.get(same_number(number, self._country))

    def _customers(self) -> dict[str, Customer]:
        stat = self._path.stat()
        changed = (stat.st_mtime_ns, stat.st_size)
        if self._read is None or self._read.changed != changed:
            self._read = _Read(changed, self._load())
        return self._read.customers

    def _load(self) -> dict[str, Customer]:
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            rows = csv.DictReader(lines)
            try:
                if "number" not in (rows.fieldnames or ()):
                    raise ValueError(
                        f"{self._path.name} has no column `number`; the header names number, name, tier, agent, language"
                    )
                return {same_number(row["number"] or "", self._country): _customer(row) for row in rows}
            except csv.Error as error:
                raise ValueError(
                    f"{self._path.name} is no CSV after line {rows.line_num}: {error}; is a quote never closed?"
                ) from None


def _in_thread(work: Callable[[], dict[str, Customer]]) -> asyncio.Future[dict[str, Customer]]:
    """Work in a thread that ends with the process: one that hangs must not keep the daemon from stopping, as a pool's would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[dict[str, Customer]] = loop.create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody waits for it any more

    def run() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            try:
                customers = work()
            except Exception as error:
                loop.call_soon_threadsafe(future.set_exception, error)
            else:
                loop.call_soon_threadsafe(future.set_result, customers)

    threading.Thread(target=run, name="lookup", daemon=True).start()
    return future


def same_number(number: str, country: str) -> str:
    """Return a number in E.164 where it can be read as one of `country`, else as it stands: two ways to write it become one."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number, country), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return number.strip()


def _customer(row: dict[str, str | None]) -> Customer:
    def text(name: str) -> str | None:
        return (row.get(name) or "").strip()[:80] or None

    return Customer(name=text("name"), tier=text("tier"), agent=text("agent"), language=text("language"))
