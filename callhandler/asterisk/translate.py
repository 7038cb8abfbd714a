"""AMI's events into observations, in our words. Pure: no connection, no clock.

Keeps only what one event alone can't tell: which legs are being offered and whether they rang, and who is in which bridge.
What a phone's answer looks like was tried on Asterisk 22.10.1 and 16.28 (tests/recordings/offers*): a refused, busy or unknown phone
always gives OriginateResponse Reason 0, before or after the Hangup event whose Cause tells them apart; a time-out gives
Reason 3 and Cause 19 (0 on 16.28); an unregistered phone gives an OriginateResponse and no channel at all.
Must not know queues, agents or calls.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callhandler.asterisk import wire
from callhandler.asterisk.ami_text import Fields
from callhandler.asterisk.meanings import offer_end, phone_seen
from callhandler.asterisk.phones import Phones
from callhandler.core.model import OfferEnd, WordEnd
from callhandler.core.observed import (
    Bridged,
    ChannelEnded,
    ChannelUp,
    HoldSeen,
    KeySeen,
    LeftBridge,
    LinkUp,
    Observation,
    OfferFailed,
    TransferSeen,
    WordOver,
)

NOTHING: tuple[Observation, ...] = ()
WORD_ENDS = {wire.CAUSE_WHOLE: WordEnd.WHOLE, wire.CAUSE_UNSPOKEN: WordEnd.FAILED}


@dataclass(slots=True)
class _Leg:
    """An offered leg until it is answered or over."""

    seen: bool = False
    rang: bool = False
    cancelled: bool = False


class Translator:
    """Turns events into observations, in order. One for each link; `snapshot` starts it over after a gap."""

    def __init__(self) -> None:
        self._legs: dict[str, _Leg] = {}
        self._bridges: dict[str, set[str]] = {}
        self._phones = Phones()
        self._rules: dict[str, Callable[[Fields], tuple[Observation, ...]]] = {
            wire.NEW_CHANNEL: self._new_channel,
            wire.NEW_STATE: self._new_state,
            wire.HANGUP: self._hangup,
            wire.ORIGINATE_RESPONSE: self._originate_response,
            wire.BRIDGE_ENTER: self._bridge_enter,
            wire.BRIDGE_LEAVE: self._bridge_leave,
            wire.HOLD: lambda fields: (HoldSeen(fields[wire.UNIQUEID], True),),
            wire.UNHOLD: lambda fields: (HoldSeen(fields[wire.UNIQUEID], False),),
            wire.DTMF_END: self._key,
            wire.DEVICE_STATE: self._device_state,
            wire.BLIND_TRANSFER: self._blind_transfer,
            wire.ATTENDED_TRANSFER: self._attended_transfer,
        }

    def offered(self, leg: str) -> None:
        """Remember that a leg is being rung from now on."""
        self._legs[leg] = _Leg()

    def cancelled(self, leg: str) -> None:
        """Remember that we ended the leg: no phone refused it, so its end is ChannelEnded."""
        if (known := self._legs.get(leg)) is not None:
            known.cancelled = True

    def pending(self, leg: str) -> bool:
        """Whether a leg is neither answered nor over."""
        return leg in self._legs

    def give_up(self, leg: str, reason: OfferEnd) -> tuple[Observation, ...]:
        """End a leg's offer by what is known elsewhere (an action refused, the link lost); nothing if it is over already."""
        return () if self._legs.pop(leg, None) is None else (OfferFailed(leg, reason),)

    def snapshot(self, seen: LinkUp, states: Mapping[str, str]) -> tuple[OfferFailed, ...]:
        """Start over from what is there (`states`: each channel's ChannelState); say which offered legs were lost meanwhile."""
        self._phones.snapshot(seen.channels, seen.phones)
        self._bridges = {}
        for channel in seen.channels:
            if channel.bridge is not None:
                self._bridges.setdefault(channel.bridge, set()).add(channel.channel)
        lost = [leg for leg in self._legs if leg not in states]
        self._legs = {
            leg: _Leg(seen=True, rang=known.rang or states[leg] == wire.STATE_RINGING, cancelled=known.cancelled)
            for leg, known in self._legs.items()
            if leg in states and states[leg] != wire.STATE_UP
        }
        return tuple(OfferFailed(leg, OfferEnd.LOST) for leg in lost)

    def event(self, name: str, fields: Fields) -> tuple[Observation, ...]:
        """Return what an event tells. An event that lacks what it should have tells nothing."""
        rule = self._rules.get(name)
        if rule is None:
            return NOTHING
        try:
            return rule(fields)
        except (KeyError, ValueError):
            return NOTHING

    def _new_channel(self, fields: Fields) -> tuple[Observation, ...]:
        channel = fields[wire.UNIQUEID]
        leg = self._legs.get(channel)
        if leg is not None:
            leg.seen = True
        seen = self._phones.begins(channel, fields.get(wire.CHANNEL, ""))
        return NOTHING if seen is None else (seen,)

    def _new_state(self, fields: Fields) -> tuple[Observation, ...]:
        state, channel = fields[wire.CHANNEL_STATE], fields[wire.UNIQUEID]
        if state == wire.STATE_UP:
            self._legs.pop(channel, None)
            return (ChannelUp(channel),)
        if state == wire.STATE_RINGING and (leg := self._legs.get(channel)) is not None:
            leg.rang = True
        return NOTHING

    def _hangup(self, fields: Fields) -> tuple[Observation, ...]:
        ended = self._ended(fields)
        freed = self._phones.ends(fields[wire.UNIQUEID], fields.get(wire.CHANNEL, ""))
        return (ended,) if freed is None else (ended, freed)

    def _ended(self, fields: Fields) -> Observation:
        channel, cause = fields[wire.UNIQUEID], int(fields[wire.CAUSE])
        leg = self._legs.pop(channel, None)
        if fields.get(wire.CONTEXT) == wire.CONTEXT_WORD:
            return WordOver(channel, WORD_ENDS.get(cause, WordEnd.CUT))
        if leg is None or leg.cancelled:
            return ChannelEnded(channel, cause, fields.get(wire.CAUSE_TEXT, ""))
        return OfferFailed(channel, offer_end(cause, leg.rang))

    def _originate_response(self, fields: Fields) -> tuple[Observation, ...]:
        # Where a channel came to be, its Hangup event tells the cause, and a failure is not about it but about a second
        # Originate with the same id. Where none did, nothing else will come.
        channel = fields[wire.UNIQUEID]
        leg = self._legs.get(channel)
        if leg is None or leg.seen or fields[wire.RESPONSE] == wire.SUCCESS:
            return NOTHING
        return self.give_up(channel, OfferEnd.CALLER_LEFT if leg.cancelled else OfferEnd.UNREACHABLE)

    def _bridge_enter(self, fields: Fields) -> tuple[Observation, ...]:
        bridge, channel = fields[wire.BRIDGE], fields[wire.UNIQUEID]
        members = self._bridges.setdefault(bridge, set())
        members.add(channel)
        self._legs.pop(channel, None)
        return (Bridged(bridge, frozenset(members)),) if len(members) >= 2 else NOTHING

    def _bridge_leave(self, fields: Fields) -> tuple[Observation, ...]:
        bridge, channel = fields[wire.BRIDGE], fields[wire.UNIQUEID]
        if (members := self._bridges.get(bridge)) is not None:
            members.discard(channel)
            if not members:
                del self._bridges[bridge]
        return (LeftBridge(bridge, channel),)

    def _key(self, fields: Fields) -> tuple[Observation, ...]:
        # What one side of a conversation presses is told again, as sent, for the other side's channel.
        if fields[wire.DIRECTION] != wire.RECEIVED:
            return NOTHING
        return (KeySeen(fields[wire.UNIQUEID], fields[wire.DIGIT]),)

    def _device_state(self, fields: Fields) -> tuple[Observation, ...]:
        seen = phone_seen(fields)
        if seen is None:
            return NOTHING
        self._phones.told(seen)
        return (seen,)

    def _blind_transfer(self, fields: Fields) -> tuple[Observation, ...]:
        if fields[wire.RESULT] != wire.SUCCESS:
            return NOTHING
        return (TransferSeen(fields[wire.TRANSFERER], fields[wire.TRANSFEREE], fields[wire.EXTENSION]),)

    def _attended_transfer(self, fields: Fields) -> tuple[Observation, ...]:
        # The caller goes on talking with the party the agent asked: BridgeEnter tells with whom, this event why.
        if fields[wire.RESULT] != wire.SUCCESS:
            return NOTHING
        number = fields.get(wire.TARGET_NUMBER, wire.UNKNOWN)
        to = fields.get(wire.SECOND_EXTENSION, "") if number in ("", wire.UNKNOWN) else number
        return (TransferSeen(fields[wire.FIRST_TRANSFERER], fields[wire.TRANSFEREE], to),)
