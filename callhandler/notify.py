"""Telling whoever started the daemon that it is ready and alive: the sd_notify protocol, of systemd and of `callhandler up` alike."""

import asyncio
import os
import socket


def notify(state: str) -> None:
    """Send a state such as `READY=1`; does nothing when nobody asked to be told. See sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        try:
            out.sendto(state.encode(), address)
        except OSError:
            return  # whoever started us is gone; that is no reason to stop


async def keep_alive() -> None:
    """Say `WATCHDOG=1` at half the interval asked for. A hung event loop no longer does, and the daemon is replaced."""
    interval = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    while interval > 0:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval / 2)
    await asyncio.Event().wait()
