"""Where people and programs ask about callbacks: implements control.desk.CallbackDesk over the switchboard."""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from callhandler.control.desk import NotHere
from callhandler.core.callback import Callback
from callhandler.core.model import CallbackRules, CallbackState
from callhandler.core.views import CallbackView
from callhandler.errors import Refused
from callhandler.switchboard import Switchboard


class CallbackCounter:
    """The callbacks of the daemon."""

    def __init__(self, switchboard: Switchboard, written: Callable[[], Awaitable[object]]) -> None:
        """Take the switchboard, and how to wait until all facts so far are in the journal."""
        self._written = written
        self._switchboard = switchboard
        self._callbacks = switchboard.callbacks
        self._count = itertools.count(1)

    def all(self) -> Sequence[CallbackView]:
        """Return the callbacks that are open, in the order of the line."""
        return [self._view(one) for one in self._callbacks.all()]

    def one(self, call: str) -> CallbackView:
        """Return one."""
        return self._view(self._found(call))

    async def add(self, queue: str, number: str, name: str, due: float | None, by: str) -> CallbackView:
        """Have somebody called back, who takes the place of now."""
        now, link = self._switchboard.clock(), self._switchboard.link
        if link is None:
            raise Refused("Asterisk is not connected, so nobody can be called; try again when it is")
        call = f"{link.node}-{now:.0f}.cb{next(self._count)}"
        one = self._callbacks.add(call, queue, number, name, due, by)
        await self._written()
        return self._view(one)

    async def cancel(self, call: str, reason: str, by: str) -> None:
        """End one that isn't wanted any more."""
        self._callbacks.cancel(self._found(call), by, reason or f"cancelled by {by}")
        await self._written()

    async def reschedule(self, call: str, due: float, by: str) -> CallbackView:
        """Have one wait until another time."""
        one = self._found(call)
        self._callbacks.reschedule(one, due, f"another time, said {by}")
        await self._written()
        return self._view(one)

    async def run(self, call: str, by: str) -> CallbackView:
        """Have one wait for its turn from now on."""
        one = self._found(call)
        self._callbacks.run(one, by)
        await self._written()
        return self._view(one)

    def _found(self, call: str) -> Callback:
        one = self._callbacks.find(call)
        if one is None:
            raise NotHere(f"there is no open callback {call}")
        return one

    def _view(self, one: Callback) -> CallbackView:
        books, now = self._switchboard.line.books, self._switchboard.clock()
        waiting = books.calls.get(one.call) if one.state is CallbackState.WAITING else None
        rules = self._switchboard.line.plan.callbacks or CallbackRules()
        return CallbackView(
            id=one.call,
            state=one.state,
            since=one.since,
            queue=one.queue,
            number=one.number,
            confirmed=one.confirmed,
            caller_name=one.caller_name,
            language=one.language,
            requested=one.requested,
            entered=one.entered,
            by=one.by,
            due=one.due if one.due > now else None,
            promise=one.promise,
            expires=one.expires,
            position=None if waiting is None else books.position(waiting),
            attempts=one.failed,
            most=one.attempts(rules),
            last_failure=one.last_failure,
            agent=one.agent,
        )
