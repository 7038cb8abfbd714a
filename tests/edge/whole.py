"""The whole daemon in a test's own process, on a fake Asterisk, and what tests do with it: ask it, edit its site, call it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from callhandler.control.client import Client
from callhandler.daemon import Daemon
from callhandler.site.loading import load
from tests.edge.fake_asterisk import FakeAgi, agi_call, header_block
from tests.edge.waiting import until

T = TypeVar("T")
CALL = "pbx1-1.1"
SITE = """
[company]
name = "Test"
operator = "queue:sales"
[asterisk]
ami_port = {ami}
agi_port = {agi}
ami_secret = "{secret}"
[speech]
command = ["cp", "{spoken}", "{{file}}"]
[phones.101]
password = "a-password-of-101"
[phones.102]
password = "a-password-of-102"
[agents.7001]
name = "Ann"
pin = "481516"
phone = "101"
[agents.7002]
name = "Bob"
pin = "815162"
[queues.sales]
name = "Sales"
fallback = "hangup"
[queues.support]
name = "Support"
fallback = "hangup"
[numbers.5000]
enters = "queue:sales"
"""


@contextlib.asynccontextmanager
async def running(site: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(load(site))
    try:
        await daemon.start()
        await until(lambda: daemon.switchboard.link is not None)
        yield daemon
    finally:
        await daemon.stop()


async def ask(site: Path, what: Callable[[Client], T]) -> T:
    return await asyncio.to_thread(lambda: what(Client(site / "var" / "control.sock")))


def edit(site: Path, old: str, new: str) -> None:
    file = site / "callhandler.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@contextlib.asynccontextmanager
async def caller(site: Path, *lines: bytes, call: str = CALL) -> AsyncIterator[list[bytes]]:
    """A call from the trunk, whose Asterisk does all it is told and in which no key is ever pressed; gives what it was told."""
    block = header_block(b"agi_callerid: 15550100", *lines, uniqueid=call.encode()).replace(
        b"agi_arg_2: pstn", b"agi_arg_2: trunk:pstn"
    )
    asterisk = await agi_call(load(site).site.asterisk.agi_port, block)
    told: list[bytes] = []
    obeying = asyncio.get_running_loop().create_task(_obey(asterisk, told))
    try:
        yield told
    finally:
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)
        await asterisk.close()


async def _obey(asterisk: FakeAgi, told: list[bytes]) -> None:
    while line := await asterisk.command(60.0):
        told.append(line)
        if not line.startswith(b"WAIT FOR DIGIT"):
            asterisk.send(b"200 result=0\n")


async def waiting(daemon: Daemon, call: str = CALL) -> None:
    here = daemon.switchboard.calls.here
    await until(lambda: call in here and here[call].queue == "sales")
