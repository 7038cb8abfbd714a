"""What was seen of a set-up, before anybody judges it. Frozen and made of plain values, so that tests make it by hand.

Times are seconds since the epoch, durations seconds, sizes bytes. None means: not seen, which is never the same as "not there".
"""

import re
import shlex
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from callhandler.core.views import AgentView, StatusView
from callhandler.doctor.dialplan import Plan
from callhandler.site.loading import LoadedSite


class Mode(StrEnum):
    """Whose Asterisk it is."""

    PRIVATE = "private"
    """The site's own, under var/asterisk, started by `callhandler up`."""
    ATTACHED = "attached"
    """One that runs already, the operator's; it includes rendered files."""


class Door(StrEnum):
    """How far the witness got on AMI."""

    CLOSED = "closed"
    FOREIGN = "foreign"
    SILENT = "silent"
    REFUSED = "refused"
    IN = "in"
    UNSPOKEN = "unspoken"
    """The address is of a kind that the witness doesn't speak (pyst2 knows IPv4 only)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSeen:
    """Modes of files and folders (permission bits), None for those that aren't there or can't be seen."""

    site_mode: int | None = None
    etc_mode: int | None = None
    fresh: dict[str, str] = field(default_factory=dict)
    """The configuration as the site file would be rendered now: file name -> text."""
    on_disk: dict[str, str] = field(default_factory=dict)
    """The same files as they lie in Asterisk's folder, those that could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSeen:
    """What Asterisk's own console says. Each part is None when the console didn't answer that question."""

    version: str | None = None
    uptime: float | None = None
    modules: frozenset[str] | None = None
    """Modules that run, without `.so`."""
    bindaddr: str | None = None
    read: frozenset[str] | None = None
    write: frozenset[str] | None = None
    users: tuple[str, ...] | None = None
    contacts: dict[str, str] | None = None
    """Address of record -> status of its contact, such as `Avail`, `Unavail`, `NonQual`."""
    music: dict[str, Path] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    plan: Plan | None = None
    """The dialplan as loaded, of the contexts that the site renders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiSeen:
    """What a witness saw who logged in on AMI as the site's own user."""

    door: Door
    detail: str = ""
    actions: dict[str, frozenset[str]] | None = None
    """Action -> the classes of which any allows it (ListCommands names only what this user may do)."""
    refused: frozenset[str] = frozenset()
    """Actions that were tried and denied."""
    allowed: frozenset[str] = frozenset()
    """Actions that were tried and not denied."""
    events: frozenset[str] = frozenset()
    devices: dict[str, str] | None = None
    """Device such as `PJSIP/101` -> state such as `UNAVAILABLE`."""
    skew: float | None = None
    """Asterisk's clock minus this machine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSeen:
    """What the daemon says over its control socket; `trouble` is why it said nothing."""

    status: StatusView | None = None
    agents: tuple[AgentView, ...] = ()
    trouble: str = ""
    installed: str = ""
    agi_accepts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process that listens on a port. `pid` is None when it belongs to somebody whose processes can't be seen."""

    protocol: str
    address: str
    port: int
    pid: int | None = None
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSeen:
    """The journal's database, looked at without writing. `check` is None when it took too long, else SQLite's word (`ok`)."""

    where: str
    exists: bool = True
    trouble: str = ""
    check: str | None = "ok"
    version: str | None = None
    known: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSeen:
    """Disk and clock. Inodes are None on file systems that don't count them."""

    free: int | None = None
    total: int | None = None
    inodes_free: int | None = None
    inodes_total: int | None = None
    zone_found: bool = True
    pid: int | None = None
    """Asterisk's process, by its pid file."""
    age: float | None = None
    """How long that process has run by the clock that is never set (CLOCK_BOOTTIME)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundsSeen:
    """Sounds on disk. `phrases`: language -> whether Asterisk's own phrases are there; None where the folder can't be read."""

    folder: Path | None = None
    phrases: dict[str, bool] | None = None
    prompts_missing: tuple[str, ...] = ()
    prompts: int = 0
    music: dict[str, int] = field(default_factory=dict)
    """Class of music -> how many files its folder holds; -1 when it can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSeen:
    """The operator's own configuration, in attach mode. `readable` is false when this user may not read it."""

    folder: Path
    readable: bool = True
    includes: frozenset[str] = frozenset()
    """Names of rendered files that are included from somewhere."""
    open_users: tuple[str, ...] = ()
    """AMI users, other than the site's, that may log in from anywhere."""
    bindaddr: str | None = None
    writetimeout: int | None = None
    """Of the site's AMI user, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it."""

    loaded: LoadedSite
    mode: Mode
    base: tuple[str, ...]
    """How that Asterisk's console is asked: argv up to `-rx`; empty when there is no program to ask with."""
    now: float
    lint_errors: tuple[str, ...] = ()
    lint_warnings: tuple[str, ...] = ()
    files: FilesSeen = FilesSeen()
    console: ConsoleSeen | None = None
    console_trouble: str = ""
    ami: AmiSeen = AmiSeen(door=Door.CLOSED)
    daemon: DaemonSeen = DaemonSeen()
    listeners: tuple[Listener, ...] | None = None
    journal: JournalSeen = JournalSeen(where="")
    machine: MachineSeen = MachineSeen()
    sounds: SoundsSeen = SoundsSeen()
    operator: OperatorSeen | None = None

    def ours(self, command: str) -> str:
        """Return one of callhandler's own commands, for this site."""
        return f"callhandler {command} --site {shlex.quote(str(self.loaded.directory))}"

    def theirs(self, command: str) -> str:
        """Return the command that has Asterisk's console do something. `command` never comes from outside."""
        return shlex.join([*(self.base or ("asterisk",)), "-rx", command])

    @property
    def start(self) -> str:
        """The command that starts Asterisk."""
        return self.ours("up") if self.mode is Mode.PRIVATE else "systemctl start asterisk"

    @property
    def start_ours(self) -> str:
        """The command that starts the daemon."""
        return self.ours("up" if self.mode is Mode.PRIVATE else "daemon")

    @property
    def mend(self) -> str:
        """The command that makes what is made from the site file: a reload where the daemon runs, else a start."""
        return self.ours("reload") if self.daemon.status is not None else self.start_ours

    @property
    def writetimeout(self) -> int | None:
        """AMI's `writetimeout` for the site's user, in milliseconds, as the configuration says."""
        if self.mode is Mode.ATTACHED:
            return None if self.operator is None else self.operator.writetimeout
        found = re.search(r"^writetimeout\s*=\s*(\d+)", self.files.on_disk.get("manager.conf", ""), re.MULTILINE)
        return int(found[1]) if found else None

    @property
    def rendered(self) -> Path:
        """The folder that rendered configuration is put into."""
        base = self.loaded.directory / "var" / "asterisk"
        return base / ("etc" if self.mode is Mode.PRIVATE else "attach")

    @staticmethod
    def quoted(path: Path | str) -> str:
        """Return a path as a shell takes it."""
        return shlex.quote(str(path))
