"""One connection to AMI: bytes in and out, replies to actions, liveness. Gone when it is lost; `ami.py` makes the next.

Must not know what events mean, and never logs what it sends: a login holds the secret.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import structlog

from callhandler.asterisk import wire
from callhandler.asterisk.ami_text import AmiTextError, Fields, Framer, action, event_name, fields, reply
from callhandler.errors import CallhandlerError

log = structlog.get_logger(__name__)

OnEvent = Callable[[str, bytes], None]
OnReply = Callable[["Reply | None"], None]
Headers = Mapping[str, str | Sequence[str]]


class AmiLost(CallhandlerError):
    """The connection went away before the answer came."""


@dataclass(slots=True)
class Reply:
    """What an action was answered: its own headers, and the events that listed the rest."""

    fields: Fields
    rows: list[Fields] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether Asterisk did it."""
        return self.fields.get(wire.RESPONSE) == wire.SUCCESS

    @property
    def message(self) -> str:
        """Asterisk's word for how it went."""
        return self.fields.get(wire.MESSAGE, "")


@dataclass(slots=True)
class _Pending:
    on_reply: OnReply
    timer: asyncio.TimerHandle
    reply: Reply | None = None


class AmiConnection(asyncio.Protocol):
    """One connection, from the banner to its loss. `lost` is done, with the reason, when it is over."""

    def __init__(self, on_event: OnEvent) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.banner: asyncio.Future[str] = self._loop.create_future()
        self._on_event = on_event
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._pending: dict[str, _Pending] = {}
        self._lists: set[str] = set()
        self._number = 0
        self._heard = self._loop.time()

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on every message that is complete. Never blocks: a slow reader is cut off by Asterisk and loses events."""
        self._heard = self._loop.time()
        try:
            for message in self._framer.feed(data):
                self._message(message)
        except AmiTextError as error:
            self.close(str(error))
        if self._framer.banner is not None and not self.banner.done():
            self.banner.set_result(self._framer.banner)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everyone who waits that nothing more will come."""
        if not self.lost.done():
            self.lost.set_result(str(exc) if exc else "Asterisk closed the connection")
        if not self.banner.done():
            self.banner.cancel()
        for pending in list(self._pending.values()):
            self._settle(pending, None)
        self._pending.clear()

    # --- what ami.py calls ---

    def send(self, name: str, headers: Headers, on_reply: OnReply, deadline: float) -> None:
        """Send an action once. `on_reply` gets the reply, or None after `deadline` seconds or when the link is lost, now or already.

        Raises Unquotable, with nothing sent, for values that can't be said.
        """
        self._number += 1
        action_id = f"ch-{self._number}"
        text = action(name, action_id, headers)
        if self._transport is None or self.lost.done():  # uvloop would raise RuntimeError
            self._loop.call_soon(on_reply, None)
            return
        timer = self._loop.call_later(deadline, self._late, action_id)
        self._pending[action_id] = _Pending(on_reply, timer)
        if name in (wire.STATUS_ACTION, wire.DEVICE_STATE_LIST):
            self._lists.add(action_id)
        self._transport.write(text)

    async def ask(self, name: str, headers: Headers, deadline: float) -> Reply:
        """Send an action once and return its reply. Raises AmiLost when none comes within `deadline` seconds."""
        answer: asyncio.Future[Reply | None] = self._loop.create_future()
        self.send(name, headers, lambda got: None if answer.done() else answer.set_result(got), deadline)
        got = await answer
        if got is None:
            raise AmiLost(
                self.lost.result() if self.lost.done() else f"Asterisk did not answer {name} within {deadline:g} s"
            )
        return got

    async def watch(self, ping: float) -> str:
        """Return why the connection was lost. Pings after `ping` silent seconds; two that bring nothing mean it is dead."""
        while True:
            silent = self._loop.time() - self._heard
            if silent < ping and await self._over_within(ping - silent):
                return self.lost.result()
            if self._loop.time() - self._heard >= ping and not await self._alive(ping / 4):
                self.close("two pings were not answered")
                return self.lost.result()

    def close(self, reason: str) -> None:
        """Cut the connection at once."""
        if not self.lost.done():
            self.lost.set_result(reason)
        if self._transport is not None:
            self._transport.abort()

    # --- inside ---

    async def _alive(self, patience: float) -> bool:
        for _ in range(2):
            before = self._heard
            self.send(wire.PING, {}, lambda _: None, patience)
            if await self._over_within(patience):
                return True  # watch() sees that it is over
            if self._heard > before:
                return True
        return False

    async def _over_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait({self.lost}, timeout=seconds)
        return bool(done)

    def _message(self, message: bytes) -> None:
        name = event_name(message)
        if not name:
            self._replied(reply(message))
        elif self._lists and (row := fields(message)).get(wire.ACTION_ID) in self._lists:
            self._listed(row)
        elif name in wire.EVENTS:
            try:
                self._on_event(name, message)
            except Exception:
                log.exception("an event could not be taken", ami_event=name)

    def _replied(self, headers: Fields) -> None:
        action_id = headers.get(wire.ACTION_ID, "")
        pending = self._pending.get(action_id)
        if pending is None:
            return
        pending.reply = Reply(headers)
        if not (action_id in self._lists and pending.reply.good):
            self._finish(action_id)

    def _listed(self, row: Fields) -> None:
        action_id = row[wire.ACTION_ID]
        pending = self._pending.get(action_id)
        if row.get(wire.EVENT_LIST) == "Complete" or pending is None or pending.reply is None:
            self._finish(action_id)
        else:
            pending.reply.rows.append(row)

    def _finish(self, action_id: str) -> None:
        self._lists.discard(action_id)
        if (pending := self._pending.pop(action_id, None)) is not None:
            self._settle(pending, pending.reply)

    def _late(self, action_id: str) -> None:
        self._lists.discard(action_id)
        if (pending := self._pending.pop(action_id, None)) is not None:
            self._settle(pending, None)

    def _settle(self, pending: _Pending, answer: Reply | None) -> None:
        pending.timer.cancel()
        try:
            pending.on_reply(answer)
        except Exception:
            log.exception("a reply could not be taken")
