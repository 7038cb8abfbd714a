"""What Asterisk's console prints, as values. Pure; every function gives None or nothing for text it doesn't know.

The layouts are those of main/manager.c, main/cli.c, res/res_musiconhold.c and res/res_pjsip/pjsip_configuration.c, seen on 22.10.
"""

import re
from pathlib import Path

_RUNNING = re.compile(r"^(\S+)\s+.*?\s\d+\s+Running\b", re.MULTILINE)
_CONTACT = re.compile(r"^\s*Contact:\s+([^/\s]+)/\S+\s+\S+\s+(\S+)", re.MULTILINE)


def version(text: str) -> str | None:
    """Return the version of `core show version`, such as `22.10.1+dfsg`."""
    found = re.search(r"^Asterisk (?:certified[/-])?(\S+)", text, re.MULTILINE)
    return found[1] if found else None


def uptime(text: str) -> float | None:
    """Return the seconds of `core show uptime seconds`."""
    found = re.search(r"System uptime:\s+(\d+)", text)
    return float(found[1]) if found else None


def modules(text: str) -> frozenset[str] | None:
    """Return the modules of `module show` that run, without their `.so`."""
    names = frozenset(name.removesuffix(".so") for name in _RUNNING.findall(text))
    return names or None


def fields(text: str) -> dict[str, str]:
    """Return the `Name: value` lines of a listing; the first of equal names counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip(": \t"))
    return found


def classes(text: str | None) -> frozenset[str] | None:
    """Return AMI's classes as a set; `<none>` is none of them."""
    if text is None:
        return None
    return frozenset(word.strip() for word in text.split(",") if word.strip() and word.strip() != "<none>")


def contacts(text: str) -> dict[str, str] | None:
    """Return the addresses of record of `pjsip show contacts` that have a contact, with its status."""
    if "Contact:" not in text and "No objects found" not in text:
        return None
    return {name: status for name, status in _CONTACT.findall(text) if not name.startswith("<")}


def music(text: str) -> dict[str, Path | None] | None:
    """Return the classes of `moh show classes` with their folders; None for one that plays something else than files."""
    found: dict[str, Path | None] = {}
    name = ""
    for line in text.splitlines():
        key, _, value = line.strip().partition(": ")
        if key == "Class":
            name = value.strip()
            found[name] = None
        elif key == "Directory" and name:
            found[name] = Path(value.strip())
    return None if not text or "No such command" in text else found
