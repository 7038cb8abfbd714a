"""All that the control API needs of the daemon. The daemon implements it; nothing here knows how.

The methods that are not `async` look at or change the state at once, in the event loop. Every refusal is an
`errors.Refused` with one sentence; `NotHere` where what was named does not exist. `by` is who asks, for the journal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from callhandler.core.views import AgentView, CallbackView, CallView, DecisionView, ItemView, QueueView, StatusView
from callhandler.errors import Refused

if TYPE_CHECKING:
    from callhandler.core.events import Fact


class NotHere(Refused):
    """There is no such call, agent or queue."""


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What `reload` found and did: readable differences, whether they are in force, and the error that kept the old."""

    differences: tuple[str, ...]
    applied: bool
    error: str | None = None


class CallbackDesk(Protocol):
    """Callbacks, as people and programs speak of them. `call` is the id of the call one was asked for in; NotHere when none is open.

    Whatever changes one is kept in the journal when it returns.
    """

    def all(self) -> Sequence[CallbackView]:
        """Return the callbacks that are open, in the order of the line."""

    def one(self, call: str) -> CallbackView:
        """Return one."""

    async def add(self, queue: str, number: str, name: str, due: float | None, by: str) -> CallbackView:
        """Have somebody called back, who takes the place of now; not before `due`, seconds since the epoch."""

    async def cancel(self, call: str, reason: str, by: str) -> None:
        """End one that isn't wanted any more."""

    async def reschedule(self, call: str, due: float, by: str) -> CallbackView:
        """Have one wait until `due`."""

    async def run(self, call: str, by: str) -> CallbackView:
        """Have one wait for its turn from now on, whatever it waits for."""


class Desk(Protocol):
    """The daemon, as people and programs speak to it."""

    def status(self) -> StatusView:
        """Return how the daemon is."""

    def calls(self) -> Sequence[CallView]:
        """Return the calls that are here now, longest here first."""

    def call(self, call: str) -> CallView:
        """Return one call that is here now. NotHere otherwise."""

    def agents(self) -> Sequence[AgentView]:
        """Return all agents of the site, by id."""

    def queues(self) -> Sequence[QueueView]:
        """Return all queues of the site, in the site file's order."""

    def login(self, agent: str, phone: str | None, by: str) -> AgentView:
        """Log an agent in at a phone (None: the agent's own, else where the agent sits now)."""

    def logout(self, agent: str, by: str) -> AgentView:
        """Log an agent out; a conversation under way goes on."""

    def pause(self, agent: str, reason: str, by: str) -> AgentView:
        """Send an agent on break; a conversation under way goes on."""

    def resume(self, agent: str, by: str) -> AgentView:
        """Make an agent available: ends a break, misses and wrap-up."""

    def hang_up(self, call: str, by: str) -> None:
        """Hang up a call, whatever it does."""

    def move(self, call: str, queue: str, by: str) -> CallView:
        """Move a waiting call to another queue; it keeps the time it entered."""

    def prioritise(self, call: str, priority: int | None, bonus: float | None, by: str) -> CallView:
        """Change a waiting call's class priority (1 first) or its bonus seconds; None leaves one as it is."""

    def emergency(self, close: bool, reason: str, by: str) -> None:
        """Close the whole site to new calls at once, or open it again."""

    @property
    def callbacks(self) -> CallbackDesk:
        """Callbacks."""

    def inbox(self) -> Sequence[ItemView]:
        """Return what waits for a person to see to, oldest first."""

    async def claim(self, call: str, by: str) -> Sequence[ItemView]:
        """Take a call's items on, and return them. Kept in the journal when this returns. NotHere when it has none that waits."""

    async def finish(self, call: str, reason: str, by: str) -> None:
        """Have a call's items done. Kept in the journal when this returns. NotHere when it has none that waits."""

    async def reload(self, dry_run: bool, by: str) -> ReloadResult:
        """Read the site file again and (unless `dry_run`) apply the differences; on any error keep the old."""

    async def explain(self, call: str) -> Sequence[DecisionView]:
        """Return a call's routing decisions in order, also a past call's. NotHere when the journal doesn't know it."""

    def subscribe(self, listener: Callable[["Fact"], None]) -> Callable[[], None]:
        """Call `listener`, which returns at once, with every fact until the returned function is called."""
