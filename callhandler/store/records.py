"""What is known of one call, as people ask for it. Computed from its facts by `reading.py`; knows no database."""

from dataclasses import dataclass

from callhandler.core.model import OfferEnd, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueVisit:
    """One stay in a queue's line. Times in seconds since the epoch; `left` and `outcome` are None while waiting."""

    queue: str
    entered: float
    left: float | None
    waited: float
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One offer to one agent, and the conversation that came of it.

    `failed` says why there was none; it is None when there was one, and while the phone rings. `rang`, `talked` (hold included), `held`
    and `wrap_up` are in seconds; `wrap_up` is what was granted.
    """

    leg: str
    agent: str
    queue: str
    phone: str
    offered: float
    rang: float
    failed: OfferEnd | None
    connected: float | None
    ended: float | None
    talked: float
    held: float
    reason: str
    transferred_to: str | None
    wrap_up: float


@dataclass(frozen=True, slots=True)
class HandsetTry:
    """What came of a feature code, or of one try at a PIN: `code` is login, logout, pause or resume, `agent` who it was about, if known."""

    code: str
    agent: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call as people ask for it. `ended` and `outcome` are None while it lasts; `whole` is False when its beginning was not seen.

    `rang` is how long it was kept ringing before it was answered, which `waited` doesn't hold.
    `waited`, `talked` and `held` are sums in seconds; `extension_talked` is the time with somebody who was dialled directly.
    `queue` is the last one entered, `agent` the last one talked with. `handset` is what came of a feature code, in order.
    """

    id: str
    arrived: float
    ended: float | None
    number: str
    caller_number: str
    caller_name: str
    source: str
    outcome: Outcome | None
    reason: str
    cause: int
    whole: bool
    queue: str | None
    agent: str | None
    waited: float
    talked: float
    held: float
    extension_talked: float
    attributes: tuple["Attribute", ...]
    visits: tuple[QueueVisit, ...]
    legs: tuple[Leg, ...]
    rang: float = 0.0
    handset: tuple[HandsetTry, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something learnt about a call on the way; the last value counts."""

    name: str
    value: str
