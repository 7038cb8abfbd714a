"""The dialplan as text: read from a file as pbx_config reads it, and from the console's `dialplan show`; and how they differ.

Pure. Understands what dialplans/callhandler.conf.j2 is written in, not all of Asterisk's dialplan language.
"""

import re
from collections.abc import Iterable

Plan = dict[tuple[str, str], tuple[str, ...]]
"""(context, extension) -> what it does, priority by priority, as `Application(data)`."""

_SECTION = re.compile(r"\[([^\]]+)\]")
_STEP = re.compile(r"(?:exten\s*=>?\s*([^,]+)|same\s*=>?\s*)\s*,?\s*(\d+|n)(?:\([^)]*\))?\s*,\s*(.+)")
_SHOWN_CONTEXT = re.compile(r"\[ Context '([^']+)' created by '[^']*' \]")
_SHOWN_STEP = re.compile(r"\s+(?:'([^']+)' =>)?\s*(?:\[[^\]]*\]\s+)?(\d+)\. (.+?)\s+\[([^\]]+)\]$")
_MOST = 200
"""Characters of a step that are compared: the console cuts very long ones short."""


def written(text: str, prefix: str = "callhandler-") -> Plan:
    """Return the contexts of a rendered file whose names begin with `prefix`."""
    steps: dict[tuple[str, str], list[str]] = {}
    context = extension = ""
    for raw in text.splitlines():
        line = _without_comment(raw).strip()
        if section := _SECTION.match(line):
            context = section[1]
        elif (step := _STEP.fullmatch(line)) and context.startswith(prefix):
            extension = (step[1] or extension).strip()
            steps.setdefault((context, extension), []).append(_told(step[3]))
    return {place: tuple(found) for place, found in steps.items()}


def shown(text: str, files: Iterable[str]) -> Plan:
    """Return what `dialplan show` prints, but only of `files`: an operator may add extensions of their own to any context."""
    names = frozenset(files)
    steps: dict[tuple[str, str], list[str]] = {}
    context = extension = ""
    for line in text.splitlines():
        if found := _SHOWN_CONTEXT.search(line):
            context = found[1]
        elif step := _SHOWN_STEP.match(line):
            extension = step[1] or extension
            if step[4].rpartition(":")[0] in names:
                steps.setdefault((context, extension), []).append(_told(step[3]))
    return {place: tuple(found) for place, found in steps.items()}


def differences(wanted: Plan, loaded: Plan) -> list[str]:
    """Return where the two differ, one short text each, `context,extension` first."""
    found = []
    for place in sorted(wanted.keys() | loaded.keys()):
        name = ",".join(place)
        if place not in loaded:
            found.append(f"{name} is not loaded")
        elif place not in wanted:
            found.append(f"{name} is loaded and should not be")
        elif wanted[place] != loaded[place]:
            pairs = zip(wanted[place], loaded[place], strict=False)
            first = next((at for at, (one, other) in enumerate(pairs, 1) if one != other), None)
            at = min(len(wanted[place]), len(loaded[place])) + 1 if first is None else first
            found.append(f"{name},{at} differs")
    return found


def _told(step: str) -> str:
    """Return a step as both sides print it; an application without parentheses is one with nothing in them."""
    step = step.strip()
    return (step if step.endswith(")") else f"{step}()")[:_MOST]


def _without_comment(line: str) -> str:
    """Return a line up to the first `;` that no backslash precedes (main/config.c)."""
    cut = re.search(r"(?<!\\);", line)
    return line[: cut.start()].replace("\\;", ";") if cut else line.replace("\\;", ";")
