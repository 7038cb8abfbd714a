"""The site file's reference: JSON Schema, and docs/configuration.md, both from the models, so that neither can be wrong.

`python -m callhandler.site.schema` prints the JSON Schema; with `--markdown` the document.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from callhandler.site.models import Site
from callhandler.site.shape import alternatives, fields, tables
from callhandler.site.values import DESTINATION_PATTERN, ID_PATTERN, LINE_PATTERN, MEANINGS, SKILL_PATTERN, Table

_WORDS: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    date: "date",
    SecretStr: "secret text",
}
_ENTRIES = {
    "trunks": "TRUNK",
    "phones": "EXTENSION",
    "agents": "AGENT",
    "queues": "QUEUE",
    "tiers": "TIER",
    "menus": "MENU",
    "hours": "HOURS",
    "numbers": "NUMBER",
    "prompts": "PROMPT",
}
_HEAD = """# The site file

<!-- Generated from the models by `python -m callhandler.site.schema --markdown`. Do not edit. -->

One file, `callhandler.toml`, describes a whole telephone system. `callhandler init DIR` writes one to begin with,
`callhandler check` finds every mistake in it, `callhandler reload` puts a changed one without errors to work without losing a call, and
`callhandler config schema` prints this reference as JSON Schema for editors.

- The format is [TOML](https://toml.io). Times are in seconds. Relative paths are the site's.
- Unknown keys are refused, so that a slip of the pen can't silently change how calls go.
- A *destination* is where a call goes: `queue:ID`, `menu:ID`, `agent:ID`, `phone:ID`, `say:PROMPT` (say it, then hang up),
  `message:QUEUE` (leave one for its agents), `callback:QUEUE` (be called back by them; neither `company.operator` nor what a queue names
  can lead there), `outside:NUMBER` (dialled over the trunk of `[callbacks]`, under its rules), `operator` (what `company.operator` names),
  `extension` (dial by extension), `directory` (agents read out) or `hangup`.
- An *id* has letters, digits, `-` and `_`, at most 32, and begins with a letter or digit. Text on one line has no control
  characters.
- A *skill* is a word of small letters, digits and `_`, such as `english`. Skills are wanted by expressions over levels:
  `billing >= 3 and (spanish or italian >= 2)`. A bare skill means any level; a missing skill is not zero: it never qualifies.
- The file holds secrets and has mode 0600.
"""


def json_schema() -> str:
    """Return the JSON Schema of the site file, as JSON."""
    schema = Site.model_json_schema(by_alias=True)
    return json.dumps(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2, ensure_ascii=False
    )


def markdown() -> str:
    """Return docs/configuration.md."""
    return "\n".join((_HEAD, *_sections())).rstrip() + "\n"


def _sections() -> Iterator[str]:
    for name, field in fields(Site).items():
        table = next(kind for kind in _nested(field.annotation))
        title = f"{name}.{_ENTRIES[name]}" if name in _ENTRIES else name
        yield f"## `[{title}]`\n"
        optional = "" if field.is_required() or name in _ENTRIES else " May be left out."
        yield f"{_about(table)}{optional}\n"
        yield from _rows(table)
        yield from _inner(title, table)


def _inner(path: str, table: type[Table]) -> Iterator[str]:
    """Yield the tables inside a table, such as a queue's steps."""
    for name, field in fields(table).items():
        for inner in _nested(field.annotation):
            yield f"### Within `{path}`: `{name}`\n"
            yield f"{_about(inner)}\n"
            yield from _rows(inner)


def _rows(table: type[Table]) -> Iterator[str]:
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    for name, field in fields(table).items():
        yield f"| `{name}` | {_cell(_kind(field.annotation, field.metadata))} | {_default(field)} | {_cell(field.description or '')} |"
    yield ""


def _about(table: type[Table]) -> str:
    return " ".join((table.__doc__ or "").split())


def _nested(annotation: object) -> Iterator[type[Table]]:
    """Yield the tables that stand in a value: itself, in a list, or under keys."""
    for kind in alternatives(annotation):
        yield from tables(kind)
        for inner in get_args(kind)[-1:]:
            yield from _nested(inner)


def _kind(annotation: object, marks: Sequence[object]) -> str:
    """Return in words what a value is: its type, then what is more particular about it."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _kind(inner, [*more, *marks])
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_kind(inner, marks) for inner in get_args(annotation) if inner is not NoneType)
    flat = [each for mark in marks for each in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]
    meaning = next((_MEANT[pattern] for mark in flat if (pattern := getattr(mark, "pattern", None)) in _MEANT), None)
    return f"{meaning or _word(annotation)}{_limits(flat)}"


_MEANT = {
    **MEANINGS,
    DESTINATION_PATTERN: "a destination",
    ID_PATTERN: "an id",
    LINE_PATTERN: "text on one line",
    SKILL_PATTERN: "a skill",
}
"""Meanings that the document's head explains once get a short name."""


def _word(kind: object) -> str:
    match get_origin(kind), get_args(kind):
        case type() as origin, (inner,) if origin is list:
            return f"list: {_kind(inner, [])}"
        case type() as origin, (key, inner) if origin is dict:
            return f"table: {_kind(key, [])} = {_kind(inner, [])}"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(f"`{value.value}`" for value in kind)
    if isinstance(kind, type) and issubclass(kind, Table):
        return "table, see below"
    return _WORDS[kind]


def _limits(marks: list[object]) -> str:
    """Return the tightest of all limits on a number or a length, such as `, 3 to 120`."""
    limits = {
        name: [getattr(mark, name) for mark in marks if getattr(mark, name, None) is not None] for name in _BOUNDS
    }
    above = f", more than {max(limits['gt']):g}" if limits["gt"] else ""
    low = "" if above or not limits["ge"] else f"{max(limits['ge']):g}"
    words = above + _range(low, f"{min(limits['le']):.7g}" if limits["le"] else "")
    shortest = f"{max(limits['min_length'])}" if limits["min_length"] else ""
    length = _range(shortest, f"{min(limits['max_length'])}" if limits["max_length"] else "")
    return words + (f"{length} long" if length else "")


_BOUNDS = ("ge", "gt", "le", "min_length", "max_length")


def _range(low: str, high: str) -> str:
    if low and high:
        return f", {low} to {high}"
    return f", at least {low}" if low else f", at most {high}" if high else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ({}, []):
        return "none"
    if isinstance(value, list) and isinstance(value[0], Table):
        return "one, with its defaults"
    plain = value.value if isinstance(value, StrEnum) else str(value) if isinstance(value, Path) else value
    return _cell(f"`{json.dumps(plain, ensure_ascii=False)}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(markdown() if sys.argv[1:] == ["--markdown"] else json_schema() + "\n")
