"""Reading the site file: a whole site, or all of its mistakes at once, each with file, line, key and what would be right."""

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from callhandler.errors import SiteError
from callhandler.site import checking
from callhandler.site.findings import Finding, Problem, Severity, SiteMistakes, found, shown
from callhandler.site.mistakes import problems as model_problems
from callhandler.site.models import Site
from callhandler.site.positions import KeyPath, Places, positions

FILE_NAME = "callhandler.toml"
_MOST_BYTES = 1_000_000
_MOST_FINDINGS = 200
_KEPT_BY_ENTRY = (
    "company",
    "asterisk",
    "queues",
    "menus",
    "agents",
    "phones",
    "prompts",
    "hours",
    "numbers",
    "trunks",
    "tiers",
)
"""Sections of which a mistake takes out only the entry it stands in, while the rest is checked as a whole."""
_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

_UNCLOSED = re.compile(r"illegal character '\\n'|unterminated string|expected \"'('')?\"")
"""What tomllib says of a text without an end: on its line, or at the end of the file."""

TomlTable = dict[str, object]


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """A site file that can be used: the `text` that was read, and the SHA-256 of its bytes, `digest`, in hexadecimal."""

    path: Path
    directory: Path
    text: str = field(repr=False, compare=False)
    digest: str
    site: Site
    places: Places = field(repr=False, compare=False)

    def inside(self, path: Path) -> Path:
        """Return a path of the site file as an absolute one: relative paths are the site's."""
        return self.directory / path


def load(path: Path) -> LoadedSite:
    """Read a site file; `path` is the file or the directory that holds `callhandler.toml`.

    Raises:
        SiteMistakes: a SiteError that lists every mistake, one a line: `file:line: key: what is wrong; what would be right`.
    """
    return loaded(*_read(path))


def loaded(path: Path, data: bytes) -> LoadedSite:
    """Return the site that the file `path` is when it holds `data`; nothing is read. Raises SiteMistakes likewise."""
    text = _decoded(path, data)
    raw = _parsed(path, text)
    places = Places(str(path), _positions(path, text))
    site = _site(raw, places)
    return LoadedSite(path, path.parent.resolve(), text, hashlib.sha256(data).hexdigest(), site, places)


def _read(path: Path) -> tuple[Path, bytes]:
    """Return the site file's path and what is in it."""
    try:
        path = path / FILE_NAME if path.is_dir() else path
        if not path.exists():
            raise SiteError(f"{path}: there is no site file here; `callhandler init DIR` makes a site")
        if not path.is_file():
            raise SiteError(f"{path}: this is no file; give a site's directory or its {FILE_NAME}")
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SiteError(
            f"{shown(str(path))} can't be read ({error.strerror}); it must belong to the user who runs callhandler"
        ) from None
    if len(data) > _MOST_BYTES:
        raise SiteError(f"{path}: is larger than {_MOST_BYTES} bytes; this is no site file")
    return path, data


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = f"is not UTF-8 (byte {data[error.start]:#04x})"
        raise _syntax(path, line, wrong, "save the file with UTF-8 encoding") from None


def _parsed(path: Path, text: str) -> TomlTable:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _syntax(path, 1, "is nested too deep", "a site file needs no more than six levels") from None
    except ValueError as error:
        message = str(error)
        place = _SYNTAX_PLACE.search(message)
        message = message[: place.start()] if place else message
        last = text.count("\n") + (not text.endswith("\n"))
        line = int(place[1]) if place and place[1] else last if place else 1
        column = f" at column {place[2]}" if place and place[2] else " at the end of the file" if place else ""
        wrong = _UNCLOSED.sub("a quote is opened and not closed", message[:1].lower() + message[1:200])
        raise _syntax(
            path, line, f"not valid TOML{column}: {wrong}", "mend this place first; the rest is checked after it"
        ) from None


def _positions(path: Path, text: str) -> dict[KeyPath, int]:
    try:
        return positions(text)
    except RecursionError:
        raise _syntax(path, 1, "is nested too deep", "a site file needs no more than six levels") from None


def _syntax(path: Path, line: int, sentence: str, remedy: str) -> SiteMistakes:
    return SiteMistakes([Finding(Severity.ERROR, str(path), line, "the file", sentence, remedy)])


def _site(raw: TomlTable, places: Places) -> Site:
    """Return the site, or raise every mistake: of single values, and of what was good enough to be seen as a whole."""
    problems: list[Problem] = []
    whole: Site | None
    try:
        whole = Site.model_validate(raw)
    except ValidationError as error:
        problems = model_problems(error)
        whole = _without(raw, [problem.path for problem in problems])
    if whole is not None:
        problems += checking.problems(whole, _declared(raw))
    if not problems and whole is not None:
        return whole
    findings = [found(Severity.ERROR, problem, places) for problem in problems]
    raise SiteMistakes(_few(findings, places))


def _few(findings: list[Finding], places: Places) -> list[Finding]:
    if len(findings) <= _MOST_FINDINGS:
        return findings
    rest = f"and {len(findings) - _MOST_FINDINGS} more mistakes"
    return [
        *sorted(findings, key=lambda finding: finding.line)[:_MOST_FINDINGS],
        Finding(Severity.ERROR, places.file, max(places.lines.values()), "the file", rest, "mend those above first"),
    ]


def _declared(raw: TomlTable) -> checking.Declared:
    """Return the names each section defines, and those of the sections, whether or not their tables are good."""
    sections = ("queues", "menus", "agents", "phones", "prompts", "hours", "trunks")
    tables = {name: raw.get(name) for name in sections}
    company = raw.get("company")
    tables["languages"] = company.get("languages", {"en": ""}) if isinstance(company, dict) else {"en": ""}
    names = {name: frozenset(table) if isinstance(table, dict) else frozenset() for name, table in tables.items()}
    return names | {"tables": frozenset(raw)}


def _without(raw: TomlTable, wrong: list[KeyPath]) -> Site | None:
    """Return a site from what is left without the wrong places, so that the rest can be checked in the same go."""
    tables: dict[str, TomlTable] = {name: dict(table) for name, table in raw.items() if isinstance(table, dict)}
    for section, *inner in wrong:
        if inner and section in _KEPT_BY_ENTRY:
            tables.get(str(section), {}).pop(str(inner[0]), None)
        else:
            tables.pop(str(section), None)
    rest = {**tables, **{name: {**needed, **tables.get(name, {})} for name, needed in _PLACEHOLDERS.items()}}
    try:
        return Site.model_validate(rest)
    except ValidationError:
        return None


_PLACEHOLDERS: dict[str, dict[str, object]] = {
    "company": {"name": "?", "operator": "directory"},
    "asterisk": {"ami_secret": "a placeholder"},
}
"""What stands in for required values that are missing or wrong, so that everything else can be checked."""
