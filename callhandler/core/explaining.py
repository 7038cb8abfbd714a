"""Why a call went to an agent: the decision with its inputs, written so that it can be made again.

It is kept in the journal as JSON in RoutingDecided.snapshot, and `callhandler explain` shows it. `replay` judges every candidate from the
inputs alone, with the very functions that decided, and must come to the same choice; the verdicts are worked out there and then.

Writing happens with every offer, so it is quick: what is written of an agent is kept until the agent changes, what is written of how an
agent fits until the plan does, and a decision is little more than joining them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted

from callhandler.core.agents import Agent
from callhandler.core.model import AgentPlan, Device, Serves, State, Status, Strategy
from callhandler.core.pools import Pool
from callhandler.core.routing import best, obstacle
from callhandler.core.skills import parse
from callhandler.core.waiting import OrderKey, Waiting

FORM = 3
"""Raised when the text's form changes, or what its inputs lead to: `explain` doesn't guess at decisions of another version."""
FEW_AGENTS = 20
"""Where there are no more agents than these, all are kept with a decision."""
MOST_CANDIDATES = 5
"""Where there are more, how many candidates are kept; `left_out` counts the other agents."""


_ANYWHERE = Serves("")
"""The row of whoever serves every queue."""


@dataclass(slots=True)
class Choice:
    """Whom a call goes to, best first (nobody, perhaps), at most `most`; `seen` are those who were looked at for it, in order."""

    call: Waiting
    pool: Pool
    most: int
    kept_for: str | None
    agents: list[Agent]
    seen: list[Agent]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent as a decision saw it."""

    id: str
    name: str
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


@dataclass(frozen=True, slots=True)
class Decided:
    """One routing decision, read back. `chosen` lists agents, best first; `refused` those who were offered the call in vain."""

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
    refused: tuple[str, ...]
    chosen: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    left_out: int

    @classmethod
    def from_json(cls, text: str) -> "Decided":
        """Read a snapshot text back; ValueError when it is none of this version's."""
        raw = json.loads(text)
        try:
            if raw.pop("form") != FORM:
                raise ValueError("this decision was written by another version")
            raw["candidates"] = tuple(_candidate(*row) for row in raw["candidates"])
            for name in ("key", "refused", "chosen"):
                raw[name] = tuple(raw[name])
            raw["strategy"] = Strategy(raw["strategy"])
            return cls(**raw)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError("this decision was written by another version") from error


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a decision comes to when it is made again. `same` tells whether that is what happened."""

    chosen: tuple[str, ...]
    verdicts: dict[str, str]
    same: bool


def write_down(choice: Choice, shown: Sequence[Agent], total: int, now: float) -> str:
    """Return the text of a choice, before it changes anything. `shown` are the agents kept with it, out of `total`."""
    call, pool = choice.call, choice.pool
    kept_for = "null" if choice.kept_for is None else quoted(choice.kept_for)
    candidates = ",".join(
        [f"[{agent.written or _write(agent)},{pool.texts.get(agent.id) or _write_fit(agent, pool)}]" for agent in shown]
    )
    return (
        f'{{"form":{FORM},"at":{now!r},"call":{quoted(call.id)},"queue":{quoted(call.queue)},"step":{call.step}'
        f',"wants":{quoted(pool.wanted.text)},"strategy":{quoted(pool.strategy)},"most":{choice.most},"entered":{call.entered!r}'
        f',"joined":{call.joined!r},"key":[{call.priority},{call.entered - call.bonus!r},{quoted(call.id)}],"kept_for":{kept_for}'
        f',"refused":[{_list(call.refused)}],"chosen":[{_list(agent.id for agent in choice.agents)}]'
        f',"candidates":[{candidates}],"left_out":{total - len(shown)}}}'
    )


def replay(decided: Decided) -> Replayed:
    """Make a decision again from its inputs."""
    wanted = parse(decided.wants)
    refused = dict.fromkeys(decided.refused, decided.at)
    call = Waiting(decided.call, decided.queue, decided.entered, decided.joined, decided.key[0], 0.0, refused=refused)
    agents = [_agent(one, decided.queue) for one in decided.candidates]
    verdicts = {agent.id: obstacle(agent, call, wanted, decided.kept_for, decided.at) for agent in agents}
    able = [agent for agent in agents if not verdicts[agent.id]]
    chosen = tuple(agent.id for agent in best(decided.strategy, able, wanted, decided.at, decided.most))
    return Replayed(chosen, verdicts, chosen == decided.chosen)


def _list(texts: Iterable[str]) -> str:
    return ",".join([quoted(text) for text in texts])


def text_of(agent: Agent) -> str:
    """Return what is written of an agent, in the order of Candidate's fields."""
    phone = "null" if agent.phone is None else quoted(agent.phone)
    return (
        f"{quoted(agent.id)},{quoted(agent.plan.name)},{quoted(agent.status)},{quoted(agent.break_reason)},{quoted(agent.state)}"
        f",{phone},{quoted(agent.device)},{agent.rest_until!r},{agent.wrap_until!r},{agent.idle_since!r},{agent.calls}"
        f",{agent.handled!r},{agent.logged_in_at!r}"
    )


def _write(agent: Agent) -> str:
    agent.written = text_of(agent)
    return agent.written


def _write_fit(agent: Agent, pool: Pool) -> str:
    """Return what is written of how an agent fits: the levels of the skills that are wanted, and the row of the routing profile."""
    have, row = agent.plan.skills, agent.row_for(pool.queue) if agent.plan.serves else _ANYWHERE
    levels = ",".join([f"{text}{have[skill]}" for skill, text in pool.skills if skill in have])
    written = f"{{{levels}}}," + ("null" if row is None else f"[{row.priority},{row.delay!r}]")
    pool.texts[agent.id] = written
    return written


def _candidate(
    agent: str,
    name: str,
    status: str,
    break_reason: str,
    state: str,
    phone: str | None,
    device: str,
    rest_until: float,
    wrap_until: float,
    idle_since: float,
    calls: int,
    handled: float,
    logged_in_at: float,
    levels: dict[str, int],
    row: list[float] | None,
) -> Candidate:
    return Candidate(
        agent,
        name,
        Status(status),
        break_reason,
        State(state),
        phone,
        Device(device),
        rest_until,
        wrap_until,
        idle_since,
        calls,
        handled,
        logged_in_at,
        levels,
        None if row is None else (int(row[0]), row[1]),
    )


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
