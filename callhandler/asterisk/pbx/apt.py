"""A private apt: resolves and downloads Debian packages into a folder of our own, without root and beside the machine's own apt.

It uses the machine's mirror, proxy and keyrings; signatures are verified. It knows packages, not Asterisk.
"""

import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from callhandler.asterisk.pbx.sources import Choice, Source, choices, choices_of_release, parse_deb822, parse_one_line
from callhandler.errors import CallhandlerError

NOT_NEEDED = (
    "adduser", "debconf", "gnupg", "init-system-helpers", "libsnmp45", "passwd", "perl", "python3", "python3-systemd",
    "systemd", "ucf",
)  # fmt: skip
"""Packages that Asterisk's package asks for (to make its user, for scripts, for SNMP) and that a private one runs without: 40 MB less.
fail2ban, which tests take apart, reads no journal of systemd's there, and runs in the tests' own Python."""
_STATUS = re.compile(r"^dlstatus:\d+:([0-9.]+):(.*)$")


class AptError(CallhandlerError):
    """Packages can't be had; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package file to be downloaded. `size` in bytes."""

    file: str
    size: int


def machine_choices(debian: str | None = None) -> list[Choice]:
    """Where this machine's apt could get Asterisk from, best first; empty on machines without apt. `debian`: from that release alone."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    found: list[Source] = []
    parts = Path("/etc/apt/sources.list.d")
    for path in [Path("/etc/apt/sources.list"), *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text)
    keyrings = [
        str(path) for folder in ("/usr/share/keyrings", "/etc/apt/trusted.gpg.d") for path in Path(folder).glob("*")
    ]
    own = found, release.get("VERSION_CODENAME", ""), release.get("ID", ""), keyrings
    return choices(*own) if debian is None else choices_of_release(debian, *own)


class PrivateApt:
    """One place to look for packages (`choice`), with all of apt's state under `folder`."""

    def __init__(self, folder: Path, choice: Choice) -> None:
        self.choice = choice
        self.archives = folder.parent / "archives"
        self._folder = folder
        self._conf = folder / "apt.conf"

    def prepare(self) -> None:
        """Write the private configuration. Nothing of the machine's apt is changed, and none of its hooks run."""
        for path in (self._folder / "lists/partial", self._folder / "cache", self.archives / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        architecture = _run(["dpkg", "--print-architecture"]).strip()
        (self._folder / "sources.list").write_text(self.choice.sources_list)
        (self._folder / "status").write_text(
            "\n".join(
                f"Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: none\n"
                f"Architecture: {architecture}\nMulti-Arch: allowed\nVersion: 9999:1\nDescription: left out\n"
                for name in NOT_NEEDED
            )
        )
        settings = {
            "Dir::Etc::sourcelist": self._folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": self._folder,
            "Dir::State::lists": self._folder / "lists",
            "Dir::State::status": self._folder / "status",
            "Dir::State::extended_states": self._folder / "extended_states",
            "Dir::Cache": self._folder / "cache",
            "Dir::Cache::archives": self.archives,
            "Dir::Log": self._folder,
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            # A mirror may lag behind the date until which its lists call themselves valid; signatures still verify.
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            # A list that could not be fetched is an error, not a warning.
            "APT::Update::Error-Mode": "any",
            "Debug::NoLocking": "true",
        }
        clear = [
            "APT::Architectures", "APT::NeverAutoRemove", "APT::Update::Pre-Invoke", "APT::Update::Post-Invoke",
            "APT::Update::Post-Invoke-Success", "DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs",
        ]  # fmt: skip
        lines = [f"#clear {name};" for name in clear] + [f'{name} "{value}";' for name, value in settings.items()]
        self._conf.write_text("\n".join([*lines, f'APT::Architectures {{ "{architecture}"; }};', ""]))

    def update(self) -> None:
        """Fetch the package lists."""
        self._apt("update", "-qq")

    def candidate(self, package: str) -> str | None:
        """The version that would be installed, or None."""
        found = re.search(r"^ *Candidate: (\S+)", self._apt("policy", package, program="apt-cache"), re.MULTILINE)
        return None if found is None or found[1] == "(none)" else found[1]

    def resolve(self, packages: Iterable[str]) -> list[Package]:
        """The packages and all they depend on, as files."""
        text = self._apt("install", "-qq", "--yes", "--print-uris", "--reinstall", *packages)
        # 'address' file size hash
        return [
            Package(row.split("' ", 1)[1].split()[0], int(row.split("' ", 1)[1].split()[1]))
            for row in text.splitlines()
            if "' " in row
        ]

    def known(self, packages: Iterable[str]) -> list[str]:
        """Those of `packages` that exist here."""
        return [name for name in packages if self.candidate(name)]

    def download(self, packages: Iterable[str], on_progress: Callable[[float], None]) -> None:
        """Download what is missing into `archives`; what an earlier attempt left half-done is gone on with. `on_progress`: 0 to 1."""
        argv = [
            *self._argv("apt-get"),
            "-o",
            "APT::Status-Fd=1",
            "install",
            "-qq",
            "--yes",
            "--download-only",
            *packages,
        ]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            for row in process.stdout:
                if found := _STATUS.match(row):
                    on_progress(float(found[1]) / 100)
            errors = process.stderr.read()
        if process.returncode:
            raise AptError(f"apt could not download: {_last_line(errors)}")

    def _argv(self, program: str) -> list[str]:
        return [program, "-c", str(self._conf)]

    def _apt(self, *arguments: str, program: str = "apt-get") -> str:
        return _run([*self._argv(program), *arguments])


def _run(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, env=_environment(), timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AptError(f"{argv[0]} can't be run: {error}") from error
    if done.returncode:
        raise AptError(f"{argv[0]} says: {_last_line(done.stderr)}")
    return done.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def _last_line(text: str) -> str:
    errors = [line for line in text.splitlines() if line.startswith("E:")] or text.strip().splitlines()
    return errors[0] if errors else "nothing"
