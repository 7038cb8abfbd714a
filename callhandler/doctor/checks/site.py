"""Checks of the site's own files. Pure."""

import ipaddress

from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import Mode, Shown
from callhandler.doctor.verdict import Verdict, error, ok, some, unknown, warning

_DAY, _SOON = 86_400.0, 30


def site_file(seen: Evidence) -> Verdict:
    """The site file can be read and does nothing to callers that nobody can want."""
    check = "site file"
    if seen.lint_errors:
        count = len(seen.lint_errors)
        return error(check, f"has {count} mistake{'s'[: count > 1]}: {seen.lint_errors[0]}", seen.ours("check"))
    if seen.lint_warnings:
        count = len(seen.lint_warnings)
        return warning(
            check, f"can be used; {count} thing{'s'[: count > 1]} would be wiser otherwise", seen.ours("check")
        )
    return ok(check, f"{seen.loaded.path} is good")


def file_modes(seen: Evidence) -> Verdict:
    """Files with passwords in them are read by their owner alone."""
    check = "file modes"
    files = seen.files
    if files.site_mode is not None and files.site_mode & 0o077:
        return error(
            check,
            f"{seen.loaded.path} holds passwords, and others can read it (mode {files.site_mode:04o})",
            f"chmod 600 {seen.quoted(seen.loaded.path)}",
        )
    if files.etc_mode is not None and files.etc_mode & 0o077:
        return error(
            check,
            f"{seen.rendered} holds passwords, and others can look into it (mode {files.etc_mode:04o})",
            f"chmod 700 {seen.quoted(seen.rendered)}",
        )
    if seen.operator is not None and seen.operator.readable_by_others:
        names = seen.operator.readable_by_others
        return error(
            check,
            f"{some(names)} in {seen.operator.folder} can be read by everybody: AMI's secret and the FastAGI key stand in them",
            f"chmod o= {' '.join(seen.quoted(seen.operator.folder / name) for name in names)}",
        )
    if files.site_mode is None:
        return unknown(check, f"the mode of {seen.loaded.path} can't be seen")
    return ok(check, "passwords are readable by their owner alone")


def trunks_in_clear(seen: Evidence) -> Verdict:
    """SIP and audio of a trunk travel in clear: fine on this machine and in private networks, worth knowing elsewhere."""
    check = "trunks"
    trunks = seen.loaded.site.trunks.items()
    outside = [name for name, trunk in trunks if not trunk.encrypted and not _is_near(trunk.host)]
    if seen.mode is Mode.PRIVATE and outside:
        return warning(
            check,
            f"calls over {some(outside)} travel in clear (SIP without TLS, RTP without encryption)",
            f"where the provider takes it: `encrypted = true` and its TLS port under [trunks.{outside[0]}]; else a private line or a VPN",
        )
    return ok(check, "no call travels in clear beyond private networks")


def certificate(seen: Evidence) -> Verdict:
    """Phones that speak TLS are shown the site's certificate, and it is good for a while yet."""
    check = "certificate"
    if seen.loaded.site.tls is None or seen.mode is not Mode.PRIVATE:
        return ok(check, "no phone is asked to speak TLS")
    found, anew = seen.tls, f"{seen.ours('certs')}   # then end callhandler and start it again"
    if found is None:
        return error(check, "TLS could not be looked at", seen.look("pjsip show transports"))
    match found.shown:
        case Shown.UNUSABLE:
            return error(check, found.trouble, anew)
        case Shown.OTHER:
            return warning(check, f"{found.trouble}: a new one is shown from a start on", seen.again)
        case Shown.NONE if seen.machine.pid is None:
            return unknown(check, f"{found.trouble}: Asterisk doesn't run", seen.start)
        case Shown.NONE:
            return error(check, found.trouble, seen.again)
    days = int((found.ends - seen.now) // _DAY)
    if days < _SOON:
        return warning(check, f"ends in {days} days: encrypted phones will not connect then", anew)
    return ok(check, f"is the site's, and good for {days} days")


def _is_near(host: str) -> bool:
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        return host == "localhost"
    return network.is_loopback or network.is_private
