"""What pydantic refuses, said so that the operator can mend it. Never repeats a secret, or a table that may hold one."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from callhandler.site.findings import Problem, shown
from callhandler.site.positions import KeyPath
from callhandler.site.shape import field_at, is_secret, keys_at
from callhandler.site.values import LONG, MEANINGS, SHORT

_UNQUOTED = ", without quotes"
_WANTED = {
    "string_type": "text is wanted here, in quotes",
    "int_type": "a whole number is wanted here, without quotes",
    "int_from_float": "a whole number is wanted here",
    "float_type": "a number is wanted here, without quotes",
    "finite_number": "a number is wanted here, neither inf nor nan",
    "bool_type": "true or false is wanted here, without quotes",
    "list_type": "a list is wanted here, such as [1, 2]",
    "dict_type": "a table is wanted here",
    "model_type": "a table is wanted here",
    "path_type": "a path is wanted here, in quotes",
    "date_type": "a date is wanted here, such as 2030-12-24, without quotes",
    "date_from_datetime_inexact": "a date without a time is wanted here, such as 2030-12-24",
    "date_from_datetime_parsing": "a date is wanted here, such as 2030-12-24, without quotes",
    "date_parsing": "a date is wanted here, such as 2030-12-24, without quotes",
}
_NAMES: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
_LIMITS = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}


def problems(error: ValidationError) -> list[Problem]:
    """Return one problem for each of pydantic's errors."""
    return [_problem(details) for details in error.errors(include_url=False)]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what would be right instead of an unknown word: the nearest known one, or all that are known."""
    names = sorted(set(known))
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return (
        f"known here: {', '.join(names[:30])}{', ...' if len(names) > 30 else ''}" if names else "there are none here"
    )


def _path(details: ErrorDetails) -> KeyPath:
    """Return where in the file pydantic means, without the marks that it puts into the path."""
    loc = details["loc"]
    tagged = len(loc) > 4 and (loc[0], loc[2]) == ("menus", "keys") and loc[4] in (SHORT, LONG)
    return loc[:4] + loc[5:] if tagged else loc


def _problem(details: ErrorDetails) -> Problem:
    path, kind = _path(details), details["type"]
    if path and path[-1] == "[key]":
        what, right = _value(path[:-1], details)
        return Problem(path[:-1], f"{what.removesuffix(' is not allowed')} can't be a name here", right)
    if kind == "missing":
        field = field_at(path)
        about = f" = ...`: {field.description}" if field and field.description else "`"
        return Problem(path, "is missing", f"add `{path[-1]}{about}")
    if kind == "extra_forbidden":
        return Problem(path, "is no key known here", did_you_mean(str(path[-1]), keys_at(path[:-1])))
    return Problem(path, *_value(path, details))


def _value(path: KeyPath, details: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong with a value, and what would be right."""
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    value = "this value" if is_secret(path) or isinstance(given, dict | list) else shown(given)
    if kind in _WANTED:
        right = _WANTED[kind] if isinstance(given, str) else _WANTED[kind].removesuffix(_UNQUOTED)
        return f"is {_NAMES.get(type(given), 'a date or a time')}", right
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return f"{value} is not allowed", f"what is right: {MEANINGS.get(pattern, pattern)}"
    if kind == "enum":
        expected = [word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
        return f"{value} is not allowed", did_you_mean(str(given), expected)
    if limit := next((name for name in _LIMITS if name in context), None):
        return (
            f"{value} is out of range",
            f"{_LIMITS[limit].format(f'{context[limit]:.7g}')} is right{_other_end(path, limit)}",
        )
    if "min_length" in context:
        return "is too short", f"at least {context['min_length']} {_things(given)} are wanted"
    if "max_length" in context:
        return "is too long", f"at most {context['max_length']} {_things(given)} are allowed"
    return f"{value} is not allowed", details["msg"]


def _other_end(path: KeyPath, limit: str) -> str:
    """Return the other end of a number's range, where the field has one."""
    field = field_at(path)
    ends = [
        (name, getattr(mark, name))
        for mark in (field.metadata if field else [])
        for name in _LIMITS
        if name[0] != limit[0] and getattr(mark, name, None) is not None
    ]
    if not ends:
        return ""
    other, value = (min if limit[0] == "g" else max)(ends, key=lambda end: end[1])
    return f", and {_LIMITS[other].format(value)}"


def _things(given: object) -> str:
    return "characters" if isinstance(given, str) else "entries"
