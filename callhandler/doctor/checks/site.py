"""Checks of the site's own files. Pure."""

import ipaddress

from callhandler.doctor.evidence import Evidence
from callhandler.doctor.seen import Mode
from callhandler.doctor.verdict import Verdict, error, ok, some, unknown, warning


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
    outside = [name for name, trunk in seen.loaded.site.trunks.items() if not _is_near(trunk.host)]
    if seen.mode is Mode.PRIVATE and outside:
        return warning(
            check,
            f"calls over {some(outside)} travel in clear (SIP without TLS, RTP without encryption)",
            "reach the provider through a private line or a VPN, or put a session border controller that speaks TLS in between",
        )
    return ok(check, "no call travels in clear beyond private networks")


def _is_near(host: str) -> bool:
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        return host == "localhost"
    return network.is_loopback or network.is_private
