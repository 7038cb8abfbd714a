"""What the switchboard needs of the world outside, as protocols: Asterisk and the journal. All calls return at once."""

from dataclasses import dataclass
from typing import Protocol

from callhandler.core.events import Fact


@dataclass(frozen=True, slots=True)
class OfferLeg:
    """One phone to be rung for one call.

    `leg` is the unique id the new channel gets. When the phone is answered, the dialplan (context callhandler-offer) itself
    bridges it with `caller_channel`, unless another leg of the same call was quicker. `ring` is in seconds.
    """

    leg: str
    phone: str
    call: str
    caller_channel: str
    ring: float
    display_name: str
    display_number: str


class Pbx(Protocol):
    """Asterisk, as the switchboard orders it about. Never raises for what Asterisk does: that is observed."""

    def offer(self, leg: OfferLeg) -> None:
        """Ring a phone. Exactly one of Bridged, OfferFailed or ChannelEnded is observed for the leg, and never a second ring."""

    def cancel(self, leg: str) -> None:
        """Stop ringing a leg at once."""

    def hang_up(self, channel: str) -> None:
        """Hang up a channel by its unique id."""


class FactLog(Protocol):
    """The journal, as the switchboard writes it."""

    def append(self, fact: Fact) -> None:
        """Keep a fact, in order. Returns at once; writing happens behind."""
