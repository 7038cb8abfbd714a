"""Checks of Asterisk itself: there, known, alone on its ports, with its modules, and with the dialplan that was meant. Pure."""

from callhandler.asterisk import agi_key, lacking
from callhandler.doctor import dialplan as plans
from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import Door, Listener, Mode
from callhandler.doctor.verdict import Verdict, error, ok, some, unknown, warning

_BY_CHOICE = frozenset({"app_record", "app_amd", "app_waitforsilence", "res_srtp"})
"""Modules that only some sites need."""


def running(seen: Evidence) -> Verdict:
    """An Asterisk answers, on its console or on AMI."""
    check = "asterisk"
    if seen.console is not None:
        return ok(check, f"Asterisk {seen.console.version} runs")
    if seen.ami.door in {Door.IN, Door.REFUSED}:
        return unknown(
            check,
            f"it answers on AMI, but its console can't be asked ({seen.console_trouble}): modules, dialplan and phones were not seen",
            f"sudo {seen.ours('doctor')}",
        )
    if (pid := seen.machine.pid) is not None:
        sentence = f"it runs as process {pid} and doesn't answer: {seen.console_trouble}"
        return error(check, sentence, f"kill -9 {pid}   # its calls end; `callhandler up` or systemd starts it again")
    return error(check, f"it doesn't run: {seen.console_trouble or 'nobody answers'}", seen.start)


def version(seen: Evidence) -> Verdict:
    """Old enough to be known, new enough to be safe."""
    check = "asterisk version"
    said = seen.console.version if seen.console else None
    found = lacking.numbers(said or "")
    if said is None or found is None:
        return unknown(check, "it could not be asked", seen.look("core show version"))
    if not (lacks := lacking.of_version(found, seen.console.modules if seen.console else None)):
        return ok(check, f"{said} has no hole known here")
    wanted = lacking.SAFE.get(found[0], lacking.SAFE[22])
    remedy = f"install Asterisk {lacking.written(wanted)} or newer"
    if isinstance(found, lacking.Certified):
        remedy = "install the newest certified release"
    return (error if found[0] < lacking.OLDEST else warning)(check, "; ".join(lacks), remedy)


def ports(seen: Evidence) -> Verdict:
    """Each port is held by who should hold it, and by nobody besides."""
    check = "ports"
    if seen.listeners is None:
        return unknown(check, "this system doesn't tell who listens", "ss -lntup")
    place = seen.loaded.site.asterisk
    daemon = seen.daemon.status.pid if seen.daemon.status else seen.machine.daemon
    wanted = [("AMI", "tcp", place.ami_port, seen.machine.pid), ("FastAGI", "tcp", place.agi_port, daemon)]
    if seen.mode is Mode.PRIVATE:
        wanted.append(("SIP", "udp", place.sip_port, seen.machine.pid))
        if (tls := seen.loaded.site.tls) is not None:
            wanted.append(("TLS", "tcp", tls.port, seen.machine.pid))
    for name, protocol, port, owner in wanted:
        holders = [one for one in seen.listeners if (one.protocol, one.port) == (protocol, port)]
        strangers = [one for one in holders if one.pid is not None and one.pid != owner]
        if owner is None and name == "AMI" and seen.mode is Mode.ATTACHED and seen.ami.door is not Door.FOREIGN:
            continue  # whose Asterisk's process can't be seen
        if strangers:
            return error(
                check,
                f"{name} port {port} is held by {_named(strangers[0])}" + (", too" if len(holders) > 1 else ""),
                f"{_end(strangers[0], seen)}, or choose another port in {seen.loaded.path}",
            )
        addresses = [one.address for one in holders]
        if len(set(addresses)) < len(addresses):
            return error(
                check, f"two programs listen on {name} port {port}: each gets some of the traffic", "ss -lntup"
            )
    missing = [
        f"{name} {port}"
        for name, protocol, port, owner in wanted
        if owner is not None and not any((one.protocol, one.port) == (protocol, port) for one in seen.listeners)
    ]
    if missing:
        silent = seen.again if seen.mode is Mode.PRIVATE else seen.start  # it runs, so `up` would be refused
        remedy = seen.start_ours if "FastAGI" in missing[0] else silent
        return error(check, f"nobody listens on {some(missing)}", remedy)
    if all(owner is None for *_, owner in wanted):
        held = {(one.protocol, one.port) for one in seen.listeners}
        if taken := [f"{name} {port}" for name, protocol, port, _ in wanted if (protocol, port) in held]:
            return unknown(
                check, f"{some(taken)} is held, and this user can't see by whom", f"sudo {seen.ours('doctor')}"
            )
        return unknown(check, "neither Asterisk nor the daemon runs; nobody else holds their ports", seen.start)
    return ok(check, "every port is held by who should hold it")


def modules(seen: Evidence) -> Verdict:
    """All modules that calls need are loaded; in a private Asterisk also the rest of the list."""
    check = "modules"
    loaded = seen.console.modules if seen.console else None
    if loaded is None:
        return unknown(check, "they could not be asked for", seen.look("module show"))
    needed = [name for name in (*lacking.NEEDED, *_wanted(seen)) if name not in loaded]
    if needed:
        return error(check, f"{some(needed)} not loaded: calls fail", seen.theirs(f"module load {needed[0]}.so"))
    lost = [name for name in lacking.INSTEAD if name not in loaded and name not in _BY_CHOICE]
    if lost:
        remedy = seen.theirs(f"module load {lost[0]}.so   # where it isn't: install a whole Asterisk")
        return warning(check, "; ".join(lacking.of_modules(lost)), remedy)
    rest = sorted(seen.files.modules - loaded) if seen.mode is Mode.PRIVATE else []
    if rest:
        return warning(check, f"{some(rest)} not loaded", seen.theirs(f"module load {rest[0]}.so"))
    return ok(check, f"all that calls need are loaded ({len(loaded)} in all)")


def _wanted(seen: Evidence) -> list[str]:
    """Return the modules that this site's own choices need besides."""
    site = seen.loaded.site
    wanted = ["app_record"] if site.waiting.away_message_after is not None else []
    encrypted = [*(one.encrypted for one in site.phones.values()), *(one.encrypted for one in site.trunks.values())]
    wanted += ["res_srtp"] if any(encrypted) else []
    return wanted + (["app_amd", "app_waitforsilence"] if site.callbacks is not None and site.callbacks.amd else [])


def configuration(seen: Evidence) -> Verdict:
    """What lies in Asterisk's folder is what the site file means."""
    check = "configuration"
    fresh, there = seen.files.fresh, seen.files.on_disk
    if not fresh:
        return unknown(check, "the site file can't be rendered", seen.ours("check"))
    if not there:
        return unknown(check, f"nothing was rendered into {seen.rendered} yet", seen.start_ours)
    differing = [name for name, text in fresh.items() if there.get(name) != text]
    if differing:
        return warning(
            check, f"{some(differing)} in {seen.rendered} isn't what the site file means (edited by hand, or the site file is newer)",
            seen.mend,
        )  # fmt: skip
    return ok(check, "what was rendered is what the site file means")


def dialplan(seen: Evidence) -> Verdict:
    """The dialplan that Asterisk has loaded is the one that the site file means."""
    check = "dialplan"
    name = "extensions.conf" if seen.mode is Mode.PRIVATE else "callhandler_extensions.conf"
    loaded = seen.console.plan if seen.console else None
    text = seen.files.fresh.get(name)
    if loaded is None or text is None:
        return unknown(check, "what is loaded could not be asked for", seen.look("dialplan show callhandler-entry"))
    found = plans.differences(plans.written(text), loaded)
    there = seen.files.on_disk.get(name)
    if not found:
        if there is not None and plans.differences(plans.written(there), loaded):
            return warning(check, f"{name} was edited and isn't loaded; the next reload drops the edits", seen.mend)
        return ok(check, f"what is loaded is what was meant ({len(loaded)} extensions)")
    remedy = _loading(seen, name)
    if not loaded and seen.mode is Mode.ATTACHED:
        return error(check, "callhandler's contexts aren't loaded at all", _include(seen, name, "extensions"))
    return error(check, f"what is loaded isn't what the site file means: {some(found, 3)}", remedy)


def fastagi_key(seen: Evidence) -> Verdict:
    """The dialplan that Asterisk has loaded carries the key by which the daemon knows its sessions."""
    check = "fastagi key"
    plan = seen.console.plan if seen.console else None
    if not plan:
        return unknown(
            check, "the dialplan that is loaded could not be asked for", seen.look("dialplan show callhandler-entry")
        )
    wanted = agi_key.key_of(seen.loaded.site.asterisk.ami_secret.get_secret_value())
    loaded = agi_key.keys_in("\n".join(step for steps in plan.values() for step in steps))
    if loaded == {wanted}:
        return ok(check, "the dialplan proves itself to the daemon")
    said = "no key" if loaded <= {""} else "another key"
    name = "extensions.conf" if seen.mode is Mode.PRIVATE else "callhandler_extensions.conf"
    return error(
        check,
        f"the dialplan that is loaded carries {said}: the daemon refuses its calls, and callers hear music",
        _loading(seen, name),
    )


def includes(seen: Evidence) -> Verdict:
    """An operator's own configuration includes ours."""
    check = "includes"
    if seen.mode is Mode.PRIVATE:
        return ok(check, "the private Asterisk has a configuration of its own")
    own = seen.operator
    if own is None or not own.readable:
        where = "Asterisk's configuration" if own is None else str(own.folder)
        return unknown(check, f"{where} can't be read by this user", f"sudo {seen.ours('doctor')}")
    missing = [name for name in seen.files.fresh if name not in own.includes]
    if missing:
        base = missing[0].removeprefix("callhandler_").removesuffix(".conf")
        return error(
            check, f"{some(missing)} isn't included anywhere in {own.folder}", _include(seen, missing[0], base)
        )
    return ok(check, f"{own.folder} includes what was rendered")


def _loading(seen: Evidence, name: str) -> str:
    """Return the command that has Asterisk load the dialplan that is meant: rendered first, where what lies there isn't it."""
    if seen.files.on_disk.get(name) != seen.files.fresh.get(name):
        return seen.mend
    reload = seen.theirs("dialplan reload")
    return f"{_install(seen, name)} && {reload}" if seen.mode is Mode.ATTACHED else reload


def _install(seen: Evidence, name: str) -> str:
    folder = seen.operator.folder if seen.operator else "/etc/asterisk"
    return f"install -o root -g asterisk -m 0640 {seen.quoted(seen.rendered / name)} {folder}/"


def _include(seen: Evidence, name: str, base: str) -> str:
    folder = seen.operator.folder if seen.operator else "/etc/asterisk"
    return f"{_install(seen, name)} && echo '#include {name}' >> {folder}/{base}.conf && {seen.theirs('core reload')}"


def _named(one: Listener) -> str:
    whose = "" if one.site is None else f" of the site {one.site}"
    return f"{one.program or 'a program'}{whose} (process {one.pid})"


def _end(one: Listener, seen: Evidence) -> str:
    """Return how to end a program; a killed Asterisk of another site would be started again, one that this site left behind would not."""
    if one.site in (None, seen.loaded.directory):
        return f"end it (kill {one.pid})"
    return f"end its `callhandler up` (Ctrl-C there, or kill $(cat {seen.quoted(one.site / 'var' / 'up.lock')}))"
