"""Skill expressions: what a call wants of an agent, such as `billing >= 3 and (spanish or italian >= 2)`.

A bare skill means "has it at any level". A missing skill is not zero: any comparison with it is undefined, and undefined is
false even under `not`'s place in other systems; there is no `not` here, so an expression can only ask for more.
`and` binds tighter than `or`. Parsed once; equal texts after normalising are equal expressions.

Semantics after Wazo's skill rules (missing is undefined, constants on the right only).
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

Levels = Mapping[str, int]

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]{1,9})|(?P<operator>>=|<=|==|!=|>|<|=)|(?P<paren>[()]))"
)
_MOST_LENGTH = 1_000
_MOST_DEPTH = 20


class SkillSyntaxError(ValueError):
    """A skill expression that can't be read; `str()` shows it with a caret under the place."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        """Take the expression's text, the place in it (0 is the first character) and what is wrong there."""
        super().__init__(f"{problem}\n  {text}\n  {' ' * position}^")
        self.text = text
        self.position = position
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Want:
    """One skill compared with a level."""

    skill: str
    operator: str = ">="
    level: int = 1

    def matches(self, levels: Levels) -> bool:
        """Tell whether somebody with these levels has what is wanted; a missing skill never has."""
        have = levels.get(self.skill)
        return have is not None and self.takes(have)

    def takes(self, level: int) -> bool:
        """Tell whether somebody at this level of the skill has what is wanted."""
        return _COMPARE[self.operator](level, self.level)

    def __str__(self) -> str:
        """Return the shortest text that reads back as this."""
        return self.skill if (self.operator, self.level) == (">=", 1) else f"{self.skill} {self.operator} {self.level}"


@dataclass(frozen=True, slots=True)
class All:
    """Every part must match; no parts match anyone."""

    parts: tuple["Node", ...] = ()

    def matches(self, levels: Levels) -> bool:
        """Tell whether all parts match."""
        return all(part.matches(levels) for part in self.parts)

    def __str__(self) -> str:
        """Return the text, with parentheses where `or` is inside."""
        return " and ".join(f"({part})" if isinstance(part, Any_) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - `Any` is taken by typing, and a reader would take it for that
    """At least one part must match."""

    parts: tuple["Node", ...]

    def matches(self, levels: Levels) -> bool:
        """Tell whether one of the parts matches."""
        return any(part.matches(levels) for part in self.parts)

    def __str__(self) -> str:
        """Return the text."""
        return " or ".join(str(part) for part in self.parts)


Node = Want | All | Any_


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed skill expression. `text` is normalised; the empty text wants nothing and matches anyone."""

    text: str
    node: Node

    def matches(self, levels: Levels) -> bool:
        """Tell whether somebody with these levels qualifies."""
        return self.node.matches(levels)

    def skills(self) -> frozenset[str]:
        """Return every skill named."""
        return frozenset(_skills(self.node))

    def score(self, levels: Levels) -> int:
        """Return how skilled somebody is for this: the sum of the levels of the skills named."""
        return sum(levels.get(skill, 0) for skill in self.skills())

    def __str__(self) -> str:
        """Return the normalised text."""
        return self.text


ANYONE = Expression("", All())


def both(first: Expression, second: Expression) -> Expression:
    """Return the expression that wants what both want."""
    if not first.text:
        return second
    more = [part for part in _conjuncts(second.node) if part not in _conjuncts(first.node)]
    if not more:
        return first
    node = All((*_conjuncts(first.node), *more))
    return Expression(str(node), node)


@lru_cache(maxsize=4_096)
def parse(text: str) -> Expression:
    """Read a skill expression.

    Args:
        text: such as `billing >= 3 and (spanish or italian >= 2)`; empty or blank wants nothing.

    Raises:
        SkillSyntaxError: with a caret under the place.
    """
    if len(text) > _MOST_LENGTH:
        raise SkillSyntaxError(
            text[:40] + "...", 0, f"a skill expression has at most {_MOST_LENGTH} characters, this one {len(text)}"
        )
    if not text.strip():
        return ANYONE
    node = _Parser(text).whole()
    return Expression(str(node), node)


def _conjuncts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, All) else (node,)


def _alternatives_of(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Any_) else (node,)


def _skills(node: Node) -> set[str]:
    if isinstance(node, Want):
        return {node.skill}
    return set().union(*(_skills(part) for part in node.parts))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


class _Parser:
    """Recursive descent: alternatives of conjunctions of wants."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._alternatives()
        token = self._peek()
        if token.kind != "end":
            raise self._error(token, "expected `and`, `or` or the end here")
        return node

    def _scan(self) -> list[_Token]:
        tokens, position = [], 0
        stripped = self._text.rstrip()
        while position < len(stripped):
            found = _TOKEN.match(stripped, position)
            if found is None:
                start = position + len(stripped[position:]) - len(stripped[position:].lstrip())
                raise SkillSyntaxError(self._text, start, f"{stripped[start]!r} has no meaning here")
            kind = found.lastgroup or ""
            tokens.append(_Token(kind, found[kind], found.start(kind)))
            position = found.end()
        return [*tokens, _Token("end", "", len(stripped))]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _error(self, token: _Token, problem: str) -> SkillSyntaxError:
        return SkillSyntaxError(self._text, token.position, problem)

    def _alternatives(self) -> Node:
        parts = [self._conjunction()]
        while self._peek().text == "or":
            self._take()
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Any_(tuple(inner for part in parts for inner in _alternatives_of(part)))

    def _conjunction(self) -> Node:
        parts = [self._term()]
        while self._peek().text == "and":
            self._take()
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else All(tuple(inner for part in parts for inner in _conjuncts(part)))

    def _term(self) -> Node:
        token = self._take()
        if token.text == "(":
            return self._parenthesis(token)
        if token.kind != "word" or token.text in ("and", "or"):
            raise self._error(token, "expected a skill here")
        if token.text != token.text.lower():
            raise self._error(token, f"skills are written in small letters: {token.text.lower()}")
        if self._peek().kind != "operator":
            return Want(token.text)
        return self._comparison(token)

    def _parenthesis(self, opening: _Token) -> Node:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._error(opening, f"parentheses go at most {_MOST_DEPTH} deep")
        node = self._alternatives()
        if self._take().text != ")":
            raise self._error(opening, "this parenthesis is never closed")
        self._depth -= 1
        return node

    def _comparison(self, skill: _Token) -> Node:
        comparison = self._take()
        if comparison.text not in _COMPARE:
            raise self._error(comparison, "compare with >=, >, <=, <, == or !=")
        number = self._take()
        if number.kind != "number":
            raise self._error(number, "expected a level from 1 to 10 here")
        if not 1 <= int(number.text) <= 10:
            raise self._error(number, f"levels go from 1 to 10, not {number.text}")
        return Want(skill.text, comparison.text, int(number.text))
