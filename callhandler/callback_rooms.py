"""Callbacks as conversations see them: implements scripts.callback_house over the switchboard. Here an attempt waits for the disk.

One object for each conversation, and one for all customers who are called before an agent is rung. Knows no Asterisk: sessions of it are
reception.py's business.
"""

import asyncio
from collections.abc import Awaitable, Callable

from callhandler.calling_back import AgentVisit, Callbacks
from callhandler.core import events as e
from callhandler.core.callback import Callback
from callhandler.core.calls import Call
from callhandler.core.model import CallbackRules, CallbackState, OfferEnd
from callhandler.core.ports import DialLeg
from callhandler.errors import Refused
from callhandler.site.models import Site

Commit = Callable[[], Awaitable[bool]]
"""Waits until all facts so far are on disk; tells whether they are (store.journal.Journal.commit)."""


class AskingRoom:
    """Where callers ask; implements scripts.callback_house.CallbackHouse."""

    def __init__(self, callbacks: Callbacks, clock: Callable[[], float], commit: Commit) -> None:
        self._callbacks = callbacks
        self._clock = clock
        self._commit = commit

    def judged(self, number: str) -> str | None:
        """Return a number in international form; None when it may not be called."""
        try:
            return self._callbacks.core.guard.judged(number)
        except Refused:
            return None

    def open_to(self, number: str) -> Callback | None:
        """Return the open callback to a number, unless somebody is on the line for it: nothing is left to join or to cancel then."""
        one = self._callbacks.core.open_to(number)
        return one if one is not None and self._callbacks.core.books.is_away(one.call) else None

    def of(self, call: Call) -> Callback | None:
        """Return the open callback that a caller has asked for in this very call; who was called back is on the line for theirs."""
        return self._callbacks.find(call.id) if call.called_at is None else None

    def slots(self, call: Call, number: str, wait: float) -> list[float]:
        """Return when the slots begin that can be promised."""
        return self._callbacks.core.slots(number, call.number, self._clock(), wait)

    def has_room(self, slot: float) -> bool:
        """Tell whether one more callback can be promised for a slot."""
        return self._callbacks.core.has_room(slot)

    async def ask(self, call: Call, queue: str, number: str, due: float | None) -> None:
        """Keep the call's place for calling back, on disk."""
        self._callbacks.ask(call, queue, number, confirmed=True, due=due, by="caller", reason="asked for in line")
        await self._commit()

    def hung_up(self, call: Call, queue: str, number: str) -> None:
        """Have a caller called back in turn who hung up before saying when."""
        self._callbacks.hung_up(call, queue, number)

    def take_place(self, callback: Callback, call: Call) -> None:
        """Put a call into line at a callback's place."""
        self._callbacks.joined_by(callback, call)

    def join(self, callback: Callback, call: Call) -> None:
        """Let a call's own place go."""
        self._callbacks.join(callback, call)

    def cancel(self, callback: Callback) -> None:
        """End a callback because the customer said so."""
        self._callbacks.cancel(callback, "caller", "the customer said so")

    def put_off(self, call: Call) -> None:
        """Have a customer called again who waited in vain."""
        self._callbacks.customers.put_off(call)


class AgentsRoom:
    """One agent rung for one callback; implements scripts.callback_house.AgentsTask."""

    def __init__(self, callbacks: Callbacks, visit: AgentVisit, site: Site, commit: Commit) -> None:
        self._callbacks = callbacks
        self._visit = visit
        self._site = site
        self._commit = commit
        self.callback = visit.callback

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do."""
        return self._callbacks.find(self.callback.call) is not self.callback

    @property
    def is_dialled(self) -> bool:
        """Whether the customer is being dialled for this agent."""
        mine = self.callback.agent_leg == self._visit.leg
        return mine and not self.is_over and self.callback.state is CallbackState.DIALLED

    @property
    def customer(self) -> str | None:
        """The name of the channel of the customer who has said yes."""
        if self.is_over or self.callback.agent_leg != self._visit.leg:
            return None
        return self._callbacks.customers.channel_of(self.callback)

    async def dial(self) -> None:
        """Have the customer dialled, once the attempt is on disk."""
        fact = self._callbacks.customers.dialling(self._visit.callback)
        on_disk = await self._commit()
        self._callbacks.customers.dial(fact, _leg(fact, self._site) if on_disk else None)

    def let_go(self, reason: OfferEnd) -> None:
        """Say what it counts as when the agent's phone is now hung up."""
        self._callbacks.let_go(self._visit, reason)


class CustomersRoom:
    """One customer called back; implements scripts.callback_house.CustomersTask."""

    def __init__(self, callbacks: Callbacks, callback: Callback, channel: str) -> None:
        self._callbacks = callbacks
        self._channel = channel
        self.callback = callback

    @property
    def is_last(self) -> bool:
        """Whether no further attempt is made after this one."""
        rules = self._callbacks.core.rules or CallbackRules()
        return self.callback.failed + 1 >= self.callback.attempts(rules)

    def accepted(self) -> None:
        """Take note that the customer said yes."""
        if self.callback.state is CallbackState.DIALLED:
            self._callbacks.customers.accepted(self.callback, self._channel)

    def machine(self) -> None:
        """Take note that a machine has picked up."""
        self._callbacks.customers.machine(self.callback)


class CustomersFirst:
    """Dials customers before an agent is rung, each once its attempt is on disk. `see` listens to facts, `run` is a task."""

    def __init__(self, callbacks: Callbacks, site: Callable[[], Site], commit: Commit) -> None:
        """Take what tells the site file in force."""
        self._callbacks = callbacks
        self._site = site
        self._commit = commit
        self._attempts: asyncio.Queue[e.CallbackDialled] = asyncio.Queue()

    def see(self, fact: e.Fact) -> None:
        """Take note of an attempt that has no agent yet."""
        if isinstance(fact, e.CallbackDialled) and fact.agent is None:
            self._attempts.put_nowait(fact)

    async def run(self) -> None:
        """Dial, for ever. A customer whose attempt was never seen here is not dialled: after a start, what was left is `lost`."""
        while True:
            fact = await self._attempts.get()
            on_disk = await self._commit()
            self._callbacks.customers.dial(fact, _leg(fact, self._site()) if on_disk else None)


def _leg(fact: e.CallbackDialled, site: Site) -> DialLeg | None:
    """Return how a customer is dialled; None for a site that calls nobody back any more."""
    table = site.callbacks
    if table is None:
        return None
    return DialLeg(
        leg=fact.leg,
        call=fact.call,
        number=fact.number,
        trunk=table.trunk,
        ring=table.ring,
        longest=table.minutes * 60.0,
        display_name=site.company.name,
        display_number=table.caller_number or "",
    )
