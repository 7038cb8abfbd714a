"""Whether the ports a private Asterisk and the daemon are to listen on are free, so that a taken one is named before a log hides it."""

import asyncio
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

from callhandler.errors import CallhandlerError
from callhandler.site.models import Asterisk, Tls

_FREE_WITHIN = 3.0
"""Seconds that one which is just ending gets to give its ports up."""


class Wanted(NamedTuple):
    """A port that somebody is to listen on, and the setting that says so."""

    kind: socket.SocketKind
    address: str
    port: int
    setting: str
    who: str = "Asterisk"


async def until_free(place: Asterisk, tls: Tls | None = None, within: float = _FREE_WITHIN) -> None:
    """Wait until the AMI, SIP and TLS ports are free; of a taken TLS port Asterisk 22 says nothing at all.

    Raises CallhandlerError with the setting of one still taken after `within` seconds.
    """
    wanted = [
        Wanted(socket.SOCK_STREAM, place.ami_host, place.ami_port, "asterisk.ami_port"),
        Wanted(socket.SOCK_DGRAM, place.sip_address, place.sip_port, "asterisk.sip_port"),
    ]
    if tls is not None:
        wanted.append(Wanted(socket.SOCK_STREAM, tls.address, tls.port, "tls.port"))
    await _until_none_is_taken(wanted, within)


async def until_agi_free(place: Asterisk, within: float = _FREE_WITHIN) -> None:
    """Wait until the daemon can listen for FastAGI. Raises CallhandlerError likewise."""
    wanted = Wanted(socket.SOCK_STREAM, place.agi_host, place.agi_port, "asterisk.agi_port", "the daemon")
    await _until_none_is_taken([wanted], within)


async def _until_none_is_taken(wanted: Sequence[Wanted], within: float) -> None:
    deadline = time.monotonic() + within
    while (taken := _taken(wanted)) is not None:
        if time.monotonic() > deadline:
            raise CallhandlerError(taken)
        await asyncio.sleep(0.1)


def _taken(wanted: Sequence[Wanted]) -> str | None:
    for kind, address, port, setting, who in wanted:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                return f"{setting}: {who} can't listen on {address}:{port}: {error.strerror or error}"
    return None
