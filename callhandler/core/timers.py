"""What is due at some time of a call's wait or of an agent's rest. Set when it begins, and again after a restart."""

from callhandler.core.agents import Agent
from callhandler.core.decisions import WakeAt
from callhandler.core.model import OfferRules, Plan, Queue, State
from callhandler.core.waiting import Waiting


def step_timer(call: Waiting, queue: Queue) -> list[WakeAt]:
    """Return when a call's step is over, if it ever is."""
    seconds = queue.steps[call.step].seconds
    return [] if seconds is None else [WakeAt(call.step_since + seconds, ("step", call.id))]


def call_timers(call: Waiting, queue: Queue, delays: tuple[float, ...], rules: OfferRules) -> list[WakeAt]:
    """Return all that is due in a call's wait: `delays` are those after which it comes into further agents' reach."""
    due = step_timer(call, queue)
    if delays or call.refused:
        matches = [call.joined + delay for delay in delays]
        matches += [at + rules.forget_refusal for at in call.refused.values()]
        due += [WakeAt(when, ("match", call.id)) for when in matches]
    if call.preferred_agent is not None:
        due.append(WakeAt(call.preferred_until, ("match", call.id)))
    if queue.max_wait is not None:
        due.append(WakeAt(call.joined + queue.max_wait, ("max wait", call.id)))
    return due


def agent_timers(agent: Agent, plan: Plan, now: float) -> list[WakeAt]:
    """Return all that is due for an agent as found at `now`."""
    due = []
    if agent.state is State.WRAPPING_UP:
        due.append(WakeAt(max(now, agent.wrap_until), ("wrap", agent.id)))
    if agent.rest_until > now:
        due.append(WakeAt(agent.rest_until, ("rest", agent.id)))
    if agent.state is State.OFFERED and agent.leg is not None:
        queue = plan.queues.get(agent.queue or "")
        ring = queue.ring if queue is not None else 0.0
        due.append(WakeAt(now + ring + plan.rules.lease, ("lease", agent.leg)))
    return due
