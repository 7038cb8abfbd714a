"""Checks of the machine: disk, clock, time zone, database. Pure."""

from callhandler.doctor.evidence import Evidence
from callhandler.doctor.verdict import Verdict, error, ok, unknown, warning

_MB = 1_000_000
_FULL, _FILLING = 100 * _MB, 1_000 * _MB
_FEW, _FEWER = 0.05, 0.01
_LARGE = 20_000 * _MB
_STEP = 5.0
"""Seconds between two clocks that are more than the whole seconds of `core show uptime` and a slow answer."""


def disk(seen: Evidence) -> Verdict:
    """There is room to write the journal: bytes and inodes."""
    check = "disk"
    at, where = seen.machine, seen.loaded.directory / "var"
    remedy = f"make room: du -xh {seen.quoted(where)} | sort -h | tail"
    if at.free is None:
        return unknown(check, f"the disk under {where} can't be seen", f"df -h {seen.quoted(where)}")
    inodes = 1.0 if not at.inodes_total or at.inodes_free is None else at.inodes_free / at.inodes_total
    if at.free < _FULL:
        return error(check, f"only {at.free // _MB} MB are free under {where}: facts will soon not be written", remedy)
    if inodes < _FEWER:
        return error(check, f"only {inodes:.1%} of the inodes are free under {where}", remedy)
    if at.free < _FILLING or inodes < _FEW:
        return warning(check, f"{at.free // _MB} MB and {inodes:.0%} of the inodes are free under {where}", remedy)
    return ok(check, f"{at.free // (1_000 * _MB)} GB are free")


def clock(seen: Evidence) -> Verdict:
    """Asterisk and this machine agree about the time, and it was not set by much while Asterisk ran."""
    check = "clock"
    remedy = "timedatectl set-ntp true   # and see `timedatectl`; then start Asterisk again at a quiet hour"
    skew, console, age = seen.ami.skew, seen.console, seen.machine.age
    if skew is not None and abs(skew) > _STEP:
        return error(check, f"Asterisk's clock is {skew:+.0f} s beside this machine's", remedy)
    step = None if console is None or console.uptime is None or age is None else console.uptime - age
    if step is not None and abs(step) > _STEP:
        return warning(
            check,
            f"the clock was set by {step:+.0f} s while Asterisk ran: waits and reports of that time are wrong",
            remedy,
        )
    if skew is None and step is None:
        return unknown(check, "Asterisk was not there to compare clocks with", seen.start)
    return ok(check, "Asterisk and this machine agree, and the clock was not set while Asterisk ran")


def time_zone(seen: Evidence) -> Verdict:
    """The site's time zone is known here; hours depend on it."""
    check = "time zone"
    zone = seen.loaded.site.company.time_zone
    if not seen.machine.zone_found:
        return error(check, f"there is no data for {zone}: hours can't be told", "apt install tzdata")
    return ok(check, f"{zone} is known")


def journal(seen: Evidence) -> Verdict:
    """The journal is there, whole, and of the version that is installed."""
    check = "journal"
    found = seen.journal
    if not found.exists:
        return unknown(check, f"there is none yet at {found.where}: it is made at the first start", seen.start_ours)
    if found.trouble:
        return error(check, f"{found.where} can't be read: {found.trouble}", _restore(seen))
    if found.check not in {None, "ok"}:
        return error(check, f"{found.where} is damaged: {found.check}", _restore(seen))
    if found.version is not None and found.version > found.known:
        return error(
            check,
            f"it was written by a newer callhandler (tables {found.version}, here {found.known})",
            "pip install -U callhandler",
        )
    if found.version != found.known:
        return warning(
            check, f"its tables are of version {found.version}, {found.known} is wanted: the next start changes them",
            seen.start_ours,
        )  # fmt: skip
    if found.check is None:
        return unknown(check, f"{found.where} is too large or too busy to be checked in two seconds", _look(seen))
    if found.size > _LARGE:
        return warning(check, f"it is {found.size // (1_000 * _MB)} GB large", _look(seen))
    return ok(check, f"it is whole, {found.size / _MB:.1f} MB, tables of version {found.version}")


def _look(seen: Evidence) -> str:
    return f"sqlite3 -readonly {seen.quoted(seen.journal.where)} 'PRAGMA quick_check'   # at a quiet hour"


def _restore(seen: Evidence) -> str:
    where = seen.quoted(seen.journal.where)
    return f"stop callhandler, then: sqlite3 {where} .recover | sqlite3 {where}.new && mv {where}.new {where}   # or your backup"
