"""On which line of a TOML text each key stands, which tomllib doesn't say.

Reads texts that tomllib has already accepted, so it need not tell right from wrong, only find its way: tables, dotted and
quoted keys, arrays of tables, inline tables, strings of all four kinds. Knows nothing of what the keys mean.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

KeyPath = tuple[str | int, ...]
"""Keys and, inside arrays, indexes from 0: `("queues", "sales", "steps", 0, "wants")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?""""{0,2}' + r"|'''.*?''''{0,2}" + r'|"(?:\\.|[^"\\])*"' + r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the keys of one file stand. `file` is the name that messages use."""

    file: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """Return the line, from 1, of the key, or of the nearest table around it when the key itself is missing."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def positions(text: str) -> dict[KeyPath, int]:
    """Return the line, from 1, on which each key path of a valid TOML text is written first; a table's header wins.

    Raises:
        RecursionError: arrays or inline tables nested too deep.
    """
    return _Scanner(text).document()


def written(path: KeyPath) -> str:
    """Return a key path as one would write it: `queues.sales.steps[0].wants`, with quotes where TOML needs them."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{_key(key)}" for key in path]
    return "".join(parts).removeprefix(".") or "the file"


def _key(key: str) -> str:
    if _BARE_KEY.fullmatch(key):
        return key if len(key) <= 60 else key[:57] + "..."
    shown = "".join(char if char.isprintable() and char != '"' else f"\\u{ord(char):04x}" for char in key[:61])
    return f'"{shown}"' if len(key) <= 60 else f'"{shown[:57]}..."'


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._at = 0
        self._starts = [0, *(found.end() for found in re.finditer("\n", self._text))]
        self._found: dict[KeyPath, int] = {(): 1}
        self._last: dict[KeyPath, int] = {}
        """The index of the last table of each array of tables."""

    def document(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._next():
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._found

    def _next(self) -> str:
        """Skip blanks and comments, and return the next character, or "" at the end."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return bisect_right(self._starts, self._at)

    def _header(self) -> KeyPath:
        line, array = self._line(), self._text.startswith("[[", self._at)
        self._at += 1 + array
        keys = self._keys("]")
        self._at += 1 + array
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._current((*path, key), line)
        path = (*path, keys[-1])
        if array:
            self._found.setdefault(path, line)
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
        self._found[path] = line
        return path

    def _current(self, path: KeyPath, line: int) -> KeyPath:
        """Return the table that a header's inner key means: of an array of tables, the last."""
        self._found.setdefault(path, line)
        return (*path, self._last[path]) if path in self._last else path

    def _keys(self, end: str) -> list[str]:
        start = self._at
        while self._text[self._at] != end:
            quoted = _TEXT.match(self._text, self._at) if self._text[self._at] in "\"'" else None
            self._at = quoted.end() if quoted else self._at + 1
        raw = self._text[start : self._at].strip()
        if _BARE_KEY.fullmatch(raw):
            return [raw]
        keys, inner = [], tomllib.loads(f"{raw} = 0")
        while isinstance(inner, dict):
            keys.append(next(iter(inner)))
            inner = inner[keys[-1]]
        return keys

    def _pair(self, table: KeyPath) -> None:
        line, path = self._line(), table
        for key in self._keys("="):
            path = (*path, key)
            self._found.setdefault(path, line)
        self._at += 1
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        first = self._next()
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline(path)
        else:
            found = (_TEXT if first in ("'", '"') else _SCALAR).match(self._text, self._at)
            self._at = found.end() if found else len(self._text)

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while self._next() != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._found[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1
        self._at += 1

    def _inline(self, path: KeyPath) -> None:
        self._at += 1
        while self._next() != "}":
            if self._text[self._at] == ",":
                self._at += 1
            else:
                self._pair(path)
        self._at += 1
