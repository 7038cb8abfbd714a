"""The site file as the core wants it: queues with parsed steps, agents, phones, rules. Reads nothing but a good site."""

from callhandler.core.model import (
    AgentPlan,
    CallbackRules,
    HoldRules,
    OfferRules,
    Plan,
    Promise,
    Queue,
    Serves,
    Step,
    Tier,
)
from callhandler.core.skills import parse
from callhandler.site.models import Agent, Callbacks, QueueTable, Site


def plan(site: Site) -> Plan:
    """Return all that the core needs of a site whose skill expressions are known to be good (`loading.load`)."""
    return Plan(
        queues={name: _queue(name, table) for name, table in site.queues.items()},
        agents={name: _agent(name, table) for name, table in site.agents.items()},
        phones=frozenset(site.phones),
        rules=OfferRules(
            misses=site.offers.misses,
            back_off_refused=site.offers.back_off_refused,
            back_off_busy=site.offers.back_off_busy,
            back_off_no_answer=site.offers.back_off_no_answer,
        ),
        tiers={name: Tier(table.priority, table.bonus) for name, table in site.tiers.items()},
        promise=Promise(site.waiting.check_in_at_most, site.waiting.check_in_aim),
        holds=HoldRules(site.waiting.hold_remind, site.waiting.hold_check_in, site.waiting.hold_alert),
        redial=site.waiting.redial,
        language=site.default_language,
        callbacks=None if site.callbacks is None else _callbacks(site.callbacks),
    )


def _callbacks(table: Callbacks) -> CallbackRules:
    return CallbackRules(
        first=table.first,
        customer_waits=table.customer_waits,
        attempts=table.attempts,
        spacing=table.spacing,
        ring=table.ring,
        expires=table.expires,
        automatic_after=table.automatic_after,
        per_number=table.per_number,
        per_hour=table.per_hour,
        per_day=table.per_day,
        at_once=table.at_once,
        minutes=table.minutes,
        minutes_per_day=table.minutes_per_day,
        slot_capacity=table.slot_capacity,
        slots_ahead=table.slots_ahead,
    )


def _queue(name: str, table: QueueTable) -> Queue:
    return Queue(
        id=name,
        name=table.name,
        steps=tuple(Step(parse(row.wants), row.seconds, row.drop_call_wants) for row in table.steps),
        strategy=table.strategy,
        ring_best=table.ring_best,
        ring=table.ring,
        wrap_up=table.wrap_up,
        priority=table.priority,
        bonus=table.bonus,
        last_agent_window=table.last_agent_window,
        last_agent_wait=table.last_agent_wait,
        max_wait=table.max_wait,
        max_length=table.max_length,
    )


def _agent(name: str, table: Agent) -> AgentPlan:
    return AgentPlan(
        id=name,
        name=table.name,
        skills=dict(table.skills),
        serves=tuple(Serves(row.queue, row.priority, row.delay) for row in table.serves),
        phone=table.phone,
    )
