"""Where a site's secrets have got to: all files, the journal's bytes, the arguments and environment of all programs are searched."""

import contextlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from callhandler.asterisk.agi_key import key_of

_MAY_HOLD = re.compile(r"callhandler\.toml|var/asterisk/(etc|attach)/.*|var/tls/[^/]+\.key|var/up\.out")
"""Where secrets belong: the site file, Asterisk's configuration (mode 0700), keys, and what `up` shows (phones' passwords)."""
_SPOKEN = "var/sounds/"
"""Prompts, spoken before the first call: sound, and a lot of it."""


def secrets_of(directory: Path) -> dict[str, str]:
    """Every secret of a site, by its place in the file; of a private key a line of its own file."""
    with (directory / "callhandler.toml").open("rb") as file:
        settings = tomllib.load(file)
    found = dict(_secrets("", settings))
    keys = {*(directory / "var" / "tls").glob("*.key")}
    if (own := settings.get("tls", {}).get("key")) is not None:
        keys.add(directory / own)
    found |= {f"the key {key.name}": _middle(key.read_text()) for key in keys}
    return found | {"the FastAGI key": key_of(found["asterisk.ami_secret"])}


def _middle(pem: str) -> str:
    lines = pem.split()
    return lines[len(lines) // 2]


def _secrets(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(f"{path}.{key}".lstrip("."), inner)
    elif isinstance(value, str) and re.search(r"(pin|password|secret)$", path):
        yield path, value


def leaks(directory: Path) -> list[str]:
    """Where a secret stands that should not: `which secret: file or process`."""
    found, secrets = [], secrets_of(directory)
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_file() and not _MAY_HOLD.fullmatch(name) and not name.startswith(_SPOKEN):
            with contextlib.suppress(FileNotFoundError):  # what runs removes some
                data = path.read_bytes()
                found += [f"{which}: {name}" for which, secret in secrets.items() if _in(secret, data)]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes()
            found += [f"{which}: process {path.parent.name}" for which, secret in secrets.items() if _in(secret, words)]
    for path in Path("/proc").glob("[0-9]*/environ"):  # full of numbers that mean something else
        with contextlib.suppress(OSError):
            words, long = path.read_bytes(), {which: one for which, one in secrets.items() if not one.isdigit()}
            where = f"what process {path.parent.name} was started with"
            found += [f"{which}: {where}" for which, secret in long.items() if _in(secret, words)]
    return found


def secrets_in(directory: Path, data: bytes) -> list[str]:
    """Which secrets of a site stand in what went out of it."""
    return [which for which, secret in secrets_of(directory).items() if _in(secret, data)]


def _in(secret: str, data: bytes) -> bool:
    """Whether a secret stands in `data`; one of digits alone only as a word of its own, not within a time or an id."""
    if secret.isdigit():
        return re.search(rb"(?<![\w.:-])" + secret.encode() + rb"(?!\w)", data) is not None
    return secret.encode() in data
