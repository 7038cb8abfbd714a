"""The parts of what was seen of a set-up, before anybody judges it. Frozen and made of plain values, so that tests make them by hand.

Times are seconds since the epoch, durations seconds, sizes bytes. None means: not seen, which is never the same as "not there".
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from callhandler.core.views import AgentView, AlarmView, StatusView
from callhandler.doctor.dialplan import Plan


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
    modules: frozenset[str] = frozenset()
    """Those of the private Asterisk's list that this Asterisk has: older ones lack some."""


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
    contacts: dict[str, str] | None = None
    """Address of record -> status of its contact, such as `Avail`, `Unavail`, `NonQual`."""
    music: dict[str, Path | None] | None = None
    """Class of music -> its folder, None for one that plays something else than files."""
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
    refuses: str = ""
    """Why it wouldn't take up the site file as it is now; empty where it would."""
    agi_accepts: bool = False


class Shown(StrEnum):
    """Which certificate a phone is shown."""

    OWN = "own"
    """The one in the site's file."""
    OTHER = "other"
    NONE = "none"
    """Nobody speaks TLS there."""
    UNUSABLE = "unusable"
    """The one in the file can't be used, or is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSeen:
    """SIP over TLS, as a phone sees it: until when the site's own certificate is good, or what is wrong."""

    shown: Shown
    ends: float = 0.0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process that listens on a port. `pid` is None when it belongs to somebody whose processes can't be seen.

    `site` is the folder of the site whose private Asterisk it is, None of everything else.
    """

    protocol: str
    address: str
    port: int
    pid: int | None = None
    program: str = ""
    site: Path | None = None


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
    alarms: tuple[AlarmView, ...] = ()
    """Those of the last day, oldest first."""


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
    daemon: int | None = None
    """The daemon's process, by its lock."""


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
    readable_by_others: tuple[str, ...] = ()
    """Rendered files in that folder that any user of the machine can read: they hold AMI's secret and the FastAGI key."""
    open_users: tuple[str, ...] = ()
    """AMI users, other than the site's, that may log in from anywhere."""
    bindaddr: str | None = None
    writetimeout: int | None = None
    """Of the site's AMI user, in milliseconds."""
