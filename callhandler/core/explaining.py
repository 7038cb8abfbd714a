"""Why a call went to an agent, or to nobody yet: the decision with its inputs, made so that it can be made again.

A `Decided` is what `callhandler explain` shows. It is kept in the journal as JSON in RoutingDecided.snapshot. `replay` judges every
candidate again from the inputs alone, with the very functions that decided, and must come to the same verdicts and choice.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields

from callhandler.core.agents import Agent
from callhandler.core.model import AgentPlan, Device, Serves, State, Status, Strategy
from callhandler.core.routing import best, obstacle
from callhandler.core.skills import Expression, parse
from callhandler.core.waiting import OrderKey, Waiting

MOST_CANDIDATES = 40
"""Candidates kept with a decision: the chosen, then those free, then the rest. `left_out` counts those beyond."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent as a decision saw it. `verdict` is "" for one who could be offered the call, else the first reason why not."""

    id: str
    name: str
    verdict: str
    status: Status
    break_reason: str
    state: State
    phone: str | None
    device: Device
    rest_until: float
    wrap_until: float
    idle_since: float
    calls: int
    handled: float
    logged_in_at: float
    levels: dict[str, int]
    row: tuple[int, float] | None
    refused: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """One routing decision. `chosen` lists agents, best first; empty when nobody could be offered the call."""

    at: float
    call: str
    queue: str
    step: int
    wants: str
    strategy: Strategy
    most: int
    entered: float
    joined: float
    key: OrderKey
    kept_for: str | None
    chosen: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    left_out: int

    def to_json(self) -> str:
        """Return the snapshot text for the journal."""
        # Not dataclasses.asdict: it copies deeply, and took most of the time of a decision.
        plain = {name: getattr(self, name) for name in _FIELDS}
        plain["candidates"] = [{name: getattr(one, name) for name in _CANDIDATE_FIELDS} for one in self.candidates]
        return _ENCODE(plain)

    @classmethod
    def from_json(cls, text: str) -> "Decided":
        """Read a snapshot text back."""
        raw = json.loads(text)
        raw["candidates"] = tuple(_candidate_from(candidate) for candidate in raw["candidates"])
        raw["chosen"] = tuple(raw["chosen"])
        raw["key"] = tuple(raw["key"])
        raw["strategy"] = Strategy(raw["strategy"])
        return cls(**raw)


_FIELDS = tuple(f.name for f in fields(Decided))
_CANDIDATE_FIELDS = tuple(f.name for f in fields(Candidate))
_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a decision comes to when it is made again. `same` tells whether that is what happened."""

    chosen: tuple[str, ...]
    verdicts: dict[str, str]
    same: bool


def write_down(
    call: Waiting,
    wanted: Expression,
    strategy: Strategy,
    most: int,
    kept_for: str | None,
    chosen: Iterable[Agent],
    agents: Iterable[Agent],
    total: int,
    now: float,
) -> Decided:
    """Write a decision down before it changes anything. `agents` are those to be kept with it, out of `total`."""
    skills = sorted(wanted.skills())
    candidates = tuple(_candidate(agent, call, wanted, skills, kept_for, now) for agent in agents)
    return Decided(
        at=now,
        call=call.id,
        queue=call.queue,
        step=call.step,
        wants=wanted.text,
        strategy=strategy,
        most=most,
        entered=call.entered,
        joined=call.joined,
        key=call.key,
        kept_for=kept_for,
        chosen=tuple(agent.id for agent in chosen),
        candidates=candidates,
        left_out=total - len(candidates),
    )


def replay(decided: Decided) -> Replayed:
    """Make a decision again from its inputs."""
    wanted = parse(decided.wants)
    refused = {one.id: decided.at for one in decided.candidates if one.refused}
    call = Waiting(decided.call, decided.queue, decided.entered, decided.joined, decided.key[0], 0.0, refused=refused)
    agents = [_agent(one, decided.queue) for one in decided.candidates]
    verdicts = {agent.id: obstacle(agent, call, wanted, decided.kept_for, decided.at) for agent in agents}
    able = [agent for agent in agents if not verdicts[agent.id]]
    chosen = tuple(agent.id for agent in best(decided.strategy, able, wanted, decided.at, decided.most))
    same = chosen == decided.chosen and all(verdicts[one.id] == one.verdict for one in decided.candidates)
    return Replayed(chosen, verdicts, same)


def _candidate(
    agent: Agent, call: Waiting, wanted: Expression, skills: list[str], kept_for: str | None, now: float
) -> Candidate:
    row = agent.row_for(call.queue)
    return Candidate(
        id=agent.id,
        name=agent.plan.name,
        verdict=obstacle(agent, call, wanted, kept_for, now),
        status=agent.status,
        break_reason=agent.break_reason,
        state=agent.state,
        phone=agent.phone,
        device=agent.device,
        rest_until=agent.rest_until,
        wrap_until=agent.wrap_until,
        idle_since=agent.idle_since,
        calls=agent.calls,
        handled=agent.handled,
        logged_in_at=agent.logged_in_at,
        levels={skill: agent.plan.skills[skill] for skill in skills if skill in agent.plan.skills},
        row=None if row is None else (row.priority, row.delay),
        refused=agent.id in call.refused,
    )


def _candidate_from(raw: dict[str, object]) -> Candidate:
    kinds = {"status": Status, "state": State, "device": Device}
    values = {f.name: raw[f.name] for f in fields(Candidate)}
    for name, kind in kinds.items():
        values[name] = kind(str(values[name]))
    row = values["row"]
    values["row"] = tuple(row) if isinstance(row, list) else None
    return Candidate(**values)  # type: ignore[arg-type]  # the journal's own JSON, checked field by field above


def _agent(one: Candidate, queue: str) -> Agent:
    # An agent who doesn't serve the queue must have some row, or the plan would mean "every queue".
    row = Serves("", 1, 0.0) if one.row is None else Serves(queue, *one.row)
    return Agent(
        plan=AgentPlan(one.id, one.name, one.levels, (row,), one.phone),
        status=one.status,
        break_reason=one.break_reason,
        state=one.state,
        phone=one.phone,
        device=one.device,
        rest_until=one.rest_until,
        wrap_until=one.wrap_until,
        idle_since=one.idle_since,
        calls=one.calls,
        handled=one.handled,
        logged_in_at=one.logged_in_at,
    )
