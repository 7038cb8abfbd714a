"""Whoever has hung up is gone a moment later. Asterisk forgets a BYE that comes in the milliseconds in which its channel is joined with
another (seen on 22.10.1): the channel would stay, in conversation with an agent who hears nothing. So it is hung up again.

Must not know calls nor agents.
"""

import asyncio
from collections.abc import Callable

import structlog

from callhandler.asterisk import wire

log = structlog.get_logger(__name__)
GONE_WITHIN = 1.0
"""Seconds after its phone has hung up in which a channel ends by itself: milliseconds, unless Asterisk is very busy."""


class Leaving:
    """Channels whose far side has hung up, until they are gone. `hang_up` gets the unique id of one that isn't."""

    def __init__(self, hang_up: Callable[[str], None]) -> None:
        self._hang_up = hang_up
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def see(self, event: str, channel: str) -> None:
        """Take note of an event about a channel."""
        if (
            ";" in channel
        ):  # one side of a Local channel: a word to a caller on hold, which ends by itself, though not at once
            return
        if event == wire.HANGUP_REQUEST and channel and channel not in self._timers:
            self._timers[channel] = asyncio.get_running_loop().call_later(GONE_WITHIN, self._still_here, channel)
        elif event == wire.HANGUP and (timer := self._timers.pop(channel, None)) is not None:
            timer.cancel()

    def forget(self) -> None:
        """The link is lost: what ends is not seen any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _still_here(self, channel: str) -> None:
        del self._timers[channel]
        log.warning("Asterisk forgot that somebody hung up", channel=channel)
        self._hang_up(channel)
