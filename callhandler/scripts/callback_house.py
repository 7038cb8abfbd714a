"""What conversations about callbacks need of the house: for the caller who asks, the agent who calls back, the customer who is called."""

from dataclasses import dataclass
from typing import Protocol

from callhandler.core.callback import Callback
from callhandler.core.calls import Call
from callhandler.core.model import OfferEnd
from callhandler.scripts.caller import Caller
from callhandler.site.models import Site


class CallbackHouse(Protocol):
    """Callbacks, as a caller on the line can have to do with them. All methods but `ask` return at once."""

    def judged(self, number: str) -> str | None:
        """Return a number in international form; None when it is none, or may not be called."""

    def open_to(self, number: str) -> Callback | None:
        """Return the open callback to a number; None when there is none, or its customer is on the line."""

    def of(self, call: Call) -> Callback | None:
        """Return the open callback that a caller on the line has asked for in this very call; None when there is none."""

    def slots(self, call: Call, number: str, wait: float) -> list[float]:
        """Return when the slots begin that can be promised for calling a number, in seconds since the epoch, the next first.

        None is sooner than `wait` seconds from now, the time it would take at the call's place.
        """

    def has_room(self, slot: float) -> bool:
        """Tell whether one more callback can be promised for a slot that was offered: others are offered the same."""

    async def ask(self, call: Call, queue: str, number: str, due: float | None) -> None:
        """Keep the call's place for calling a number back that the caller has confirmed. Refused with a sentence.

        It is on disk when this returns: what is promised then survives a crash.
        """

    def hung_up(self, call: Call, queue: str, number: str) -> None:
        """Have a caller called back in turn who confirmed the number and hung up before saying when; not who is with an agent."""

    def take_place(self, callback: Callback, call: Call) -> None:
        """Put a call into line at a callback's place, whose customer is the caller; the callback is over."""

    def join(self, callback: Callback, call: Call) -> None:
        """Let a call's own place go: its caller is to be called back at another place already. Never later than they would have been."""

    def cancel(self, callback: Callback) -> None:
        """End a callback because the customer said so."""

    def put_off(self, call: Call) -> None:
        """End the attempt of a customer who was called, said yes and waited in vain: they keep the place and are called again."""


class AgentsTask(Protocol):
    """One callback, as the agent who was rung for it has to do with it."""

    @property
    def callback(self) -> Callback:
        """The callback."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do: it was cancelled, or made by somebody else."""

    @property
    def is_dialled(self) -> bool:
        """Whether the customer is being dialled, and has neither said yes nor been given up."""

    @property
    def customer(self) -> str | None:
        """The name of the channel of the customer who has said yes; None before that."""

    async def dial(self) -> None:
        """Have the customer dialled, once the attempt is on disk. Refused with a sentence when that can't be."""

    def let_go(self, reason: OfferEnd) -> None:
        """Say what it counts as when the agent's phone is now hung up."""


class CustomersTask(Protocol):
    """One callback, as the customer who has answered has to do with it."""

    @property
    def callback(self) -> Callback:
        """The callback."""

    @property
    def is_last(self) -> bool:
        """Whether no further attempt is made after this one."""

    def accepted(self) -> None:
        """Take note that the customer said yes."""

    def machine(self) -> None:
        """Take note that an answering machine has picked up: the attempt is over."""


@dataclass(frozen=True, slots=True)
class AgentSession:
    """An agent on the line, rung for a callback."""

    caller: Caller
    site: Site
    now: float
    task: AgentsTask


@dataclass(frozen=True, slots=True)
class CustomerSession:
    """A customer on the line, called back; or, as far as can be heard, a `machine`."""

    caller: Caller
    site: Site
    task: CustomersTask
    machine: bool = False
