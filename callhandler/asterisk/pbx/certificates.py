"""Makes the certificates for SIP over TLS: an authority of the site's own, and a certificate for the names phones reach Asterisk by.

The program openssl does it, the machine's or the private Asterisk's. The authority is made once and kept, so that phones which trust it
go on trusting; the certificate is made anew at each call. Keys are files of mode 0600 and never an argument of a program.
"""

import ipaddress
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callhandler.asterisk.pbx.get import find_program
from callhandler.errors import CallhandlerError, Refused

AUTHORITY_DAYS, DAYS = 3_650, 825
"""Ten years for the authority; 825 days are the most that phones of some makers take for a certificate."""
_NAME = re.compile(r"(?=.{1,253}\Z)(?!(.*\.)?[0-9]+\Z)[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*")
"""Of host names; whose last part is a number is an address, or none (RFC 3696, section 2)."""
_AUTHORITY = """[req]
distinguished_name = none
x509_extensions = authority
prompt = no
[none]
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""
_SERVER = """basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = {names}
"""


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files. `authority` is what phones are told to trust; its key is needed to make the next certificate, and by nobody else."""

    authority: Path
    certificate: Path
    key: Path
    names: tuple[str, ...]


def make(folder: Path, certificate: Path, key: Path, names: Sequence[str]) -> Certificates:
    """Make `certificate` and `key` for `names` (host names, addresses), signed by the authority in `folder`, which is made if need be.

    Raises Refused for a name that is none, and CallhandlerError when openssl isn't there or fails.
    """
    alternatives = ",".join(_alternative(name) for name in names)
    if not alternatives:
        raise Refused("a certificate needs at least one name by which phones reach this machine")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority, authority_key = folder / "ca.crt", folder / "ca.key"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as place:
        new = Path(place)
        if not (authority.exists() and authority_key.exists()):
            (new / "ca.cnf").write_text(_AUTHORITY)
            _openssl(
                "req", "-x509", "-config", new / "ca.cnf", "-newkey", "rsa:3072", "-nodes", "-sha256", "-days", AUTHORITY_DAYS,
                "-subj", "/CN=callhandler telephones", "-keyout", new / "ca.key", "-out", new / "ca.crt",
            )  # fmt: skip
            _put(new / "ca.key", authority_key, 0o600)
            _put(new / "ca.crt", authority, 0o644)
        (new / "request.cnf").write_text("[req]\ndistinguished_name = none\nprompt = no\n[none]\n")
        (new / "server.cnf").write_text(_SERVER.format(names=alternatives))
        _openssl(
            "req", "-new", "-config", new / "request.cnf", "-newkey", "rsa:2048", "-nodes", "-sha256",
            "-subj", "/CN=callhandler", "-keyout", new / "key", "-out", new / "request",
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", new / "request", "-CA", authority, "-CAkey", authority_key, "-sha256", "-days", DAYS,
            "-set_serial", f"0x{os.urandom(15).hex()}", "-extfile", new / "server.cnf", "-out", new / "certificate",
        )  # fmt: skip
        _put(new / "key", key, 0o600)
        _put(new / "certificate", certificate, 0o644)
    return Certificates(authority, certificate, key, tuple(names))


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        if _NAME.fullmatch(name) is None:
            raise Refused(f"{name[:80]!r} is neither a host name nor an address") from None
        return f"DNS:{name}"


def _put(new: Path, place: Path, mode: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new.chmod(mode)
    new.replace(place)


def _openssl(*words: str | int | Path) -> None:
    program = find_program("openssl")
    if program is None:
        raise CallhandlerError("the program openssl isn't here: apt install openssl")
    done = subprocess.run(
        [*program, *map(str, words)], capture_output=True, text=True, timeout=120, check=False, umask=0o077
    )
    if done.returncode:
        last = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        raise CallhandlerError(f"openssl {words[0]} failed: {last}")
