"""What a check says: one sentence, how bad it is, and the command or edit that mends it. Knows nothing of what is checked."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing is. `unknown`: it could not be seen from here, which is no trouble by itself."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check's result. `remedy` is empty only where nothing needs mending."""

    check: str
    state: State
    sentence: str
    remedy: str = ""


def ok(check: str, sentence: str) -> Verdict:
    """Return that all is well."""
    return Verdict(check, State.OK, sentence)


def warning(check: str, sentence: str, remedy: str) -> Verdict:
    """Return that something should be mended, though calls come through."""
    return Verdict(check, State.WARNING, sentence, remedy)


def error(check: str, sentence: str, remedy: str) -> Verdict:
    """Return that something must be mended."""
    return Verdict(check, State.ERROR, sentence, remedy)


def unknown(check: str, sentence: str, remedy: str = "") -> Verdict:
    """Return that it could not be seen, and what to do to see it."""
    return Verdict(check, State.UNKNOWN, sentence, remedy)


def some(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Return names for a sentence: the first few, and how many more."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
