"""What every new AMI connection goes through: connect, log in, ask what is there. One path for the start and every reconnect.

Must not know what is done with it; `ami.py` observes it.
"""

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field, replace

import structlog

from callhandler.asterisk import wire
from callhandler.asterisk.ami_link import AmiConnection, AmiLost, Headers, OnEvent
from callhandler.asterisk.ami_text import Fields
from callhandler.asterisk.meanings import live_channel, phone_seen
from callhandler.core.observed import LinkUp
from callhandler.errors import CallhandlerError

log = structlog.get_logger(__name__)
RECEIVE_BUFFER = 4 << 20
_SO_RCVBUFFORCE = 33


@dataclass(frozen=True, slots=True)
class AmiLink:
    """Where AMI is and how to log in. Durations in seconds.

    `refused_retry` keeps a wrong password under the ten failures in ten minutes at which fail2ban bans by default; `booting` is
    how long FullyBooted is waited for, which a user without `read=system` never gets; `overdue` is how long after its ring
    time a leg may stay unexplained.
    """

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    ping: float = 10.0
    deadline: float = 5.0
    slowest_retry: float = 5.0
    refused_retry: float = 120.0
    booting: float = 1.0
    overdue: float = 10.0


class AmiRefused(CallhandlerError):
    """Asterisk does not take the user or the secret."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is there: as the observation, and by each channel's unique id its ChannelState and the name of its lock ("" for most)."""

    seen: LinkUp
    states: dict[str, str]
    locks: dict[str, str]


async def connect(link: AmiLink, on_event: OnEvent) -> AmiConnection:
    """Return a connection that has shown AMI's banner. Raises OSError, TimeoutError or AmiLost."""
    async with asyncio.timeout(link.deadline):
        connection = await open_connection(link.host, link.port, on_event)
        try:
            await asyncio.wait({connection.lost, connection.banner}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            connection.close("given up")
            raise
    if connection.lost.done():
        raise AmiLost(connection.lost.result())
    if not connection.banner.result().startswith(wire.BANNER):
        connection.close("what answers there is not AMI")
        raise AmiLost("what answers there is not AMI")
    return connection


async def open_connection(host: str, port: int, on_event: OnEvent) -> AmiConnection:
    """Connect, with a receive buffer of 4 MiB where the system allows it. Raises OSError.

    The buffer is asked for before connecting, since the window is agreed on then. It is what a stall of ours lives on
    before Asterisk cuts us off.
    """
    loop = asyncio.get_running_loop()
    errors: list[OSError] = []
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            with contextlib.suppress(OSError):  # only for the privileged, and only on Linux
                sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await loop.sock_connect(sock, address)
            _, connection = await loop.create_connection(lambda: AmiConnection(on_event), sock=sock)
        except OSError as error:
            errors.append(error)
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return connection
    raise errors[0] if errors else OSError(f"{host} has no address")


async def log_in(connection: AmiConnection, link: AmiLink, booted: asyncio.Event) -> None:
    """Log in and wait for FullyBooted, but not for long. Raises AmiRefused for a wrong user or secret, else AmiLost."""
    login: Headers = {"Username": link.user, "Secret": link.secret, "Events": wire.EVENT_CLASSES}
    answer = await connection.ask(wire.LOGIN, login, link.deadline)
    if not answer.good:
        raise AmiRefused(answer.message)
    try:
        async with asyncio.timeout(link.booting):
            await booted.wait()
    except TimeoutError:
        log.info("no FullyBooted came: the AMI user may lack read=system")


async def take_snapshot(connection: AmiConnection, deadline: float) -> Snapshot:
    """Ask what is there. Each question has `deadline` seconds. Raises AmiLost."""
    node = await _value(connection, wire.SYSTEM_NAME, deadline)
    settings = await connection.ask(wire.CORE_SETTINGS, {}, deadline)  # refused to a user without `reporting`
    version = settings.fields.get(wire.ASTERISK_VERSION) or await _value(connection, wire.VERSION_FUNCTION, deadline)
    loop = asyncio.get_running_loop()
    asked = loop.time()
    status = await _list(connection, wire.STATUS_ACTION, {"Variables": wire.VARIABLE_LOCK}, deadline)
    devices = await _list(connection, wire.DEVICE_STATE_LIST, {}, deadline)
    held = await _who_holds(connection, status, deadline)
    channels = tuple(replace(channel, held=held.get(channel.channel)) for channel in map(live_channel, status))
    phones = tuple(seen for row in devices if (seen := phone_seen(row)) is not None)
    states = {row.get(wire.UNIQUEID, ""): row.get(wire.CHANNEL_STATE, "") for row in status}
    locks = {
        row.get(wire.UNIQUEID, ""): row.get("Variable", "").removeprefix(f"{wire.VARIABLE_LOCK}=") for row in status
    }
    version = spelt(version) or connection.banner.result()
    return Snapshot(LinkUp(node, version, channels, phones, loop.time() - asked), states, locks)


def spelt(version: str) -> str:
    """Return a version as people write it: VERSION() of Debian's build says 221001 for 22.10.1."""
    if not version.isdigit() or len(version) < 5:
        return version
    number = int(version)
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


async def _value(connection: AmiConnection, variable: str, deadline: float) -> str:
    answer = await connection.ask(wire.GETVAR, {"Variable": variable}, deadline)
    return answer.fields.get(wire.VALUE, "")


async def _who_holds(connection: AmiConnection, status: list[Fields], deadline: float) -> dict[str, bool]:
    """Ask of each answered offer whether its phone holds the caller: Status doesn't tell. All are asked at once."""
    legs = [row for row in status if row.get(wire.CONTEXT) == wire.CONTEXT_OFFER and row.get(wire.STATUS_BRIDGE)]
    questions = [{"Channel": row.get(wire.CHANNEL, ""), "Variable": wire.HELD_VARIABLE} for row in legs]
    answers = await asyncio.gather(*(connection.ask(wire.GETVAR, question, deadline) for question in questions))
    told = {
        row.get(wire.UNIQUEID, ""): answer.fields.get(wire.VALUE) for row, answer in zip(legs, answers, strict=True)
    }
    return {channel: value == "1" for channel, value in told.items() if value in ("0", "1")}


async def _list(connection: AmiConnection, name: str, headers: Headers, deadline: float) -> list[Fields]:
    answer = await connection.ask(name, headers, deadline)
    if not answer.good:
        log.error("Asterisk refused a list that is needed", action=name, reason=answer.message)
    return answer.rows
