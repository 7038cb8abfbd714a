"""Checks of AMI: the login, what the site's user may and may not do, what it hears, and who else may come in. Pure."""

from callhandler.asterisk import wire
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import Door, Mode
from callhandler.doctor.verdict import Verdict, error, ok, some, unknown, warning

_READ = frozenset(wire.EVENT_CLASSES.split(","))
_WRITE = frozenset({"call", "originate", "message"})
_MUST_WRITE = frozenset({"call", "originate"})
_MUST_READ = frozenset({"system", "call"})
_MUST_WORK = (wire.STATUS_ACTION, wire.DEVICE_STATE_LIST, wire.ORIGINATE)
_MUST_NOT = ("Command", "GetConfig", "CoreStatus")
_DANGEROUS = frozenset({"command", "config", "system"})
"""Whoever holds one of these can run programs or change files as Asterisk's user."""
_LEAST_TIMEOUT = 1_000
"""Milliseconds; Asterisk's own 100 cuts a reader off that is busy for a moment."""
_NEAR = ("127.", "::1", "localhost", "[::1]")


def login(seen: Evidence) -> Verdict:
    """The site's AMI user gets in with the site's secret."""
    check = "ami login"
    place, found = seen.loaded.site.asterisk, seen.ami
    where = f"{place.ami_host}:{place.ami_port}"
    match found.door:
        case Door.IN:
            return ok(check, f"{place.ami_user} gets in at {where}")
        case Door.REFUSED:
            return error(
                check,
                f"{where} refuses {place.ami_user} ({found.detail}): the secret or the ACL differs",
                _put_right(seen),
            )
        case Door.CLOSED:
            return error(check, f"nobody listens at {where} ({found.detail})", seen.start)
        case Door.FOREIGN:
            return error(
                check,
                f"something else than AMI listens at {where}: {found.detail}",
                f"ss -lntp 'sport = :{place.ami_port}'",
            )
        case Door.SILENT:
            return error(
                check, f"{where} doesn't answer ({found.detail or 'in time'})", seen.theirs("manager show connected")
            )
        case Door.UNSPOKEN:
            return unknown(check, found.detail, seen.ours("status"))


def needed(seen: Evidence) -> Verdict:
    """The user may do what the daemon must."""
    check = "ami rights"
    write, console = _write(seen)
    if seen.ami.door is not Door.IN and write is None:
        return unknown(check, "nobody got in to try them", _put_right(seen))
    denied = [name for name in _MUST_WORK if name in seen.ami.refused]
    if denied:
        return error(check, f"{some(denied)} is denied to {_user(seen)}", _put_right(seen))
    lacking = sorted(_MUST_WRITE - write) if console and write is not None else []
    if lacking:
        return error(
            check,
            f"{_user(seen)} lacks the write class{'es'[: 2 * (len(lacking) > 1)]} {some(lacking)}",
            _put_right(seen),
        )
    read = seen.console.read if seen.console else None
    deaf = sorted(_MUST_READ - read) if read is not None else []
    if deaf:
        return error(
            check, f"{_user(seen)} lacks the read class{'es'[: 2 * (len(deaf) > 1)]} {some(deaf)}", _put_right(seen)
        )
    if console and write is not None and _WRITE - write:
        sentence = f"{_user(seen)} lacks the write class {some(sorted(_WRITE - write))}: reminders of a hold ring, but no text is sent"
        return warning(check, sentence, _put_right(seen))
    return ok(check, "it may do all that the daemon must")


def excess(seen: Evidence) -> Verdict:
    """The user may do nothing that the daemon needn't."""
    check = "ami excess"
    write, _ = _write(seen)
    if seen.ami.door is not Door.IN and write is None:
        return unknown(check, "nobody got in to try it", _put_right(seen))
    allowed = [name for name in _MUST_NOT if name in seen.ami.allowed]
    over = sorted((write or frozenset()) - _WRITE)
    dangerous = sorted(_DANGEROUS & set(over))
    if dangerous or allowed:
        what = some([*dangerous, *allowed])
        return error(
            check,
            f"{_user(seen)} may do more than it must: {what}; a leaked secret is then worth the machine",
            _put_right(seen),
        )
    read = seen.console.read if seen.console else None
    heard = sorted((read or frozenset()) - _READ)
    if over or heard:
        return warning(
            check, f"{_user(seen)} may do or read more than it must: {some([*over, *heard])}", _put_right(seen)
        )
    return ok(check, "it may do nothing besides")


def events(seen: Evidence) -> Verdict:
    """What happens to channels is heard: tried with a call that can't be."""
    check = "ami events"
    if seen.ami.door is not Door.IN:
        return unknown(check, "nobody got in to hear any")
    if wire.ORIGINATE in seen.ami.refused:
        return unknown(check, "no call could be tried", _put_right(seen))
    missing = [name for name in (wire.NEW_CHANNEL, wire.HANGUP, wire.ORIGINATE_RESPONSE) if name not in seen.ami.events]
    if missing:
        return error(check, f"{some(missing)} doesn't arrive: the ends of calls would not be seen", _put_right(seen))
    return ok(check, "a call that can't be was tried, and its end was heard")


def writetimeout(seen: Evidence) -> Verdict:
    """A reader that is slow for a moment isn't cut off."""
    check = "ami writetimeout"
    found = seen.writetimeout
    if found is None:
        if seen.mode is Mode.ATTACHED and (seen.operator is None or not seen.operator.readable):
            return unknown(check, "Asterisk's configuration can't be read by this user", f"sudo {seen.ours('doctor')}")
        if seen.mode is Mode.PRIVATE and "manager.conf" not in seen.files.on_disk:
            return unknown(check, f"nothing was rendered into {seen.rendered} yet", seen.start_ours)
        return warning(check, f"is not set for {_user(seen)}: 100 ms are too little, events are lost", _put_right(seen))
    if found < _LEAST_TIMEOUT:
        return warning(check, f"is {found} ms: a reader that is busy that long is cut off", _put_right(seen))
    return ok(check, f"is {found} ms")


def exposure(seen: Evidence) -> Verdict:
    """AMI isn't open to others: its secrets travel in clear."""
    check = "ami exposure"
    said = seen.console.bindaddr if seen.console else None
    address = said or (seen.operator.bindaddr if seen.operator else None)
    others = seen.operator.open_users if seen.operator else ()
    if address is None:
        return unknown(check, "where AMI listens could not be asked for", seen.look("manager show settings"))
    near = address.startswith(_NEAR)
    if others and not near:
        return error(
            check, f"AMI listens on {address}, and {some(list(others))} may log in from anywhere",
            "in manager.conf: bindaddr = 127.0.0.1, and for each user deny = 0.0.0.0/0.0.0.0 with a narrow permit",
        )  # fmt: skip
    if not near:
        return warning(check, f"AMI listens on {address}, and its secrets travel in clear", _nearer(seen))
    if others:
        return warning(
            check, f"{some(list(others))} may log in from any address, should AMI ever listen on more than {address}",
            "in manager.conf, for each user: deny = 0.0.0.0/0.0.0.0 and permit = 127.0.0.1/255.255.255.255",
        )  # fmt: skip
    return ok(check, f"it listens on {address}")


def _nearer(seen: Evidence) -> str:
    if seen.mode is Mode.PRIVATE:
        return f'ami_host = "127.0.0.1" under [asterisk] in {seen.loaded.path}, then end callhandler and start it again'
    return "in manager.conf: bindaddr = 127.0.0.1"


def _write(seen: Evidence) -> tuple[frozenset[str] | None, bool]:
    """Return the user's write classes, and whether that is Asterisk's own word (else: those that what it may do proves)."""
    if seen.console is not None and seen.console.write is not None:
        return seen.console.write, True
    if seen.ami.actions is None:
        return None, False
    return frozenset(next(iter(classes)) for classes in seen.ami.actions.values() if len(classes) == 1), False


def _user(seen: Evidence) -> str:
    return seen.loaded.site.asterisk.ami_user


def _put_right(seen: Evidence) -> str:
    """The command that puts the site's AMI user right: a rendering anew, where it isn't as rendered; else a reload."""
    name = "manager.conf" if seen.mode is Mode.PRIVATE else "callhandler_manager.conf"
    if seen.files.on_disk.get(name) == seen.files.fresh.get(name) and seen.mode is Mode.PRIVATE:
        return seen.look("manager reload")
    if seen.mode is Mode.PRIVATE:
        return seen.mend
    folder = seen.operator.folder if seen.operator else "/etc/asterisk"
    return f"install -o root -g asterisk -m 0640 {seen.quoted(seen.rendered / name)} {folder}/ && {seen.theirs('manager reload')}"
