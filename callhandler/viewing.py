"""The present as core/views.py describes it, taken from the switchboard's state at one moment."""

import math
from collections.abc import Callable, Iterable

from callhandler.core import events as e
from callhandler.core.agents import Agent
from callhandler.core.alarms import Alarms
from callhandler.core.calls import Call
from callhandler.core.model import Queue, State, Status
from callhandler.core.views import AgentView, CallState, CallView, Counts, QueueView
from callhandler.switchboard import Switchboard


class Figures:
    """Small figures that live from fact to fact: calls per agent today, the last day's alarms. `day` names the site's day of a time."""

    def __init__(self, day: Callable[[float], str]) -> None:
        self._day = day
        self._today = ""
        self.calls_today: dict[str, int] = {}
        self.alarms = Alarms()
        self._first_alarm = math.inf

    def begin(self, now: float, calls_today: dict[str, int], alarms: Iterable[e.AlarmRaised] = ()) -> None:
        """Take up what the journal knows of today, and its alarms of the last day; those that were taken already aren't counted again."""
        self._today, self.calls_today = self._day(now), dict(calls_today)
        for alarm in alarms:
            if round(alarm.at, 3) < round(self._first_alarm, 3):  # the journal keeps milliseconds
                self.alarms.take(alarm)

    def take(self, fact: e.Fact) -> None:
        """Take note of a fact."""
        if isinstance(fact, e.CallConnected):
            day = self._day(fact.at)
            if day != self._today:
                self._today, self.calls_today = day, {}
            self.calls_today[fact.agent] = self.calls_today.get(fact.agent, 0) + 1
        elif isinstance(fact, e.AlarmRaised):
            self._first_alarm = min(self._first_alarm, fact.at)
            self.alarms.take(fact)


class Viewing:
    """Looks at the switchboard."""

    def __init__(self, switchboard: Switchboard, figures: Figures) -> None:
        self._switchboard = switchboard
        self._figures = figures

    def call(self, call: Call) -> CallView:
        """Return the view of a call that is here."""
        books = self._switchboard.line.books
        waiting = books.calls.get(call.id)
        now = self._switchboard.clock()
        offered = next((books.legs[leg].id for leg in books.offers_of(call.id) if leg in books.legs), None)
        state = _state(call, offered is not None)
        return CallView(
            id=call.id,
            state=state,
            arrived=call.arrived,
            number=call.number,
            caller_number=call.caller_number,
            caller_name=call.caller_name,
            source=call.source,
            since=call.since,
            queue=call.queue,
            position=None if waiting is None else books.position(waiting),
            entered=call.entered,
            waited=None if call.entered is None else round(call.waited(now), 1),
            priority=None if waiting is None else waiting.priority,
            bonus=None if waiting is None else waiting.bonus,
            step=None if waiting is None else waiting.step,
            agent=call.agent or offered,
            menu=call.menu,
            attributes=dict(call.attributes),
            sent_to=call.sent_to if state is CallState.ELSEWHERE and not _left(call) else None,
        )

    def agent(self, agent: Agent) -> AgentView:
        """Return the view of an agent."""
        queues = [queue for queue in self._switchboard.line.plan.queues if self._serves(agent, queue)]
        return AgentView(
            id=agent.id,
            name=agent.plan.name,
            status=agent.status,
            state=agent.state,
            since=max(agent.since, agent.chosen_at) or None,
            reason=agent.break_reason,
            phone=agent.phone,
            device=None if agent.phone is None else agent.device,
            call=agent.call,
            skills=dict(agent.plan.skills),
            queues=tuple(queues),
            calls_today=self._figures.calls_today.get(agent.id, 0),
            misses=agent.misses,
        )

    def queue(self, queue: Queue) -> QueueView:
        """Return the view of a queue."""
        books, now = self._switchboard.line.books, self._switchboard.clock()
        away = books.callbacks.is_away
        waiting = [call for call in books.calls.values() if call.queue == queue.id and not away(call.id)]
        agents = [agent for agent in books.agents.values() if self._serves(agent, queue.id)]
        here = [agent for agent in agents if agent.status is not Status.LOGGED_OUT]
        free = sum(agent.is_ready() for agent in here)
        return QueueView(
            id=queue.id,
            name=queue.name,
            waiting=len(waiting),
            callbacks=sum(one.queue == queue.id for one in books.callbacks.open.values()),
            offered=sum(bool(books.offers_of(call.id)) for call in waiting),
            talking=sum(agent.state is State.TALKING and agent.queue == queue.id for agent in books.agents.values()),
            longest_wait=max((round(call.waited(now), 1) for call in waiting), default=None),
            agents_logged_in=len(here),
            agents_free=free,
            agents_busy=sum(agent.state is not State.IDLE for agent in here),
        )

    def counts(self) -> Counts:
        """Return how much goes on at once."""
        books, calls = self._switchboard.line.books, self._switchboard.calls.here
        here = [agent for agent in books.agents.values() if agent.status is not Status.LOGGED_OUT]
        return Counts(
            calls=len(calls),
            ringing=sum(call.rings_since is not None for call in calls.values()),
            waiting=sum(not books.callbacks.is_away(call) for call in books.calls),
            callbacks=len(books.callbacks.open),
            talking=sum(call.leg is not None for call in calls.values()),
            agents_logged_in=len(here),
            agents_free=sum(agent.is_ready() for agent in here),
        )

    def _serves(self, agent: Agent, queue: str) -> bool:
        if agent.row_for(queue) is None:
            return False
        steps = self._switchboard.line.plan.queues[queue].steps
        return any(step.wants.matches(agent.plan.skills) for step in steps)


def _left(call: Call) -> bool:
    """Tell whether the last place a call was sent to is one that it has left since: a line or a menu it would be in otherwise."""
    return (call.sent_to or "").partition(":")[0] in ("queue", "menu", "operator")


def _state(call: Call, offered: bool) -> CallState:
    if call.rings_since is not None:
        return CallState.RINGING
    if call.leg is not None:
        return CallState.ON_HOLD if call.held else CallState.TALKING
    if call.queue is not None:
        return CallState.OFFERED if offered else CallState.WAITING
    if call.menu is not None:
        return CallState.IN_MENU
    return CallState.ARRIVED if call.sent_to is None and not call.answered else CallState.ELSEWHERE
