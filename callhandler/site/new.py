"""Making a new site: the example site file with secrets and ports of its own, and the folders it lives in.

`InitResult` is what programs that place calls need to know (`callhandler init --json`). Knows nothing of Asterisk.
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callhandler.errors import Refused
from callhandler.site.findings import SiteMistakes
from callhandler.site.loading import FILE_NAME, LoadedSite, loaded

_DEFAULT_BASE_PORT = 5060
LOWEST_BASE_PORT, HIGHEST_BASE_PORT = 1_024, 65_535 - 899
_COMPANY = "Example Company"
_FOLDERS = ("prompts", "var", "var/log", "var/sounds")


class BadOption(Refused):
    """No site can be made with what stands at `option` of `callhandler init`."""

    def __init__(self, option: str, sentence: str) -> None:
        super().__init__(sentence)
        self.option = option


@dataclass(frozen=True, slots=True)
class InitResult:
    """A new site; `loaded` is what was written into its file."""

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

    What is refused leaves nothing behind.

    Raises:
        BadOption: the ports don't fit, or the company's name can't be used.
        Refused: there is a site already, or a file where a folder is wanted.
        SiteError: the time zone can't be used.
        OSError: the directory can't be written.
    """
    base = _DEFAULT_BASE_PORT if base_port is None else base_port
    if not LOWEST_BASE_PORT <= base <= HIGHEST_BASE_PORT:
        between = f"between {LOWEST_BASE_PORT} and {HIGHEST_BASE_PORT}"
        raise BadOption("--base-port", f"the base port must lie {between}, not at {base}")
    path = directory / FILE_NAME
    data = _text(base, _COMPANY if company is None else company, time_zone or _machine_time_zone())
    site = _checked(path, data)
    with _folders(directory):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Refused(
                f"{path} is there already, and nothing was changed; choose another directory, or remove it"
            ) from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except BaseException:  # such as no room left
            path.unlink()
            raise
    return InitResult(site, base)


def _text(base_port: int, company: str, time_zone: str) -> bytes:
    try:
        return example(base_port, company, time_zone).encode()
    except UnicodeEncodeError:
        raise BadOption("--company", "the company's name is not UTF-8; write it in UTF-8") from None


def _checked(path: Path, data: bytes) -> LoadedSite:
    """Return the site that a file would be, before anything is made."""
    try:
        return loaded(path, data)
    except SiteMistakes as mistakes:
        wrong = next((finding for finding in mistakes.findings if finding.key == "company.name"), None)
        if wrong is None:
            raise
        raise BadOption("--company", f"the company's name {wrong.sentence}; {wrong.remedy}") from None


@contextmanager
def _folders(directory: Path) -> Iterator[None]:
    """Make the site's folders, and take those that are new away again when nothing comes of them."""
    wanted = [*reversed(directory.parents), directory, *(directory / name for name in _FOLDERS)]
    made: list[Path] = []
    try:
        for folder in wanted:
            if not folder.is_dir():
                _make(folder)
                made.append(folder)
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise Refused(f"{folder} is a file; name a folder, which is made when it isn't there") from None
    except FileNotFoundError:  # though the folder around it is there, such as /proc
        raise Refused(f"{folder} can't be made: {folder.parent} takes no folders; name another place") from None


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
