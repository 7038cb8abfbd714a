"""Where the site is, and the little a client must know of it: the socket, the journal, the time zone, what those who wait are promised.

Read leniently and without the site's models: an operator whose last edit broke the file must still be able to look at calls.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from callhandler.cli.lazy import SITE

FILE = "callhandler.toml"
_TABLE = re.compile(r"^[ \t]*\[([\w.-]+)\][^\n]*$", re.MULTILINE)
SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site", envvar=SITE, metavar="DIR", help="The site's folder; here or ./site by default.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@dataclass(frozen=True, slots=True)
class Place:
    """A site's folder and where in it things are."""

    directory: Path
    socket: Path
    database: str
    zone: ZoneInfo
    check_in_at_most: float


def find(site: Path | None) -> Place:
    """Return the place of the site that was named, else of the one here or in ./site. A usage error when there is none."""
    directory = _directory(site)
    try:
        raw = _readable((directory / FILE).read_text(encoding="utf-8-sig", errors="replace"))
    except OSError:
        raw = {}
    return Place(
        directory=directory,
        socket=directory / _text(raw, "daemon", "socket", "var/control.sock"),
        database=_text(raw, "daemon", "database", "sqlite:///var/journal.db"),
        zone=_zone(_text(raw, "company", "time_zone", "UTC")),
        check_in_at_most=_number(raw, "waiting", "check_in_at_most", 90.0),
    )


def _directory(site: Path | None) -> Path:
    for candidate in [site] if site is not None else [Path(), Path("site")]:
        if (candidate / FILE).is_file():
            return candidate.absolute()
        if candidate.name == FILE and candidate.is_file():
            return candidate.parent.absolute()
    where = f"in {site}" if site is not None else "here or in ./site"
    raise typer.BadParameter(
        f"there is no {FILE} {where}: name the site's folder, or make one with `callhandler init DIR`",
        param_hint="--site",
    )


def _readable(text: str) -> dict[str, object]:
    """Return a site file's tables; of a file that is no TOML, those that are, and the lines that are of those that aren't."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        pieces = _TABLE.split(text)
    found: dict[str, object] = {}
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        table = found.setdefault(name, {})
        if isinstance(table, dict):
            for piece in [body] if _toml(body) else body.splitlines():
                table.update({**_toml(piece), **table})
    return found


def _toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _text(raw: dict[str, object], table: str, key: str, default: str) -> str:
    found = raw.get(table)
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else default


def _number(raw: dict[str, object], table: str, key: str, default: float) -> float:
    found = raw.get(table)
    value = found.get(key) if isinstance(found, dict) else None
    return float(value) if isinstance(value, int | float) else default


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return ZoneInfo("UTC")
