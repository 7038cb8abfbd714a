"""What the switchboard needs of the world outside, as protocols: Asterisk and the journal. All calls return at once."""

from dataclasses import dataclass
from typing import Protocol

from callhandler.core.events import Fact


@dataclass(frozen=True, slots=True)
class OfferLeg:
    """One phone to be rung for one call.

    `leg` is the unique id the new channel gets. When the phone is answered, the dialplan (context callhandler-offer) itself
    bridges it with `caller_channel`, unless another leg of the same call was quicker. `ring` is in seconds.
    With `callback` there is no caller yet: the dialplan (context callhandler-callback) asks the daemon what to tell the agent.
    """

    leg: str
    phone: str
    call: str
    caller_channel: str
    ring: float
    display_name: str
    display_number: str
    callback: bool = False


@dataclass(frozen=True, slots=True)
class DialLeg:
    """A customer to be called back over a trunk.

    `leg` is the unique id the new channel gets. When the customer answers, the dialplan (context callhandler-customer) asks the daemon
    what to do. `ring` and `longest`, the longest conversation, are in seconds.
    """

    leg: str
    call: str
    number: str
    trunk: str
    ring: float
    longest: float
    display_name: str
    display_number: str


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """Prompts (by id) said to one side of a conversation: `leg` is the unique id of the channel that speaks to `channel`."""

    leg: str
    channel: str
    language: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BriefCall:
    """A phone rung to show a text on its display. Who answers hears `prompt`, and it is over. `ring` is in seconds."""

    leg: str
    phone: str
    ring: float
    display_name: str
    display_number: str
    language: str
    prompt: str


class Pbx(Protocol):
    """Asterisk, as the switchboard orders it about. Never raises for what Asterisk does: that is observed."""

    def offer(self, leg: OfferLeg) -> None:
        """Ring a phone, once. Bridged, OfferFailed or ChannelEnded is observed for the leg, and after OfferFailed perhaps its end.

        It is never rung a second time.
        """

    def dial(self, leg: DialLeg) -> None:
        """Dial a customer, once. OfferFailed or ChannelEnded is observed for the leg, and never a second call."""

    def cancel(self, leg: str) -> None:
        """Stop ringing a leg at once."""

    def hang_up(self, channel: str) -> None:
        """Hang up a channel by its unique id."""

    def speak_to(self, word: SpokenWord) -> None:
        """Say something over what a channel in a conversation hears. ChannelUp is observed when it begins, WordOver when it ends."""

    def ring_briefly(self, call: BriefCall) -> None:
        """Ring a phone to tell its user something; where it takes texts, it is sent the same. ChannelEnded may be observed for it."""

    def send_to_line(self, channel: str) -> None:
        """Take a channel, by its unique id or its name, back to where calls enter, out of whatever it does; who talks with it is let go.

        Asterisk finds a name at once, and looks through all channels for a unique id (main/channelstorage_ao2_legacy.c).
        """


class FactLog(Protocol):
    """The journal, as the switchboard writes it."""

    def append(self, fact: Fact) -> None:
        """Keep a fact, in order. Returns at once; writing happens behind."""
