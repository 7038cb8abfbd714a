"""A fact as a row of the journal, and back to the very same dataclass. Pure; knows no database.

The columns are those of `core.events.COLUMNS`; everything else is JSON text in `details`. A text that a database can't hold as
it is (NUL, half a surrogate pair) is made harmless in its column and kept whole in the JSON, which wins when read.
Rows of an unknown kind or a newer version stay as they are: readers skip them, nobody rewrites them.
"""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from operator import attrgetter
from types import NoneType
from typing import NamedTuple, get_args, get_type_hints

from callhandler.core.events import COLUMNS, FACTS, Fact
from callhandler.core.plain import Plain, from_plain

_MOST_MS = 2**53


class Row(NamedTuple):
    """One row of table `fact`, in the order of its columns. `at` is in UTC milliseconds; `seq` is 0 until written."""

    seq: int
    at: int
    kind: str
    version: int
    node: str
    call: str | None
    leg: str | None
    agent: str | None
    queue: str | None
    reason: str | None
    details: str


def milliseconds(at: float) -> int:
    """Return a time in seconds since the epoch as the journal keeps it."""
    return max(-_MOST_MS, min(_MOST_MS, round(at * 1000)))


class _Form(NamedTuple):
    """What gets each column of a kind of fact, and everything else of it by its name."""

    columns: tuple[Callable[[Fact], str | None], ...]
    details: tuple[tuple[str, Callable[[Fact], object]], ...]


def _nothing(_: Fact) -> None:
    return None


def _form_of(kind: type[Fact]) -> _Form:
    own = [field.name for field in fields(kind) if field.name != "at"]
    return _Form(
        tuple(attrgetter(name) if name in own else _nothing for name in COLUMNS),
        tuple((name, attrgetter(name)) for name in own if name not in COLUMNS),
    )


_forms = {kind: _form_of(kind) for kind in FACTS.values()}


def encode(fact: Fact, node: str, seq: int = 0) -> Row:
    """Return the row of a fact that was seen on `node`.

    A fact that no row can hold whole (a time that is no number, a type nobody foresaw) becomes a row of version 0 that says what it was.
    """
    kind = type(fact)
    form = _forms[kind]
    columns: list[str | None] = [get(fact) for get in form.columns]
    details = {name: get(fact) for name, get in form.details}
    for place, whole in enumerate(columns):
        if whole is not None and not (type(whole) is str and whole.isascii() and "\0" not in whole):
            columns[place] = harmless(str(whole))
            if columns[place] != whole:
                details[COLUMNS[place]] = whole
    try:
        at, version, text = milliseconds(fact.at), fact.version, json_text(details)
    except (TypeError, ValueError, OverflowError, RecursionError):
        at, version, text = 0, 0, json_text({"unreadable": repr(fact)[:2_000]})
    call, leg, agent, queue, reason = columns
    return Row(seq, at, kind.__name__, version, node, call, leg, agent, queue, reason, text)


def decode(row: Row) -> Fact | None:
    """Return the fact of a row, or None for one that this version can't read: an unknown kind, a newer version, odd fields."""
    kind = FACTS.get(row.kind)
    if kind is None or not 0 < row.version <= kind.version:
        return None
    try:
        details = json.loads(row.details)
        if not isinstance(details, dict):
            return None
        columns: dict[str, Plain] = {"at": row.at / 1000} | dict(zip(COLUMNS, row[5:10], strict=True))
        readers = _readers_of(kind)
        if readers is None:
            return from_plain(kind, columns | details)
        values = columns | details
        return _make(kind, {name: read(values[name]) for name, read in readers if name in values})
    except (ValueError, TypeError, RecursionError):
        return None


def _make(kind: Callable[..., Fact], values: dict[str, object]) -> Fact:
    return kind(**values)


Readers = tuple[tuple[str, Callable[[Plain], object]], ...]
_known: dict[type[Fact], Readers | None] = {}


def _readers_of(kind: type[Fact]) -> Readers | None:
    """Return what reads each field of a flat kind, None for a kind with anything nested in it.

    Does what `from_plain` does in a quarter of the time: a day's figures are read from some ten thousand facts.
    """
    if kind not in _known:
        hints = get_type_hints(kind)
        found = [(field.name, _reader(hints[field.name])) for field in fields(kind)]
        flat = tuple((name, reader) for name, reader in found if reader is not None)
        _known[kind] = flat if len(flat) == len(found) else None
    return _known[kind]


def _reader(hint: object) -> Callable[[Plain], object] | None:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    kinds = get_args(hint) or (hint,)
    if not set(kinds) <= {str, int, float, bool, NoneType}:
        return None

    def read(value: Plain) -> object:
        if type(value) in kinds:
            return value
        if float in kinds and type(value) is int:
            return float(value)
        raise ValueError(f"{value!r} does not fit")

    return read


def harmless(text: str) -> str:
    """Return a text as every database can hold it: without NUL and without halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


_names: dict[type, tuple[str, ...]] = {}


def _fields(value: object) -> dict[str, object]:
    """Take a dataclass within a record apart, as `to_plain` does, in a fifth of the time."""
    kind = type(value)
    if kind not in _names:
        if not is_dataclass(kind):
            raise TypeError(f"{kind.__name__} has no plain form")
        _names[kind] = tuple(field.name for field in fields(kind))
    return {name: getattr(value, name) for name in _names[kind]}


_AS_IT_IS = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False, default=_fields
).encode
_ESCAPED = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False, default=_fields).encode


def json_text(value: object) -> str:
    """Return scalars, lists, mappings and dataclasses as JSON that every database can hold, the characters as they are where possible.

    Raises:
        TypeError: for anything else.
        ValueError: for a number that is none.
    """
    text = _AS_IT_IS(value)
    return text if text.isascii() or harmless(text) == text else _ESCAPED(value)
