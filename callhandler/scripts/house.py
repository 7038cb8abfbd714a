"""What a script needs of the house around it: the site, the time, the line, the lookup. No Asterisk, no database."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from callhandler.core.calls import Call
from callhandler.core.checkins import CheckIn, Standing
from callhandler.core.decisions import LeaveLine
from callhandler.core.events import Fact
from callhandler.core.hours import Opening
from callhandler.core.model import Outcome
from callhandler.core.redials import Left
from callhandler.scripts.callback_house import CallbackHouse
from callhandler.scripts.caller import Caller
from callhandler.site.models import Site


@dataclass(frozen=True, slots=True)
class Customer:
    """What the lookup by number knows of a caller; None for what it doesn't."""

    name: str | None = None
    tier: str | None = None
    agent: str | None = None
    language: str | None = None


class Messages(Protocol):
    """Where messages are kept, by the names of their recordings."""

    def free_name(self, call: str) -> str:
        """Return the name for a new message of a call."""

    def keep(self, name: str) -> str:
        """Keep a recording; return its file relative to the site."""

    def discard(self, name: str) -> None:
        """Remove a recording that nobody wants."""


class Attending(Protocol):
    """What keeps the promise to those in line: nobody goes without a spoken word for too long, and every word is written down."""

    def next_word(self, call: Call) -> float:
        """Return when the next word to a call is to begin, in seconds since the epoch."""

    def standing(self, call: Call) -> Standing | None:
        """Return how it stands with a call, with an estimate only where it may be said; None when it isn't in line."""

    def is_offered(self, call: Call) -> bool:
        """Tell whether an agent's phone rings for a call."""

    def check_in(self, call: Call, standing: Standing, *, first: bool) -> CheckIn:
        """Return what is to be said to a call now; `first` on entering the line."""

    def begin(self, call: Call, what: CheckIn) -> None:
        """Take note that something begins to be said."""

    def end(self, call: Call, cut_by: str, silent_for: float | None) -> None:
        """Take note that it ended `silent_for` seconds ago (None: nothing was heard), `cut_by` a key, the line, or nothing.

        What an answer or a hang-up cut is written down without this.
        """

    def move(self, call: Call, queue: str) -> Outcome | None:
        """Have a call in line wait in another queue, place kept; or say why not, and nothing changes."""


class House(Protocol):
    """The house, as a script sees it. All but `look_up` return at once."""

    @property
    def site(self) -> Site:
        """The site file in force when the call came."""

    @property
    def emergency(self) -> str | None:
        """The reason of an emergency closing, None when there is none."""

    @property
    def attending(self) -> Attending:
        """What keeps the promise to those in line."""

    @property
    def messages(self) -> Messages:
        """Where messages are kept."""

    @property
    def calling_back(self) -> CallbackHouse:
        """Callbacks."""

    async def joined(self, call: Call) -> bool:
        """Tell of a call whose channel is gone whether it was joined with an agent; a hang-up is told at once when no phone rang."""

    def now(self) -> float:
        """Return the seconds since the epoch."""

    def note(self, fact: Fact) -> None:
        """Keep a fact."""

    def enter(self, call: Call, queue: str) -> Outcome | None:
        """Put a call in line, or say why not."""

    def call_out(self, call: Call, number: str) -> None:
        """Take note that the caller is about to be connected with a number outside. Refused with a sentence when that may not be."""

    def redialled(self, call: Call) -> Left | None:
        """Return the place in line that the caller left a moment ago by hanging up, None when there is none."""

    def opening(self, hours: str) -> Opening:
        """Tell whether a table of opening hours says open now."""

    async def look_up(self, number: str) -> Customer | None:
        """Ask who calls. TimeoutError after the site's deadline; any other error of the lookup as it comes."""

    def identify(self, agent: str, pin: str, phone: str) -> bool:
        """Check an agent's PIN keyed in at a phone; False when wrong or locked for having been wrong too often."""

    def agent_at(self, phone: str) -> str | None:
        """Return the id of the agent logged in at a phone."""

    def agent_free(self, agent: str) -> str | None:
        """Return the phone at which an agent could be rung right now, None when none."""

    def log_in(self, agent: str, phone: str) -> None:
        """Log an agent in. Refused with a sentence when that can't be."""

    def log_out(self, agent: str) -> None:
        """Log an agent out. Refused likewise."""

    def pause(self, agent: str) -> None:
        """Send an agent on break. Refused likewise."""

    def resume(self, agent: str) -> None:
        """Make an agent available again. Refused likewise."""


class News(Protocol):
    """How a script learns that the line sends its caller on. `at_end` is called when the call ends while the script speaks with it,
    before its outcome is written: what it notes still counts."""

    at_end: Callable[[], None] | None
    news: LeaveLine | None
    """The order to leave the line, None as long as the caller is to wait."""


@dataclass(frozen=True, slots=True)
class Session:
    """One caller on the line, and all a script needs to speak with them. `number` is what was dialled to get here."""

    caller: Caller
    call: Call
    number: str
    source: str
    house: House
    visit: News

    @property
    def phone(self) -> str | None:
        """The phone that calls, None when the call came over a trunk."""
        kind, _, which = self.source.partition(":")
        return which if kind == "phone" else None
