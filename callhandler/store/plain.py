"""Frozen dataclasses to plain JSON values and back, driven by their type hints. Knows neither facts nor the database.

Understood: str, int, float, bool, None, enums (by value), `T | None`, `tuple[T, ...]` and dataclasses of these.
"""

import math
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
T = TypeVar("T")


class Misfit(ValueError):
    """A plain value does not fit the type it should become."""


def plain(value: object) -> Plain:
    """Return a value as JSON can hold it. Numbers that JSON has no word for (infinity) become text.

    Raises:
        Misfit: for a type that is not understood.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise Misfit(f"{type(value).__name__} has no plain form")


def build(kind: type[T], values: dict[str, Plain]) -> T:
    """Make a dataclass of plain values. Fields that are missing take their defaults; unknown ones are left out.

    Raises:
        Misfit: when a needed field is missing or a value does not fit.
    """
    made: dict[str, object] = {}
    for name, reader, needed in _readers(kind):
        if name in values:
            made[name] = reader(values[name])
        elif needed:
            raise Misfit(f"{kind.__name__} without {name}")
    return kind(**made)


def understood(kind: type[object]) -> bool:
    """Tell whether every field of a dataclass can be read back."""
    try:
        _readers(kind)
    except Misfit:
        return False
    return True


Reader = Callable[[Plain], object]


_known: dict[type[object], tuple[tuple[str, Reader, bool], ...]] = {}


def _readers(kind: type[object]) -> tuple[tuple[str, Reader, bool], ...]:
    if kind not in _known:
        _known[kind] = _make_readers(kind)
    return _known[kind]


def _make_readers(kind: type[object]) -> tuple[tuple[str, Reader, bool], ...]:
    if not is_dataclass(kind):
        raise Misfit(f"{kind.__name__} is not a dataclass")
    hints = get_type_hints(kind)
    return tuple(
        (field.name, _reader(hints[field.name]), field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
        if field.init
    )


def _reader(hint: object) -> Reader:
    if get_origin(hint) in (Union, UnionType):
        return _first_fitting(tuple(_reader(part) for part in get_args(hint)))
    if get_origin(hint) is tuple and get_args(hint)[1:] == (...,):
        return _tuple_of(_reader(get_args(hint)[0]))
    if not isinstance(hint, type):
        raise Misfit(f"{hint} is not understood")
    if hint is float:
        return _number
    if hint in (str, int, bool, NoneType):
        return _exactly(hint)
    if issubclass(hint, Enum):
        return _member(hint)
    if is_dataclass(hint):
        _readers(hint)
        return _nested(hint)
    raise Misfit(f"{hint.__name__} is not understood")


def _first_fitting(readers: tuple[Reader, ...]) -> Reader:
    def read(value: Plain) -> object:
        for reader in readers:
            try:
                return reader(value)
            except Misfit:
                continue
        raise Misfit(f"{value!r} fits no part of the union")

    return read


def _tuple_of(reader: Reader) -> Reader:
    def read(value: Plain) -> object:
        if not isinstance(value, list):
            raise Misfit(f"{value!r} is not a list")
        return tuple(reader(item) for item in value)

    return read


def _exactly(kind: type[object]) -> Reader:
    def read(value: Plain) -> object:
        if type(value) is not kind:
            raise Misfit(f"{value!r} is not {kind.__name__}")
        return value

    return read


def _number(value: Plain) -> object:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    if value in ("inf", "-inf", "nan"):
        return float(str(value))
    raise Misfit(f"{value!r} is not a number")


def _member(kind: type[Enum]) -> Reader:
    def read(value: Plain) -> object:
        try:
            return kind(value)
        except ValueError as error:
            raise Misfit(str(error)) from error

    return read


def _nested(kind: type[object]) -> Reader:
    def read(value: Plain) -> object:
        if not isinstance(value, dict):
            raise Misfit(f"{value!r} is not a {kind.__name__}")
        return build(kind, value)

    return read
