"""The orders, imperative: what the core wants done. The switchboard carries them out."""

from dataclasses import dataclass

from callhandler.core.model import OfferEnd, Outcome


@dataclass(frozen=True, slots=True)
class OfferTo:
    """Ring an agent's phone for a call. `leg` is the unique id the new channel gets; the offer is a fact already."""

    call: str
    leg: str
    agent: str
    phone: str
    queue: str
    ring: float


@dataclass(frozen=True, slots=True)
class CancelOffer:
    """Stop ringing a phone at once."""

    leg: str
    reason: OfferEnd


@dataclass(frozen=True, slots=True)
class LeaveLine:
    """Send a waiting call on to its queue's treatment for `outcome`."""

    call: str
    queue: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call `wake(key)` at `when`. Every one fires; a wake that is no longer due does nothing."""

    when: float
    key: tuple[str, str]


Decision = OfferTo | CancelOffer | LeaveLine | WakeAt
