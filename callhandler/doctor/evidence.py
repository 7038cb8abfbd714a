"""All that was seen of a set-up at one moment, and the commands that mend it, as its operator would type them. Judges nothing."""

import re
import shlex
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from callhandler.doctor.seen import (
    AmiSeen,
    ConsoleSeen,
    DaemonSeen,
    Door,
    FilesSeen,
    JournalSeen,
    Listener,
    MachineSeen,
    Mode,
    OperatorSeen,
    SoundsSeen,
    TlsSeen,
)
from callhandler.site.loading import LoadedSite


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it, for one site."""

    loaded: LoadedSite
    mode: Mode
    base: tuple[str, ...]
    """How that Asterisk's console is asked: argv up to `-rx`; empty when there is no program to ask with."""
    now: float
    lint_errors: tuple[str, ...] = ()
    lint_warnings: tuple[str, ...] = ()
    files: FilesSeen = field(default_factory=FilesSeen)
    console: ConsoleSeen | None = None
    console_trouble: str = ""
    ami: AmiSeen = field(default_factory=partial(AmiSeen, door=Door.CLOSED))
    daemon: DaemonSeen = field(default_factory=DaemonSeen)
    listeners: tuple[Listener, ...] | None = None
    journal: JournalSeen = field(default_factory=partial(JournalSeen, where=""))
    machine: MachineSeen = field(default_factory=MachineSeen)
    sounds: SoundsSeen = field(default_factory=SoundsSeen)
    operator: OperatorSeen | None = None
    tls: TlsSeen | None = None
    """None where the site has no [tls]."""

    def ours(self, command: str) -> str:
        """Return one of callhandler's own commands, for this site."""
        return f"callhandler {command} --site {shlex.quote(str(self.loaded.directory))}"

    def theirs(self, command: str) -> str:
        """Return the command that has Asterisk's console do something. `command` never comes from outside."""
        return shlex.join([*(self.base or ("asterisk",)), "-rx", command])

    def look(self, command: str) -> str:
        """Return the command that shows what wasn't seen: Asterisk's console, or first of all a start of Asterisk."""
        away = self.console is None and self.ami.door is Door.CLOSED
        return self.start if away else self.theirs(command)

    @property
    def asterisk_runs(self) -> bool:
        """Tell whether an Asterisk takes calls, as far as can be seen."""
        return self.console is not None or self.machine.pid is not None or self.ami.door in (Door.IN, Door.REFUSED)

    @property
    def start(self) -> str:
        """The command that starts Asterisk."""
        if self._only_a_start:
            return self.again
        return self.ours("up") if self.mode is Mode.PRIVATE else "systemctl start asterisk"

    @property
    def start_ours(self) -> str:
        """The command that starts the daemon."""
        if self._only_a_start:
            return self.again
        return self.ours("up" if self.mode is Mode.PRIVATE else "daemon")

    @property
    def mend(self) -> str:
        """The command that makes what is made from the site file: a reload where the daemon runs, else a start."""
        if self.daemon.status is not None and self.lint_errors:
            return self.ours("check")  # its errors come first: a reload is refused until then
        at_once = self.daemon.status is not None and not self.daemon.refuses
        return self.ours("reload") if at_once else self.start_ours

    @property
    def _only_a_start(self) -> bool:
        """Tell whether the daemon that runs refuses the site file for what only a start takes up."""
        return self.daemon.refuses != "" and not self.lint_errors

    @property
    def again(self) -> str:
        """How what only a start takes up comes into force: beside what runs, nothing can be started."""
        if self.mode is Mode.PRIVATE:
            lock = self.quoted(self.loaded.directory / "var" / "up.lock")
            return f"kill $(cat {lock})   # ends `callhandler up`; when it has ended: {self.ours('up')}"
        pid = self.daemon.status.pid if self.daemon.status else self.machine.daemon
        return f"kill {pid}   # ends the daemon; when it has ended: {self.ours('daemon')}"

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
