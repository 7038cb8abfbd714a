"""Who calls: a lookup by number. A CSV file to begin with; anything with `find` can take its place."""

import csv
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
    """A CSV file with a header: number, name, tier, agent, language; only number is needed. Read again when it changed."""

    def __init__(self, path: Path, country: str) -> None:
        """Take the file and the ISO country in which numbers without a prefix are meant."""
        self._path = path
        self._country = country
        self._read: _Read | None = None

    async def find(self, number: str) -> Customer | None:
        """Return what the file knows of a number.

        Raises:
            OSError: the file can't be read.
            ValueError: the file has no column `number`.
        """
        return self._customers().get(same_number(number, self._country))

    def _customers(self) -> dict[str, Customer]:
        stat = self._path.stat()
        changed = (stat.st_mtime_ns, stat.st_size)
        if self._read is None or self._read.changed != changed:
            self._read = _Read(changed, self._load())
        return self._read.customers

    def _load(self) -> dict[str, Customer]:
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            rows = csv.DictReader(lines)
            if "number" not in (rows.fieldnames or ()):
                raise ValueError(
                    f"{self._path.name} has no column `number`; the header names number, name, tier, agent, language"
                )
            return {same_number(row["number"] or "", self._country): _customer(row) for row in rows}


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
