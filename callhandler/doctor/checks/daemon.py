"""Checks of the daemon as it speaks for itself. Pure."""

from callhandler.doctor.evidence import Evidence
from callhandler.doctor.verdict import Verdict, error, ok, some, unknown, warning

_AWAY = "the daemon doesn't say"
_BACKLOG = 1_000


def running(seen: Evidence) -> Verdict:
    """The daemon answers on its control socket."""
    check = "daemon"
    status = seen.daemon.status
    if status is None:
        pid = seen.machine.daemon
        remedy = (
            seen.start_ours if pid is None else f"kill -9 {pid}   # callers are kept; `up` or systemd starts it again"
        )
        callers = "callers hear music and wait for it" if seen.asterisk_runs else "nobody can call"
        return error(check, f"{seen.daemon.trouble}; {callers}", remedy)
    return ok(check, f"runs as process {status.pid}")


def release(seen: Evidence) -> Verdict:
    """The daemon that runs is the one that is installed."""
    check = "daemon version"
    status = seen.daemon.status
    if status is None:
        return unknown(check, _AWAY)
    if status.version != seen.daemon.installed:
        return warning(
            check, f"{status.version} runs, {seen.daemon.installed} is installed",
            f"end it and start it again (callers are kept): kill {status.pid} && {seen.start_ours}",
        )  # fmt: skip
    return ok(check, f"{status.version}, as installed")


def link(seen: Evidence) -> Verdict:
    """The daemon is connected with Asterisk."""
    check = "daemon link"
    status = seen.daemon.status
    if status is None:
        return unknown(check, _AWAY)
    if not status.asterisk_connected:
        return error(check, "it isn't connected with Asterisk: see `asterisk` and `ami login`", seen.start)
    return ok(check, "it is connected with Asterisk")


def agi(seen: Evidence) -> Verdict:
    """Calls reach the daemon: its FastAGI port answers, and it is the daemon that holds it."""
    check = "fastagi"
    place = seen.loaded.site.asterisk
    where = f"{place.agi_host}:{place.agi_port}"
    if not seen.daemon.agi_accepts:
        callers = "callers hear music" if seen.asterisk_runs else "nobody can call"
        return error(check, f"nobody takes calls at {where}; {callers}", seen.start_ours)
    status = seen.daemon.status
    if status is None:
        return unknown(
            check, f"somebody takes calls at {where}, but it isn't known who", f"ss -lntp 'sport = :{place.agi_port}'"
        )
    holders = [one for one in seen.listeners or () if (one.protocol, one.port) == ("tcp", place.agi_port)]
    strange = next((one for one in holders if one.pid is not None and one.pid != status.pid), None)
    if strange is not None:
        return error(
            check,
            f"{where} is answered by {strange.program} (process {strange.pid}), not by the daemon",
            f"kill {strange.pid}",
        )
    if not any(one.pid == status.pid for one in holders):
        return unknown(check, f"{where} answers; whose it is can't be seen by this user", f"sudo {seen.ours('doctor')}")
    return ok(check, f"the daemon takes calls at {where}")


def site_in_force(seen: Evidence) -> Verdict:
    """The daemon works by the site file as it is now."""
    check = "site in force"
    status = seen.daemon.status
    if status is None:
        return unknown(check, _AWAY)
    if seen.daemon.refuses:
        return warning(
            check,
            f"the site file was changed, and the daemon goes by the old: {seen.daemon.refuses.splitlines()[0]}",
            seen.mend,
        )
    if status.site_digest != seen.loaded.digest:
        return warning(check, "the site file was changed since the daemon read it", seen.mend)
    if (left := status.counts.callbacks) and seen.loaded.site.callbacks is None:
        called = f"{left} open callback{' is' if left == 1 else 's are'} called by nobody"
        remedy = f"put [callbacks] back into {seen.loaded.path}, or cancel them: {seen.ours('callbacks')}"
        return warning(check, f"{called}: the site file has no table [callbacks]", remedy)
    return ok(check, "the daemon works by the site file as it is now")


def backlog(seen: Evidence) -> Verdict:
    """Facts reach the disk."""
    check = "journal backlog"
    status = seen.daemon.status
    if status is None:
        return unknown(check, _AWAY)
    if status.journal_backlog > _BACKLOG:
        return error(
            check,
            f"{status.journal_backlog:,} facts are not written yet",
            f"see `disk` and `journal`, and {seen.loaded.site.daemon.log}",
        )
    return ok(check, "facts are written as they happen")


def publishers(seen: Evidence) -> Verdict:
    """Who listens, such as an MQTT broker, is connected and keeps up."""
    check = "publishers"
    status = seen.daemon.status
    if status is None:
        return unknown(check, _AWAY)
    away = [one.name for one in status.publishers if not one.connected]
    lossy = [f"{one.name} ({one.dropped:,})" for one in status.publishers if one.dropped]
    if away or lossy:
        what = f"{some(away)} isn't connected" if away else f"events were dropped: {some(lossy)}"
        tables = " and ".join(f"[{one.name}]" for one in status.publishers if not one.connected or one.dropped)
        return warning(
            check, f"{what}; calls go on", f"see the server that it names, and {tables} in {seen.loaded.path}"
        )
    names = [one.name for one in status.publishers]
    return ok(check, f"no trouble seen with {some(names)}" if names else "none are set")


def alarms(seen: Evidence) -> Verdict:
    """Nothing was called an alarm in the last day, as the daemon has it (else the journal), and the site isn't closed by emergency."""
    check = "alarms"
    status = seen.daemon.status
    if status is not None and status.emergency is not None:
        return warning(check, "the site is closed by emergency", seen.ours("emergency open"))
    recent = seen.journal.alarms if status is None else status.alarms
    if recent:
        last = recent[-1]
        told = f"{sum(one.count for one in recent):,} in the last day; the last: {last.kind}: {last.reason}"
        return warning(check, told, seen.ours("status"))
    if status is None and (not seen.journal.exists or seen.journal.trouble):
        return unknown(check, _AWAY)
    return ok(check, "none in the last day")
