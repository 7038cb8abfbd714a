"""Making a new site: the example site file with secrets and ports of its own, and the folders it lives in.

`InitResult` is what programs that place calls need to know (`callhandler init --json`). Knows nothing of Asterisk.
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callhandler.errors import Refused
from callhandler.site.loading import FILE_NAME, LoadedSite, load

_DEFAULT_BASE_PORT = 5060
_LOWEST_BASE_PORT, _HIGHEST_BASE_PORT = 1024, 65_535 - 899
_COMPANY = "Example Company"
_FOLDERS = ("prompts", "var", "var/log", "var/sounds")


class BadBasePort(Refused):
    """Ports can't be counted from there."""


@dataclass(frozen=True, slots=True)
class InitResult:
    """A new site; `loaded` is its file, read back and found good."""

    loaded: LoadedSite
    base_port: int


def init(
    directory: Path,
    base_port: int | None = None,
    company: str | None = None,
    time_zone: str | None = None,
) -> InitResult:
    """Write a new site into `directory`, which is made when it isn't there.

    Ports are counted from `base_port` (5060 by default): SIP itself, AMI + 1, FastAGI + 2, the trunk's far end + 3, TLS + 4,
    audio + 100 to + 899. `time_zone` is this machine's by default.

    Raises:
        Refused: there is a site already, or the directory can't be written.
        BadBasePort: the ports don't fit.
        SiteError: the company's name or the time zone can't be used.
    """
    base = _DEFAULT_BASE_PORT if base_port is None else base_port
    if not _LOWEST_BASE_PORT <= base <= _HIGHEST_BASE_PORT:
        raise BadBasePort(f"the base port must lie between {_LOWEST_BASE_PORT} and {_HIGHEST_BASE_PORT}, not at {base}")
    path = directory / FILE_NAME
    text = example(base, _COMPANY if company is None else company, time_zone or _machine_time_zone())
    try:
        _make_folders(directory)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused(
            f"{path} is there already, and nothing was changed; choose another directory, or remove it"
        ) from None
    except OSError as error:
        raise Refused(f"{directory} can't be written ({error.strerror})") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return InitResult(_checked(path), base)


def _make_folders(directory: Path) -> None:
    for folder in (directory, *(directory / name for name in _FOLDERS)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise Refused(f"{folder} is a file; name a folder, which is made when it isn't there") from None


def _checked(path: Path) -> LoadedSite:
    """Return the new site, and leave no file behind that can't be used."""
    try:
        return load(path)
    except BaseException:
        path.unlink()
        raise


def example(base_port: int, company: str, time_zone: str) -> str:
    """Return the example site file's text with fresh secrets."""
    greeting = {
        "welcome_en": f"Welcome to {company}.",
        "welcome_es": f"Bienvenido a {company}.",
        "welcome_de": f"Willkommen bei {company}.",
    }
    values = {
        "company": _quoted(company),
        "time_zone": _quoted(time_zone),
        "year": str(datetime.now(UTC).year),
        "sip_port": str(base_port),
        "ami_port": str(base_port + 1),
        "agi_port": str(base_port + 2),
        "trunk_port": str(base_port + 3),
        "tls_port": str(base_port + 4),
        "rtp_first": str(base_port + 100),
        "rtp_last": str(base_port + 899),
        "ami_secret": _quoted(secrets.token_hex(16)),
        **{name: _quoted(text) for name, text in greeting.items()},
        **{f"pin{index}": _quoted(fresh_pin()) for index in range(1, 5)},
        **{f"password{index}": _quoted(secrets.token_hex(10)) for index in range(1, 5)},
    }
    template = (files("callhandler.site") / "example.toml").read_text(encoding="utf-8")
    return Template(template).substitute(values)


def _quoted(text: str) -> str:
    """Return a text as a TOML string: JSON's escapes are TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def fresh_pin() -> str:
    """Return six digits that aren't of the kind that is tried first."""
    while True:
        pin = f"{secrets.randbelow(1_000_000):06d}"
        if len(set(pin)) >= 4 and pin not in "0123456789876543210" and "700" not in pin:
            return pin


def _machine_time_zone() -> str:
    """Return this machine's IANA time zone, or UTC where it doesn't say."""
    names = [os.environ.get("TZ", "").removeprefix(":")]
    with suppress(OSError):
        names.append(str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2])
    with suppress(OSError, UnicodeDecodeError):
        names.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    for name in names:
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            if name:
                return ZoneInfo(name).key
    return "UTC"
