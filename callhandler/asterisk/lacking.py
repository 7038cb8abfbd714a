"""What an Asterisk lacks, by its version and its modules, and what people get instead: one table, said at start and by the doctor.

Pure: a version and names in, sentences out. From Asterisk's change logs and advisories, and from running on it (docs/compatibility.md).
"""

import re
from collections.abc import Collection, Mapping

OLDEST = 16
"""The oldest major version that calls work on."""
ANY_VERSION = (OLDEST,)
"""What is written for this version is understood by all later ones."""
SAFE = {20: (20, 20, 1), 22: (22, 10, 1), 23: (23, 4, 1)}
"""The branches that are mended, each with its first release without the holes known when this was written."""
_BY_NAME = {18: (26,), 20: (11,), 21: (6,), 22: (1,)}
"""Event filters by name: asterisk/asterisk#874."""
_CONFINED = {18: (24, 2), 20: (9, 2), 21: (4, 2)}
"""AMI's Originate can't write files: CVE-2024-42365, https://github.com/asterisk/asterisk/security/advisories/GHSA-c4cg-9275-6w44."""
_CONFINED_CERTIFIED = {18: (9, 11), 20: (7, 2)}
"""The certified releases in which the same was mended: 18.9-cert11 and 20.7-cert2, by the CVE's record and those releases' change logs."""
_WRITES_FILES = "func_env"
"""The module with the function FILE, by which it does so; the private Asterisk doesn't load it."""
NEEDED = (
    "chan_pjsip", "res_pjsip", "res_pjsip_session", "res_pjsip_registrar", "res_pjsip_sdp_rtp", "res_rtp_asterisk", "res_agi",
    "res_manager_devicestate", "res_musiconhold", "pbx_config", "app_dial", "app_playback", "app_stack", "func_channel", "func_lock",
    "func_logic", "func_strings", "func_timeout", "bridge_simple",
)  # fmt: skip
"""Without one of these modules calls fail, whoever configured Asterisk."""
INSTEAD = {
    "app_amd": "answering machines that are called back are taken for people",
    "app_chanspy": "callers on hold hear music and no word",
    "app_record": "no messages are taken while the daemon is away",
    "app_waitforsilence": "no message is left with answering machines",
    "func_devstate": "Asterisk rings no phones while the daemon is away",
    "res_pjsip_dtmf_info": "keys that phones send by SIP INFO aren't heard",
    "res_pjsip_endpoint_identifier_ip": "calls from trunks are refused",
    "res_pjsip_messaging": "the reminder of a hold rings, and no text is sent",
    "res_pjsip_refer": "agents can't transfer calls",
    "res_security_log": "who guesses passwords isn't written down for fail2ban",
    "res_srtp": "phones and trunks that are `encrypted` can't call",
}
"""What people get where one of these modules isn't."""


class Certified(tuple[int, ...]):
    """The numbers of a certified release: (20, 7, 5) of `certified/20.7-cert5`, which is mended apart from the plain 20.7 it began as."""

    __slots__ = ()


def numbers(text: str) -> tuple[int, ...] | None:
    """A version's numbers: `22.10.1+dfsg-1` is (22, 10, 1), `certified-20.7-cert5` Certified (20, 7, 5). None where it has none."""
    found = re.match(r"(?:certified[/-])?(\d+)\.(\d+)(?:\.(\d+)|-cert(\d+))?", text)
    if found is None:
        return None
    parts = tuple(int(part) for part in found.groups() if part)
    return Certified(parts) if found[4] else parts


def written(version: tuple[int, ...]) -> str:
    """A version as people write it."""
    if isinstance(version, Certified):
        return f"{version[0]}.{version[1]}-cert{version[2]}"
    return ".".join(map(str, version))


def of_version(version: tuple[int, ...], loaded: Collection[str] | None = None) -> list[str]:
    """What this version lacks, one sentence each. `loaded`: its modules; None where they aren't known. No version: nothing is known.

    Of certified releases less is known: not until when a branch is mended, nor in which of them each hole is.
    """
    if not version:
        return []
    said, certified = written(version), isinstance(version, Certified)
    found = []
    if version[0] < OLDEST:
        found.append(f"Asterisk {said} is older than {OLDEST}, and was never tried: calls may fail")
    if not certified and is_ended(version):
        found.append(
            f"Asterisk {said} is of a branch that gets no repairs any more: holes stay open, but those that your distribution mends"
        )
    elif not certified and version < (safe := SAFE.get(version[0], version)):
        found.append(f"Asterisk {said} has known holes, mended in {written(safe)}")
    if not _reached(version, _CONFINED_CERTIFIED if certified else _CONFINED) and (
        loaded is None or _WRITES_FILES in loaded
    ):
        found.append(
            f"Asterisk {said} with the module {_WRITES_FILES} lets whoever knows AMI's secret write its files (CVE-2024-42365), "
            f"unless your distribution mended that: put noload = {_WRITES_FILES}.so into modules.conf"
        )
    return found


def of_modules(missing: Collection[str]) -> list[str]:
    """What this build lacks."""
    found = [f"module {name} isn't there: calls fail" for name in NEEDED if name in missing]
    return found + [f"module {name} isn't there: {instead}" for name, instead in INSTEAD.items() if name in missing]


def is_ended(version: tuple[int, ...]) -> bool:
    """Whether a version is of a branch that gets no repairs any more."""
    return version[0] < max(SAFE) and version[0] not in SAFE


def filters_by_name(version: tuple[int, ...]) -> bool:
    """Whether `manager.conf` can filter events by their names; others search each event's text, which costs microseconds more."""
    return _reached(version, _BY_NAME)


def _reached(version: tuple[int, ...], since: Mapping[int, tuple[int, ...]]) -> bool:
    """Whether a version has what came with these releases of each branch, and with every later branch."""
    major, rest = version[0], version[1:]
    return major > max(since) or (major in since and rest >= since[major])
