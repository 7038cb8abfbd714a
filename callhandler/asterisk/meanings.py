"""What single words of AMI mean: causes, device states, rows of a snapshot. Stateless; `translate.py` keeps what spans events.

What a phone's answer looks like was tried on Asterisk 22.10.1 (tests/recordings/offers.ami). Must not know queues or agents.
"""

from callhandler.asterisk import wire
from callhandler.asterisk.ami_text import Fields
from callhandler.core.model import Device, OfferEnd
from callhandler.core.observed import LiveChannel, PhoneSeen

DEVICES = {
    "NOT_INUSE": Device.FREE,
    "UNKNOWN": Device.FREE,
    "INUSE": Device.IN_USE,
    "BUSY": Device.IN_USE,
    "ONHOLD": Device.IN_USE,
    "RINGING": Device.RINGING,
    "RINGINUSE": Device.IN_USE,
    "UNAVAILABLE": Device.UNREACHABLE,
    "INVALID": Device.UNREACHABLE,
}
"""UNKNOWN is what a phone is that never told; it may be rung, as app_queue does."""

CAUSE_NONE = 0
CAUSE_BUSY = 17
CAUSE_NO_RESPONSE = 18
CAUSE_NO_ANSWER = 19
CAUSE_REFUSED = 21


def offer_end(cause: int, rang: bool) -> OfferEnd:
    """Return what became of an offer by the Q.850 cause its channel ended with (chan_pjsip hangup_sip2cause).

    486 and 600 give 17, 603 and 403 give 21, 480 gives 19 and 408 gives 18; a ringing phone that says busy was refused by hand.
    The end of the time to ring gives 19, on Asterisk 16.28 none at all.
    A phone that never rang was not heard by anyone, so it can't have been left unanswered.
    """
    if cause == CAUSE_REFUSED:
        return OfferEnd.REFUSED
    if cause == CAUSE_BUSY:
        return OfferEnd.REFUSED if rang else OfferEnd.BUSY
    if cause in (CAUSE_NO_ANSWER, CAUSE_NO_RESPONSE, CAUSE_NONE) and rang:
        return OfferEnd.NO_ANSWER
    return OfferEnd.UNREACHABLE


def phone_seen(fields: Fields) -> PhoneSeen | None:
    """Return a phone's state from DeviceStateChange; None for other devices."""
    device = fields.get(wire.DEVICE, "")
    if not device.startswith(wire.PHONE_PREFIX):
        return None
    return PhoneSeen(device[len(wire.PHONE_PREFIX) :], DEVICES.get(fields.get(wire.STATE, ""), Device.UNREACHABLE))


def live_channel(fields: Fields) -> LiveChannel:
    """Return one channel of a snapshot from a Status event."""
    name = fields.get(wire.CHANNEL, "")
    return LiveChannel(
        channel=fields.get(wire.UNIQUEID, ""),
        name=name,
        bridge=fields.get(wire.STATUS_BRIDGE) or None,
        context=fields.get(wire.CONTEXT, ""),
        linked=fields.get(wire.LINKEDID, ""),
        phone=endpoint_of(name) or None,
    )


def endpoint_of(name: str) -> str:
    """Return the phone or trunk whose channel has this name; empty for channels of neither."""
    return name.removeprefix(wire.PHONE_PREFIX).rpartition("-")[0] if name.startswith(wire.PHONE_PREFIX) else ""
