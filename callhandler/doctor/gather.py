"""Gathers all evidence at once: what waits, waits side by side, and nothing waits longer than `_ALL` seconds. Judges nothing."""

import socket
import time
from collections.abc import Sequence
from pathlib import Path

from callhandler import __version__
from callhandler.asterisk import lacking
from callhandler.asterisk.pbx.get import find_program
from callhandler.asterisk.pbx.place import layout
from callhandler.control.client import Client
from callhandler.doctor import console, dialplan, files, journal, machine, operator_files, tls, witness
from callhandler.doctor.bounded import Running
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import (
    AmiSeen,
    ConsoleSeen,
    DaemonSeen,
    Door,
    JournalSeen,
    MachineSeen,
    Mode,
    OperatorSeen,
    Shown,
    SoundsSeen,
    TlsSeen,
)
from callhandler.errors import CallhandlerError
from callhandler.site.findings import Severity
from callhandler.site.lint import lint
from callhandler.site.loading import LoadedSite

_ALL = 4.0
_DAEMON = 3.0
_SYSTEM_PID = Path("/var/run/asterisk/asterisk.pid")
_SYSTEM_ETC = Path("/etc/asterisk")


def gather(loaded: LoadedSite) -> Evidence:
    """Look at everything and return it. Takes well under five seconds, whatever hangs."""
    site = loaded.site
    place = site.asterisk
    mode = files.mode_of(loaded)
    base = console_base(loaded, mode)
    secret = place.ami_secret.get_secret_value()
    control = loaded.inside(site.daemon.socket)
    lock = control.with_name(f"{control.name}.lock")
    ports = {place.ami_port, place.agi_port, place.sip_port} | ({site.tls.port} if site.tls else set())

    ami = Running(
        "ami",
        _ALL,
        lambda: witness.look(place.ami_host, place.ami_port, place.ami_user, secret),
        AmiSeen(door=Door.SILENT),
    )
    encrypted = site.tls
    shown = Running[TlsSeen | None](
        "tls",
        _ALL,
        lambda: (
            None
            if encrypted is None
            else tls.look(encrypted.address, encrypted.port, loaded.inside(encrypted.certificate))
        ),
        TlsSeen(shown=Shown.NONE, trouble="nobody answered in time"),
    )
    daemon = Running("daemon", _DAEMON, lambda: _daemon(loaded), DaemonSeen(trouble="it didn't answer in time"))
    kept = Running(
        "journal", _ALL, lambda: journal.look(site.daemon.database, loaded.directory),
        JournalSeen(where=site.daemon.database.rpartition("@")[2], check=None),
    )  # fmt: skip
    listening = Running("listeners", _ALL, lambda: machine.listeners(ports), None)
    asked = Running[tuple[ConsoleSeen | None, str]](
        "console", _ALL, lambda: _console(loaded, mode, base), (None, "it didn't answer in time")
    )

    seen, trouble = asked.result()
    own, etc = layout(loaded.directory)["run"] / "asterisk.pid", _etc(seen)
    pid_file = own if mode is Mode.PRIVATE else _told(seen, "PID file") or _SYSTEM_PID
    where = Running(
        "machine", 1.0, lambda: machine.look(_var(loaded), pid_file, lock, site.company.time_zone), MachineSeen()
    )
    operator = (
        Running[OperatorSeen | None]("operator", 1.0, lambda: operator_files.look(etc, place.ami_user), None).result()
        if mode is Mode.ATTACHED
        else None
    )
    findings = lint(loaded)
    return Evidence(
        loaded=loaded,
        mode=mode,
        base=tuple(base),
        now=time.time(),
        lint_errors=tuple(str(one) for one in findings if one.severity is Severity.ERROR),
        lint_warnings=tuple(str(one) for one in findings if one.severity is Severity.WARNING),
        files=files.look(loaded, mode, _version(seen), _told(seen, "Module directory")),
        console=seen,
        console_trouble=trouble,
        ami=ami.result(),
        daemon=daemon.result(),
        listeners=listening.result(),
        journal=kept.result(),
        machine=where.result(),
        sounds=_sounds(loaded, mode, seen),
        operator=operator,
        tls=shown.result() if mode is Mode.PRIVATE else None,
    )


def console_base(loaded: LoadedSite, mode: Mode) -> list[str]:
    """Return the argv of Asterisk's console up to `-rx`; empty when there is no Asterisk to ask with. Never fetches one."""
    setting = loaded.site.asterisk.program
    program = [str(setting)] if setting is not None else find_program("asterisk")
    if program is None:
        return []
    own = ["-C", str(layout(loaded.directory)["etc"] / "asterisk.conf")] if mode is Mode.PRIVATE else []
    return [*program, *own]


def _console(loaded: LoadedSite, mode: Mode, base: Sequence[str]) -> tuple[ConsoleSeen | None, str]:
    if not base:
        return None, "there is no program asterisk here to ask with"
    rendered = files.fresh(loaded, mode, None)
    name = "extensions.conf" if mode is Mode.PRIVATE else "callhandler_extensions.conf"
    contexts = dict.fromkeys(context for context, _ in dialplan.written(rendered.get(name, "")))
    try:
        return console.look(base, loaded.site.asterisk.ami_user, contexts, (name,)), ""
    except console.ConsoleAway as away:
        return None, str(away)


def _daemon(loaded: LoadedSite) -> DaemonSeen:
    client = Client(loaded.inside(loaded.site.daemon.socket))
    place = loaded.site.asterisk
    try:
        socket.create_connection((place.agi_host, place.agi_port), 1.0).close()
        accepts = True
    except OSError:
        accepts = False
    try:
        status = client.status()
        refuses = "" if status.site_digest == loaded.digest else client.reload(dry_run=True).error or ""
        return DaemonSeen(
            status=status, agents=client.agents(), installed=__version__, refuses=refuses, agi_accepts=accepts
        )
    except CallhandlerError as error:
        return DaemonSeen(trouble=str(error), installed=__version__, agi_accepts=accepts)


def _sounds(loaded: LoadedSite, mode: Mode, seen: ConsoleSeen | None) -> SoundsSeen:
    own = layout(loaded.directory)["lib"] if mode is Mode.PRIVATE else None
    classes = (seen.music if seen else None) or {}
    return files.sounds(
        loaded, _told(seen, "Data directory") or own, {name: path for name, path in classes.items() if path}
    )


def _etc(seen: ConsoleSeen | None) -> Path:
    return _told(seen, "Configuration directory") or _SYSTEM_ETC


def _told(seen: ConsoleSeen | None, name: str) -> Path | None:
    """Return a path of `core show settings`."""
    said = None if seen is None else seen.settings.get(name)
    return Path(said) if said else None


def _version(seen: ConsoleSeen | None) -> tuple[int, ...] | None:
    return lacking.numbers(seen.version or "") if seen else None


def _var(loaded: LoadedSite) -> Path:
    var = loaded.directory / "var"
    return var if var.exists() else loaded.directory
