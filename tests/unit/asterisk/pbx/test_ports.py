"""A port that is taken is named by its setting; one that is just being given up is waited for."""

import asyncio
import socket

import pytest
from pydantic import SecretStr

from callhandler.asterisk.pbx.ports import until_agi_free, until_free
from callhandler.errors import CallhandlerError
from callhandler.site.models import Asterisk, Tls


def place(ami: int, sip: int) -> Asterisk:
    return Asterisk(ami_secret=SecretStr("twelve-letters"), ami_port=ami, sip_port=sip, sip_address="127.0.0.1")


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_taken_port_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(CallhandlerError, match=r"asterisk\.sip_port"):
            await until_free(place(free(), other.getsockname()[1]), within=0.2)


async def test_so_is_a_taken_port_for_tls_of_which_asterisk_says_nothing() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        tls = Tls(address="127.0.0.1", port=other.getsockname()[1])
        with pytest.raises(CallhandlerError, match=r"tls\.port"):
            await until_free(place(free(), free()), tls, within=0.2)


async def test_one_that_is_being_given_up_is_waited_for() -> None:
    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    other.listen()
    asyncio.get_running_loop().call_later(0.3, other.close)
    await asyncio.wait_for(until_free(place(other.getsockname()[1], free())), 3)


async def test_the_daemons_port_is_waited_for_and_then_said_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site = place(free(), free()).model_copy(update={"agi_host": "127.0.0.1", "agi_port": port})
        with pytest.raises(CallhandlerError, match=rf"asterisk.agi_port: the daemon can't listen on 127.0.0.1:{port}"):
            await until_agi_free(site, within=0.1)
        asyncio.get_running_loop().call_later(0.15, taken.close)
        await until_agi_free(site, within=30)
