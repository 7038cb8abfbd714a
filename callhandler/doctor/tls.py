"""Looks at SIP over TLS as a phone does: connects, and asks for the certificate. Judges nothing."""

import socket
import ssl
from pathlib import Path

from callhandler.doctor.seen import Shown, TlsSeen

_PATIENCE = 2.0
_OVER = frozenset({9, 10})
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED (openssl/x509_vfy.h)."""


def look(address: str, port: int, certificate: Path) -> TlsSeen:
    """Return how long the certificate that is shown is good, if it is the one in the file; else what is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # phones may know this machine by any of its names
    context.verify_flags |= (
        ssl.VERIFY_X509_PARTIAL_CHAIN
    )  # the certificate in the file vouches for itself, not who signed it
    try:
        context.load_verify_locations(certificate)
    except OSError as error:
        return TlsSeen(shown=Shown.UNUSABLE, trouble=f"{certificate} can't be used: {error.strerror or error}")
    where = "127.0.0.1" if address in {"0.0.0.0", "::"} else address  # noqa: S104 - compared, not listened on
    try:
        with (
            socket.create_connection((where, port), _PATIENCE) as link,
            context.wrap_socket(link, server_hostname=where) as secure,
        ):
            ends = str((secure.getpeercert() or {}).get("notAfter"))
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _OVER:  # which is found out of the one in the file alone: another has failed before
            return TlsSeen(shown=Shown.UNUSABLE, trouble=f"the certificate is not good: {error.verify_message}")
        return TlsSeen(shown=Shown.OTHER, trouble=f"the certificate shown is not the one in {certificate}")
    except OSError as error:
        return TlsSeen(shown=Shown.NONE, trouble=f"nobody speaks TLS at {where}:{port}: {error.strerror or error}")
    return TlsSeen(shown=Shown.OWN, ends=ssl.cert_time_to_seconds(ends))
