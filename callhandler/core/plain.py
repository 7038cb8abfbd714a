"""Between the house's dataclasses and plain JSON values, both ways, for whoever sends them over a wire.

Enums go by value, tuples as lists. Knows nothing of any particular wire. Reading is strict: what does not fit is a
ValueError with the path to it, so that a foreign answer can't become a half-filled view.
"""

import types
import unicodedata
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
T = TypeVar("T")


def to_plain(value: object) -> Plain:
    """Return `value` (a dataclass, enum, mapping, sequence or scalar) as JSON values; TypeError for anything else."""
    match value:
        case Enum():
            return to_plain(value.value)
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [to_plain(item) for item in value]
        case set() | frozenset():
            return sorted((to_plain(item) for item in value), key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} has no plain form")


def from_plain(kind: type[T], plain: Plain) -> T:
    """Return `plain` as `kind` (a dataclass of enums, scalars, tuples, dicts and such); ValueError when it doesn't fit.

    Fields that `kind` doesn't have are passed over: a newer daemon may send more.
    """
    return cast("T", _read(kind, plain, kind.__name__))


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _read(kind: object, plain: Plain, path: str) -> object:
    origin, args = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        if plain is None and type(None) in args:
            return None
        return _read(next(arg for arg in args if arg is not type(None)), plain, path)
    if origin is tuple and isinstance(plain, list):
        return tuple(_read(args[0], item, f"{path}[{index}]") for index, item in enumerate(plain))
    if origin is dict and isinstance(plain, dict):
        return {name: _read(args[1], item, f"{path}.{name}") for name, item in plain.items()}
    if not isinstance(kind, type):
        raise ValueError(f"{path}: expected {kind}")
    if is_dataclass(kind) and isinstance(plain, dict):
        hints = _hints(kind)
        try:
            names = [f.name for f in fields(kind) if f.name in plain]
            return kind(**{name: _read(hints[name], plain[name], f"{path}.{name}") for name in names})
        except TypeError:
            raise ValueError(f"{path}: fields are missing") from None
    if issubclass(kind, Enum):
        return kind(plain)
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if isinstance(plain, kind) and (kind is bool) == isinstance(plain, bool):
        return plain
    raise ValueError(f"{path}: expected {kind.__name__}")


def printable(text: str, most: int = 200) -> str:
    """Return `text` harmless to a terminal and a log: control, format and line-breaking characters become escapes.

    Such characters would move the cursor, colour or reorder what is printed, or begin a line of their own. At most
    `most` characters are kept.
    """
    cut = text if len(text) <= most else text[: most - 1] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        else character
        for character in cut
    )
