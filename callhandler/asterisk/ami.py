"""The link to Asterisk's manager interface: kept up for ever, seen as observations, ordered about as a `Pbx`.

Every (re)connect takes the same path: log in, keep events aside, ask what is there (Status, DeviceStateList), observe LinkUp,
then the events kept, then live. Nothing is ever sent twice, nothing is queued for a link that is down.
Must not know what events mean (`translate.py`), nor calls, queues or agents.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from functools import partial

import structlog

from callhandler.asterisk import lacking, quoting, wire
from callhandler.asterisk.ami_link import AmiConnection, AmiLost, Headers, Reply
from callhandler.asterisk.ami_session import AmiLink, AmiRefused, Snapshot, connect, log_in, take_snapshot
from callhandler.asterisk.ami_text import fields
from callhandler.asterisk.dialling import dialled, originate
from callhandler.asterisk.leaving import Leaving
from callhandler.asterisk.locks import Locks
from callhandler.asterisk.speaking import rung_briefly, sent_to_line, spoken, texted
from callhandler.asterisk.translate import Translator
from callhandler.core.model import OfferEnd, WordEnd
from callhandler.core.observed import ChannelEnded, LinkDown, Observation, OfferFailed, WordOver
from callhandler.core.ports import BriefCall, DialLeg, OfferLeg, SpokenWord
from callhandler.timing import after

log = structlog.get_logger(__name__)
_MOST_UNWANTED = 1_000


class Ami:
    """Asterisk over AMI; implements core.ports.Pbx. `observe` must be quick and must not wait."""

    def __init__(self, link: AmiLink, observe: Callable[[Observation], None]) -> None:
        self._link = link
        self._observe_all = observe
        self._translator = Translator()
        self._locks = Locks()
        self._connection: AmiConnection | None = None
        self._up = False
        self._kept: list[tuple[str, bytes]] | None = []
        self._booted = asyncio.Event()
        self._unwanted: dict[str, bool] = {}
        self._callers: dict[str, str] = {}
        self._watches: dict[str, asyncio.TimerHandle] = {}
        self._coming_back: set[str] = set()
        self._leaving = Leaving(self.hang_up)
        self._refused = 0

    # --- core.ports.Pbx ---

    def offer(self, leg: OfferLeg) -> None:
        """Ring a phone, once. With the link down, or when it can't be said, OfferFailed is observed right after."""
        with contextlib.suppress(quoting.Unquotable):  # a callback's leg has no caller yet
            self._callers[leg.leg] = quoting.channel_name(leg.caller_channel)
        self._ring(leg.leg, lambda: originate(leg, self._locks.name(leg.call, leg.leg)), leg.ring)

    def dial(self, leg: DialLeg) -> None:
        """Dial a customer, once; as for `offer`."""
        self._ring(leg.leg, lambda: dialled(leg), leg.ring)

    def _ring(self, leg: str, headers: Callable[[], Headers], ring: float) -> None:
        if self._connection is None or not self._up:
            self._soon(OfferFailed(leg, OfferEnd.LOST))
            return
        try:
            said = headers()
            self._translator.offered(leg)
            self._connection.send(wire.ORIGINATE, said, partial(self._originated, leg), self._link.deadline)
        except quoting.Unquotable as error:
            log.error("an offer could not be said to Asterisk", error=str(error))
            self._translator.give_up(leg, OfferEnd.UNREACHABLE)
            self._soon(OfferFailed(leg, OfferEnd.UNREACHABLE))
            return
        self._watches[leg] = after(ring + self._link.overdue, partial(self._overdue, leg))

    def cancel(self, leg: str) -> None:
        """Stop ringing a leg, also one whose channel is not there yet. May be repeated.

        The phone may have been answered by now, and the caller joined: the caller then comes back to us instead of being let go.
        """
        self._translator.cancelled(leg)
        self._not_wanted(leg, talking=False)
        if leg in self._callers:
            self._coming_back.add(leg)
            self._after_talk(leg, "1")
        self._hang_up(leg, talking=False)

    def hang_up(self, channel: str) -> None:
        """Hang up a channel by its unique id; when the link is down, as soon as it is back. May be repeated."""
        self._hang_up(channel, talking=True)

    def _hang_up(self, channel: str, talking: bool) -> None:
        try:
            headers = {wire.CHANNEL: quoting.identifier(channel)}
        except quoting.Unquotable as error:
            log.error("a channel could not be hung up", error=str(error))
            return
        if self._connection is None or not self._up:
            self._not_wanted(channel, talking)
        else:
            self._connection.send(wire.HANGUP, headers, lambda _: None, self._link.deadline)

    def _after_talk(self, leg: str, value: str) -> None:
        """Have the caller whom a leg is rung for come back to us after a conversation (1), or be let go (empty)."""
        if self._connection is not None and self._up:
            headers = {wire.CHANNEL: self._callers[leg], "Variable": wire.VARIABLE_AFTER, "Value": value}
            self._connection.send(wire.SETVAR, headers, lambda _: None, self._link.deadline)

    def speak_to(self, word: SpokenWord) -> None:
        """Say something into a conversation, once. Where it can't be said, WordOver is observed right after."""
        self._order(wire.ORIGINATE, lambda: spoken(word), WordOver(word.leg, WordEnd.FAILED))

    def ring_briefly(self, call: BriefCall) -> None:
        """Ring a phone to tell its user something, and send it the same as a text, each once; nothing is observed where it can't be."""
        self._order(wire.ORIGINATE, lambda: rung_briefly(call))
        if self._connection is not None and self._up:
            with contextlib.suppress(quoting.Unquotable):  # said by the order above
                self._connection.send(wire.MESSAGE_SEND, texted(call), _texted, self._link.deadline)

    def send_to_line(self, channel: str) -> None:
        """Take a channel back to where calls enter, once, out of whatever it does."""
        self._order(wire.REDIRECT, lambda: sent_to_line(channel))

    def _order(self, action: str, headers: Callable[[], Headers], failed: Observation | None = None) -> None:
        """Send an action that is never repeated; `failed` is observed when it was not sent or is refused."""

        def answered(answer: Reply | None) -> None:
            if answer is not None and not answer.good:
                log.warning("Asterisk refused an order", action=action, reason=answer.message)
                if failed is not None:
                    self._observe(failed)

        try:
            if self._connection is not None and self._up:
                self._connection.send(action, headers(), answered, self._link.deadline)
                return
        except (quoting.Unquotable, ValueError) as error:
            log.error("an order could not be said to Asterisk", action=action, error=str(error))
        if failed is not None:
            self._soon(failed)

    # --- the link ---

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        failures = 0
        while True:
            try:
                reason = await self._session()
                failures = 0
            except AmiRefused as error:
                reason = str(error)
                if not self._refused:
                    log.error("AMI login refused; check ami_user and ami_secret", reason=reason)
                self._refused += 1
            except (OSError, TimeoutError, AmiLost) as error:
                reason = str(error) or type(error).__name__
                if failures == 0:
                    log.warning("Asterisk can't be reached over AMI", reason=reason)
                failures += 1
            finally:
                self._drop()
            if self._up:
                self._up = False
                log.warning("the AMI link is lost", reason=reason)
                self._observe(LinkDown(reason))
            await asyncio.sleep(self._pause(failures))

    def _pause(self, failures: int) -> float:
        if self._refused:
            return refused_pause(self._refused, self._link.refused_retry)
        return min(self._link.slowest_retry, 0.1 * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    async def _session(self) -> str:
        self._kept = []
        self._booted.clear()
        self._connection = await connect(self._link, self._event)
        await log_in(self._connection, self._link, self._booted)
        self._refused = 0
        self._resynced(await take_snapshot(self._connection, self._link.deadline))
        return await self._connection.watch(self._link.ping)

    def _resynced(self, snapshot: Snapshot) -> None:
        seen = snapshot.seen
        lost = self._translator.snapshot(seen, snapshot.states)
        self._locks.snapshot(snapshot.locks)
        self._up = True
        log.info("the AMI link is up", node=seen.node, version=seen.version, channels=len(seen.channels))
        for sentence in lacking.of_version(lacking.numbers(seen.version) or ()):
            log.warning("this Asterisk lacks something", node=seen.node, lack=sentence)
        self._observe(seen)
        for failed in lost:
            self._not_wanted(failed.leg, talking=False)
            self._observe(failed)
        for live in seen.channels:
            if live.channel in self._unwanted and (self._unwanted[live.channel] or live.bridge is None):
                self.hang_up(live.channel)
        kept, self._kept = self._kept or [], None
        for name, message in kept:
            self._event(name, message)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close("given up")
        self._connection = None
        self._leaving.forget()

    # --- what is seen ---

    def _event(self, name: str, message: bytes) -> None:
        if name == wire.FULLY_BOOTED:
            self._booted.set()
        elif self._kept is not None:
            self._kept.append((name, message))
        else:
            headers = fields(message)
            self._leaving.see(name, headers.get(wire.UNIQUEID, ""))
            if self._unwanted:
                self._end_unwanted(name, headers.get(wire.UNIQUEID, ""))
            for observation in self._translator.event(name, headers):
                self._observe(observation)

    def _observe(self, observation: Observation) -> None:
        match observation:
            case OfferFailed(leg=leg) | ChannelEnded(channel=leg):
                if (watch := self._watches.pop(leg, None)) is not None:
                    watch.cancel()  # the loop would keep it, with all it holds, for some ten seconds after a short call
                if leg in self._coming_back:
                    self._coming_back.discard(leg)
                    self._after_talk(leg, "")
                self._callers.pop(leg, None)
                self._locks.over(leg)
        try:
            self._observe_all(observation)
        except Exception:
            log.exception("an observation could not be taken", observation=type(observation).__name__)

    def _soon(self, observation: Observation) -> None:
        asyncio.get_running_loop().call_soon(self._observe, observation)

    def _originated(self, leg: str, answer: Reply | None) -> None:
        # No answer means that we don't know whether it rings: the leg's own events, the next snapshot or _overdue will tell.
        if answer is not None and not answer.good:
            log.error("Asterisk refused to ring a phone", reason=answer.message)
            for observation in self._translator.give_up(leg, OfferEnd.UNREACHABLE):
                self._observe(observation)

    def _overdue(self, leg: str) -> None:
        self._watches.pop(leg, None)
        if self._up and self._translator.pending(leg):
            log.error("a phone rang on without an end", leg=leg)
            self.cancel(leg)
            for observation in self._translator.give_up(leg, OfferEnd.LOST):
                self._observe(observation)

    # --- legs that must not ring ---

    def _not_wanted(self, channel: str, talking: bool) -> None:
        """Remember a channel that is to end as soon as it is seen; `talking`: after a gap even if it is in conversation by then."""
        self._unwanted[channel] = talking
        while len(self._unwanted) > _MOST_UNWANTED:
            del self._unwanted[next(iter(self._unwanted))]

    def _end_unwanted(self, name: str, channel: str) -> None:
        if channel not in self._unwanted:
            return
        if name == wire.NEW_CHANNEL:
            self.hang_up(channel)
        elif name == wire.HANGUP:
            del self._unwanted[channel]


def refused_pause(times: int, most: float) -> float:
    """Seconds until the next login after `times` refusals in a row: soon at first, since a secret may just have been changed."""
    return min(most, 5.0 * 4.0 ** min(times - 1, 10))


def _texted(answer: Reply | None) -> None:
    """Pass over a text that could not be sent: not every phone takes one, nor every Asterisk sends it; the ring tells the same."""
    if answer is not None and not answer.good:
        log.debug("a phone was sent no text", reason=answer.message)
