"""How a phone is rung and a customer dialled: the headers of AMI's Originate. Must not know queues, nor why.

Each originates into a context of ours, and a customer by a number of digits alone over a trunk of the site: what came from outside can
neither become another channel technology nor another option of the dial string.
"""

from callhandler.asterisk import quoting, wire
from callhandler.asterisk.ami_link import Headers
from callhandler.core.ports import DialLeg, OfferLeg


def originate(leg: OfferLeg, lock: str) -> Headers:
    """Return the headers of the Originate that rings an agent; `lock` is the call's. Raises Unquotable."""
    caller = [] if leg.callback else [f"{wire.VARIABLE_CALLER}={quoting.channel_name(leg.caller_channel)}"]
    return {
        wire.CHANNEL: wire.PHONE_PREFIX + quoting.identifier(leg.phone),
        wire.CONTEXT: wire.CONTEXT_CALLBACK if leg.callback else wire.CONTEXT_OFFER,
        **_common(leg.leg, leg.ring),
        "CallerID": quoting.caller_id(leg.display_name, leg.display_number),
        "Variable": [f"{wire.VARIABLE_LOCK}={lock}", *caller],
    }


def dialled(leg: DialLeg) -> Headers:
    """Return the headers of the Originate that dials a customer over a trunk. Raises Unquotable."""
    number = quoting.phone_number(leg.number)
    if not number or number != leg.number:
        raise quoting.Unquotable("a number to be dialled is digits, with a + before them perhaps")
    return {
        wire.CHANNEL: f"{wire.PHONE_PREFIX}{number}@{wire.TRUNK_PREFIX}{quoting.identifier(leg.trunk)}",
        wire.CONTEXT: wire.CONTEXT_CUSTOMER,
        **_common(leg.leg, leg.ring),
        "CallerID": quoting.caller_id(leg.display_name, leg.display_number),
        "Variable": [f"{wire.VARIABLE_LONGEST}={round(leg.longest)}"],
    }


def _common(leg: str, ring: float) -> dict[str, str]:
    return {
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "ChannelId": quoting.identifier(leg),
        "Timeout": str(round(ring * 1_000)),
    }
