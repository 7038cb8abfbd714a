"""Whether the ports a private Asterisk is to listen on are free, so that a taken one is named before Asterisk hides it in its log."""

import asyncio
import socket
import time

from callhandler.errors import CallhandlerError
from callhandler.site.models import Asterisk, Tls

_FREE_WITHIN = 3.0
"""Seconds that one which is just ending gets to give its ports up."""


async def until_free(place: Asterisk, tls: Tls | None = None, within: float = _FREE_WITHIN) -> None:
    """Wait until the AMI, SIP and TLS ports are free; of a taken TLS port Asterisk 22 says nothing at all.

    Raises CallhandlerError with the setting of one still taken after `within` seconds.
    """
    deadline = time.monotonic() + within
    while (taken := _taken(place, tls)) is not None:
        if time.monotonic() > deadline:
            raise CallhandlerError(taken)
        await asyncio.sleep(0.1)


def _taken(place: Asterisk, tls: Tls | None) -> str | None:
    doors = [
        (socket.SOCK_STREAM, place.ami_host, place.ami_port, "asterisk.ami_port"),
        (socket.SOCK_DGRAM, place.sip_address, place.sip_port, "asterisk.sip_port"),
    ]
    if tls is not None:
        doors.append((socket.SOCK_STREAM, tls.address, tls.port, "tls.port"))
    for kind, address, port, key in doors:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                return f"{key}: Asterisk can't listen on {address}:{port}: {error.strerror or error}"
    return None
