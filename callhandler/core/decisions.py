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


@dataclass(frozen=True, slots=True)
class SpeakTo:
    """Say prompts to a caller who is on hold, over the music. `leg` is the unique id of the channel that speaks."""

    call: str
    leg: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RingBriefly:
    """Ring a phone to tell an agent something of a call: `text` on the display, and `prompt` when it is answered. Never an offer."""

    call: str
    leg: str
    phone: str
    ring: float
    text: str
    prompt: str


@dataclass(frozen=True, slots=True)
class EndLeg:
    """Stop speaking or ringing at once."""

    leg: str


@dataclass(frozen=True, slots=True)
class ReturnToLine:
    """Take a caller out of a conversation and put them at the head of a queue's line, with the place they had."""

    call: str
    queue: str


Decision = OfferTo | CancelOffer | LeaveLine | WakeAt | SpeakTo | RingBriefly | EndLeg | ReturnToLine
