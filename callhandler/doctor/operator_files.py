"""An operator's own Asterisk configuration, read with pyst2's parser: is ours included, and who else may log in on AMI?

pyst2 0.5.1's parser stops at `#include`, at templates (`[name](!)`) and at `;--` comments, and opens files in the locale's encoding;
lines are made ready for it here. Only reads, follows includes a few levels, and never keeps a secret.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from callhandler.doctor.seen import OperatorSeen

_INCLUDE = re.compile(r'#(?:try)?include\s+[<"]?([^>"\s]+)[>"]?')
_HEADER = re.compile(r"(\[[^\]]+\])\s*\([^)]*\)")
_DEEPEST = 6
_MOST_BYTES = 2_000_000
_ANYWHERE = "0.0.0.0"  # noqa: S104 - compared, not listened on


class _Item(Protocol):
    name: str
    value: str


class _Category(Protocol):
    name: str
    items: list[_Item]


@dataclass(slots=True)
class Conf:
    """One configuration with all it includes: section -> (option, value) in order, and the names of the files included."""

    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    included: set[str] = field(default_factory=set)
    current: str = ""
    """The section that lines without one of their own belong to; it goes on into an include, and out of it."""

    def last(self, section: str, option: str) -> str | None:
        """Return an option's value; the last one counts."""
        return next((value for name, value in reversed(self.sections.get(section, [])) if name == option), None)


def look(
    folder: Path, user: str, files: tuple[str, ...] = ("manager.conf", "extensions.conf", "musiconhold.conf")
) -> OperatorSeen:
    """Return what the configuration in `folder` says about us and about other AMI users."""
    try:
        confs = {name: read(folder, name) for name in files if (folder / name).exists()}
    except OSError:
        return OperatorSeen(folder=folder, readable=False)
    if "manager.conf" not in confs:
        return OperatorSeen(folder=folder, readable=False)
    manager = confs["manager.conf"]
    timeout = manager.last(user, "writetimeout")
    bindaddr = manager.last("general", "bindaddr") or _ANYWHERE
    others = [name for name in manager.sections if name not in {"general", user}]
    return OperatorSeen(
        folder=folder,
        includes=frozenset(name for conf in confs.values() for name in conf.included),
        readable_by_others=tuple(
            sorted(path.name for path in folder.glob("callhandler_*.conf") if path.stat().st_mode & 0o004)
        ),
        open_users=tuple(name for name in others if _is_open(manager.sections[name])),
        bindaddr=bindaddr,
        writetimeout=int(timeout) if timeout is not None and timeout.isdecimal() else None,
    )


def read(folder: Path, name: str) -> Conf:
    """Read a configuration file with all it includes. Raises OSError for the first file that may not be read."""
    conf = Conf()
    for section, option, value in _walk(folder, folder / name, conf, 0):
        options = conf.sections.setdefault(section, [])
        if option:
            options.append((option, value))
    return conf


def parse(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (section, option, value) of lines without includes; option is empty at a section's beginning."""
    from asterisk.config import Config, ParseError  # noqa: PLC0415 - nothing else needs it

    config = Config.__new__(Config)
    config.lines, config.categories, config.raw_lines = [], [], list(_prepared(lines))
    try:
        config.parse()
    except ParseError:
        return
    categories: list[_Category] = config.categories
    for category in categories:
        yield category.name, "", ""
        for item in category.items:
            yield category.name, item.name.rstrip("+ ").lower(), item.value.strip()


def _walk(folder: Path, path: Path, conf: Conf, depth: int) -> Iterator[tuple[str, str, str]]:
    """Yield what a file says, its includes where they stand; a section goes on through an include."""
    pending: list[str] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = file.read(_MOST_BYTES).splitlines()
    for line in [*lines, "#include"]:
        if not line.lstrip().startswith("#"):
            pending.append(line)
            continue
        for found in parse([f"[{conf.current}]", *pending] if conf.current else pending):
            conf.current = found[0]
            yield found
        pending = []
        target = _INCLUDE.match(line.strip())
        if target and depth < _DEEPEST:
            for inner in sorted(folder.glob(target[1])) if not target[1].startswith("/") else [Path(target[1])]:
                conf.included.add(inner.name)
                if inner.is_file():
                    yield from _walk(folder, inner, conf, depth + 1)


def _prepared(lines: list[str]) -> Iterator[str]:
    """Yield lines as pyst2 takes them: without comments, template marks, and anything that is no `name = value`."""
    commented = False
    for raw in lines:
        line = raw.strip()
        if line.startswith(";--") or commented:
            commented = "--;" not in line
        else:
            line = _HEADER.sub(r"\1", re.split(r"(?<!\\);", line)[0].strip())
            if re.fullmatch(r"\[[^\]]+\]", line) or re.match(r"[^=\s][^=]*=", line):
                yield line


def _is_open(options: list[tuple[str, str]]) -> bool:
    """Tell whether an AMI user may log in from anywhere: a secret, and neither a named ACL nor a `deny` of all."""
    names = {name for name, _ in options}
    if not names & {"secret", "password"} or "acl" in names:
        return False
    denied = any(name == "deny" and value.startswith(_ANYWHERE) for name, value in options)
    permitted = any(name == "permit" and value.startswith(_ANYWHERE) for name, value in options)
    return permitted or not denied
