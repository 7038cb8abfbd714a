"""What Asterisk is seen to do, in our words: the input of the switchboard. Made by asterisk/translate.py alone.

Observations are not facts: they can be missed, repeated or late. The switchboard compares them with its state and
records facts.
"""

from dataclasses import dataclass, field

from callhandler.core.model import Device, OfferEnd, WordEnd


@dataclass(frozen=True, slots=True)
class ChannelUp:
    """A channel was answered."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelEnded:
    """A channel is gone. `cause` is the Q.850 code, `text` Asterisk's word for it."""

    channel: str
    cause: int
    text: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """An offered leg did not come up."""

    leg: str
    reason: OfferEnd


@dataclass(frozen=True, slots=True)
class Bridged:
    """Two or more channels (by unique id) share a bridge now."""

    bridge: str
    channels: frozenset[str]


@dataclass(frozen=True, slots=True)
class LeftBridge:
    """A channel left a bridge; it may live on."""

    bridge: str
    channel: str


@dataclass(frozen=True, slots=True)
class HoldSeen:
    """The holder of `channel` put the other side on hold (`held`) or took it back."""

    channel: str
    held: bool


@dataclass(frozen=True, slots=True)
class KeySeen:
    """Whoever is at `channel` pressed a key. Asterisk is asked to tell of key 1 alone."""

    channel: str
    key: str


@dataclass(frozen=True, slots=True)
class WordOver:
    """What was said into a conversation by `leg` is over."""

    leg: str
    end: WordEnd


@dataclass(frozen=True, slots=True)
class PhoneSeen:
    """A phone's state, by its id in the site file."""

    phone: str
    device: Device


@dataclass(frozen=True, slots=True)
class TransferSeen:
    """`transferer` (a channel) sent `transferee` elsewhere, having asked there first or not."""

    transferer: str
    transferee: str
    exten: str


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """One channel in a snapshot of Asterisk. `held`: it has the other side on hold; None where that isn't known. `phone`: whose it is."""

    channel: str
    name: str
    bridge: str | None
    context: str
    linked: str
    held: bool | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The link to Asterisk is up; `channels` and `phones` are what is there. Sent before anything that happened later.

    Asterisk was asked `ago` seconds before: whoever came since need not be among them, and their ends are told after this.
    """

    node: str
    version: str
    channels: tuple[LiveChannel, ...]
    phones: tuple[PhoneSeen, ...]
    ago: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link to Asterisk is lost; nothing is seen until the next LinkUp."""

    reason: str


Observation = (
    ChannelUp
    | ChannelEnded
    | OfferFailed
    | Bridged
    | LeftBridge
    | HoldSeen
    | KeySeen
    | WordOver
    | PhoneSeen
    | TransferSeen
    | LinkUp
    | LinkDown
)
