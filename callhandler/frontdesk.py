"""What people and programs ask of the daemon: implements control.desk.Desk over the switchboard, with a sentence for every no."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from callhandler.callback_counter import CallbackCounter
from callhandler.control.desk import NotHere, ReloadResult
from callhandler.core import events as e
from callhandler.core.agents import Agent
from callhandler.core.calls import Call
from callhandler.core.explained import explained
from callhandler.core.inbox import Inbox
from callhandler.core.model import State, Status
from callhandler.core.views import AgentView, CallView, Counts, DecisionView, ItemView, QueueView, StatusView
from callhandler.errors import Refused
from callhandler.switchboard import Switchboard
from callhandler.viewing import Figures, Viewing

Decisions = Callable[[str], Awaitable[list[e.RoutingDecided]]]
Reload = Callable[[bool, str], Awaitable[ReloadResult]]


class FrontDesk:
    """The daemon's front desk."""

    def __init__(
        self,
        switchboard: Switchboard,
        zone: str,
        status: Callable[[], StatusView],
        decisions: Decisions,
        inbox: Inbox,
        written: Callable[[], Awaitable[object]],
    ) -> None:
        """Take how to tell the daemon's status, how to read a call's decisions from the journal, and how to wait until all is in it."""
        self._switchboard = switchboard
        self._status = status
        self._decisions = decisions
        self._inbox = inbox
        self._written = written
        self.figures = Figures(lambda at: datetime.fromtimestamp(at, ZoneInfo(zone)).date().isoformat())
        self._viewing = Viewing(switchboard, self.figures)
        self.callbacks = CallbackCounter(switchboard, written)
        self.reloading: Reload | None = None
        switchboard.listen(self.figures.take)

    def status(self) -> StatusView:
        """Return how the daemon is."""
        return self._status()

    def counts(self) -> Counts:
        """Return how much goes on at once."""
        return self._viewing.counts()

    def calls(self) -> Sequence[CallView]:
        """Return the calls that are here, longest here first."""
        return [self._viewing.call(call) for call in self._switchboard.calls.here.values()]

    def call(self, call: str) -> CallView:
        """Return one call that is here now."""
        return self._viewing.call(self._call(call))

    def agents(self) -> Sequence[AgentView]:
        """Return all agents, by id."""
        return [self._viewing.agent(agent) for _, agent in sorted(self._switchboard.line.books.agents.items())]

    def queues(self) -> Sequence[QueueView]:
        """Return all queues."""
        return [self._viewing.queue(queue) for queue in self._switchboard.line.plan.queues.values()]

    def login(self, agent: str, phone: str | None, by: str) -> AgentView:
        """Log an agent in at a phone: the one named, the agent's own, or where the agent sits. Whoever sat there is logged out."""
        found = self._agent(agent)
        phone = phone or found.plan.phone or found.phone
        if phone is None:
            raise Refused(f"agent {agent} has no phone of their own; {self._a_phone()}")
        if phone not in self._switchboard.line.plan.phones:
            raise Refused(
                f"there is no phone {phone}; phones are {', '.join(sorted(self._switchboard.line.plan.phones))}"
            )
        now = self._switchboard.clock()
        if found.phone == phone and self._is_free_for_calls(found):
            return self._viewing.agent(found)
        other = self._switchboard.line.books.agent_at(phone)
        if other is not None and other is not found:
            self._switchboard.record(e.AgentLoggedOut(at=now, agent=other.id, by=f"agent {agent} at phone {phone}"))
        self._switchboard.record(e.AgentLoggedIn(at=now, agent=agent, phone=phone, by=by))
        return self._viewing.agent(found)

    def logout(self, agent: str, by: str) -> AgentView:
        """Log an agent out; a conversation under way goes on."""
        found = self._agent(agent)
        if found.status is not Status.LOGGED_OUT:
            self._switchboard.record(e.AgentLoggedOut(at=self._switchboard.clock(), agent=agent, by=by))
        return self._viewing.agent(found)

    def pause(self, agent: str, reason: str, by: str) -> AgentView:
        """Send an agent on break; a conversation under way goes on."""
        found = self._logged_in(agent)
        if (found.status, found.break_reason) == (Status.ON_BREAK, reason) and found.state is not State.WRAPPING_UP:
            return self._viewing.agent(found)
        self._switchboard.record(e.AgentPaused(at=self._switchboard.clock(), agent=agent, reason=reason, by=by))
        return self._viewing.agent(found)

    def resume(self, agent: str, by: str) -> AgentView:
        """Make an agent available: ends a break, misses and wrap-up."""
        found = self._logged_in(agent)
        if not self._is_free_for_calls(found):
            self._switchboard.record(e.AgentResumed(at=self._switchboard.clock(), agent=agent, by=by))
        return self._viewing.agent(found)

    def hang_up(self, call: str, by: str) -> None:
        """Hang up a call, whatever it does."""
        self._switchboard.withdraw(self._call(call), by)

    def move(self, call: str, queue: str, by: str) -> CallView:
        """Move a waiting call to another queue; it keeps the time it entered."""
        found = self._waiting(call)
        if queue not in self._switchboard.line.plan.queues:
            raise NotHere(f"there is no queue {queue}; queues are {', '.join(self._switchboard.line.plan.queues)}")
        if queue != found.queue:
            at, from_queue = self._switchboard.clock(), found.queue or ""
            self._switchboard.record(e.CallMoved(at=at, call=call, queue=queue, from_queue=from_queue, by=by))
        return self._viewing.call(found)

    def prioritise(self, call: str, priority: int | None, bonus: float | None, by: str) -> CallView:
        """Change a waiting call's class priority or bonus seconds."""
        found = self._waiting(call)
        waiting = self._switchboard.line.books.calls[call]
        self._switchboard.record(
            e.CallPrioritised(
                at=self._switchboard.clock(),
                call=call,
                queue=found.queue or "",
                priority=waiting.priority if priority is None else priority,
                bonus=waiting.bonus if bonus is None else bonus,
                by=by,
            )
        )
        return self._viewing.call(found)

    def emergency(self, close: bool, reason: str, by: str) -> None:
        """Close the whole site to new calls at once, or open it again."""
        at = self._switchboard.clock()
        fact = e.EmergencyClosed(at=at, reason=reason, by=by) if close else e.EmergencyOpened(at=at, by=by)
        self._switchboard.record(fact)

    def inbox(self) -> Sequence[ItemView]:
        """Return what waits for a person to see to, oldest first."""
        return self._inbox.waiting()

    async def claim(self, call: str, by: str) -> Sequence[ItemView]:
        """Take a call's items on."""
        at = self._switchboard.clock()
        for one in self._calls_of_items(call):
            self._switchboard.record(e.ItemClaimed(at=at, call=one, by=by))
        await self._written()
        return self._inbox.of_call(call)

    async def finish(self, call: str, reason: str, by: str) -> None:
        """Have a call's items done."""
        at = self._switchboard.clock()
        for one in self._calls_of_items(call):
            self._switchboard.record(e.ItemDone(at=at, call=one, by=by, reason=reason))
        await self._written()

    async def reload(self, dry_run: bool, by: str) -> ReloadResult:
        """Read the site file again and apply the differences."""
        if self.reloading is None:
            raise Refused("the daemon is still starting; try again in a moment")
        return await self.reloading(dry_run, by)

    async def explain(self, call: str) -> Sequence[DecisionView]:
        """Return a call's routing decisions in order."""
        return [explained(decided.snapshot) for decided in await self._decisions(call)]

    def subscribe(self, listener: Callable[[e.Fact], None]) -> Callable[[], None]:
        """Call `listener` with every fact until the returned function is called."""
        return self._switchboard.listen(listener)

    def _agent(self, agent: str) -> Agent:
        found = self._switchboard.line.books.agents.get(agent)
        if found is None:
            raise NotHere(
                f"there is no agent {agent}; agents are {', '.join(sorted(self._switchboard.line.books.agents))}"
            )
        return found

    def _a_phone(self) -> str:
        """Return which phone to name: one at which nobody sits, if there is any."""
        phones, at = sorted(self._switchboard.line.plan.phones), self._switchboard.line.books.agent_at
        if not phones:
            return "and the site has no phones"
        return f"name one, such as --phone {next((one for one in phones if at(one) is None), phones[0])}"

    def _logged_in(self, agent: str) -> Agent:
        found = self._agent(agent)
        if found.status is Status.LOGGED_OUT:
            raise Refused(f"agent {agent} is logged out; log in first")
        return found

    def _is_free_for_calls(self, agent: Agent) -> bool:
        """Tell whether neither the agent's own choice nor anything held against the agent keeps calls away."""
        held = agent.state in (State.WRAPPING_UP, State.NOT_ANSWERING) or agent.misses
        resting = agent.rest_until > self._switchboard.clock()
        return agent.status is Status.AVAILABLE and not held and not resting

    def _call(self, call: str) -> Call:
        found = self._switchboard.calls.here.get(call)
        if found is None:
            raise NotHere(f"there is no call {call} here now")
        return found

    def _calls_of_items(self, call: str) -> Sequence[str]:
        """Return all calls that a call's items are made of: whoever sees to one of a number's calls sees to all of them."""
        found = dict.fromkeys(one for item in self._inbox.of_call(call) for one in item.calls)
        if not found:
            raise NotHere(f"nothing in the inbox waits that has to do with call {call}")
        return list(found)

    def _waiting(self, call: str) -> Call:
        found = self._call(call)
        if found.queue is None:
            raise Refused(f"call {call} is not waiting in line")
        return found
