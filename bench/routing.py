"""How long a routing decision takes: many agents, many waiting calls, 200 skills, three-term wants, relaxing steps.

Two kinds are timed in the real line, without writing down the reasons unless said: a call enters while agents are free (who takes it?), and
an agent becomes free while calls wait (which one?). Peers are the naive ways to do the same on the same data.
Processor time is measured, not the clock on the wall, so that a busy machine changes little. What fits whom is worked out once per plan and
kind of want: that first time is a figure of its own, and not in the others.
Run it from the repository's root: `python bench/routing.py [--quick]`; it prints a table and writes bench/out/routing.json.
"""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from random import Random
from time import thread_time_ns

from callhandler.core import events as e
from callhandler.core.decisions import OfferTo
from callhandler.core.line import Line
from callhandler.core.model import AgentPlan, Device, Plan, Queue, Step, Strategy
from callhandler.core.routing import best, obstacle
from callhandler.core.skills import parse
from callhandler.core.waiting import Waiting

SKILLS = [f"skill_{n}" for n in range(200)]
QUEUES = 20
MEASURED = (Strategy.LONGEST_IDLE, Strategy.BEST_SKILL, Strategy.FEWEST_CALLS)


def wants(random: Random) -> str:
    """Return a three-term expression that a fair share of agents fit."""
    one, two, three = random.sample(SKILLS, 3)
    return f"{one} >= {random.randint(1, 4)} or {two} >= 3 and {three}"


def site(agents: int, strategy: Strategy, random: Random) -> Plan:
    """Return a site: each agent has 30 of the 200 skills, each queue three steps that ask for less and less."""
    queues = {
        f"q{n}": Queue(
            f"q{n}",
            f"Q{n}",
            (Step(parse(wants(random)), 20.0), Step(parse(wants(random)), 40.0), Step()),
            strategy,
            wrap_up=0.0,
        )
        for n in range(QUEUES)
    }
    people = {
        f"a{n:05}": AgentPlan(
            f"a{n:05}", "", {skill: random.randint(1, 10) for skill in random.sample(SKILLS, 30)}, (), f"p{n}"
        )
        for n in range(agents)
    }
    return Plan(queues, people, frozenset(f"p{n}" for n in range(agents)))


class Bench:
    """A line of one size, with everybody logged in."""

    def __init__(self, agents: int, strategy: Strategy, explain: bool, prepared: bool = True) -> None:
        self.random = Random(1)
        self.plan = site(agents, strategy, self.random)
        self.line = Line(self.plan, explain)
        self.now = 1_000.0
        self.calls = 0
        self.ringing: list[OfferTo] = []
        self.own_wants = [wants(self.random) for _ in range(10)] + [""] * 30
        self.first_time = self._work_out_who_fits() if prepared else []
        self.line.resume(self.now)
        for phone in sorted(self.plan.phones):
            self.line.see_phone(phone, Device.FREE, self.now)
        for agent in self.plan.agents.values():
            self.now += 0.001
            self.line.step(e.AgentLoggedIn(at=self.now, agent=agent.id, phone=agent.phone or "", by="bench"), self.now)

    def _work_out_who_fits(self) -> list[int]:
        """Have the line work out once who fits each kind of want; return the nanoseconds each took."""
        books, took = self.line.books, []
        for queue in self.plan.queues.values():
            for own in sorted(set(self.own_wants)):
                for step in range(len(queue.steps)):
                    start = thread_time_ns()
                    books.crew.pool(queue.id, books.step_wants(queue.id, parse(own), step))
                    took.append(thread_time_ns() - start)
        return took

    def enter(self) -> tuple[str, int]:
        """Have a call enter; return its id and the nanoseconds that took."""
        self.calls += 1
        self.now += 0.001
        fact = e.CallEntered(
            at=self.now,
            call=f"c{self.calls:07}",
            queue=f"q{self.random.randrange(QUEUES)}",
            entered=self.now,
            priority=5,
            bonus=0.0,
            wants=self.random.choice(self.own_wants),
        )
        return fact.call, self.timed(fact)

    def talking(self) -> int:
        """Return how many agents talk."""
        return len(self.line.books.legs)

    def timed(self, fact: e.Fact) -> int:
        """Take a step; return the nanoseconds that took."""
        start = thread_time_ns()
        outcomes = self.line.step(fact, self.now)
        took = thread_time_ns() - start
        self.ringing += [outcome for outcome in outcomes if isinstance(outcome, OfferTo)]
        return took

    def connect_all(self) -> None:
        """Have every ringing phone answered."""
        for offer in self.ringing:
            self.line.step(
                e.CallConnected(
                    at=self.now, call=offer.call, leg=offer.leg, agent=offer.agent, queue=offer.queue, waited=0.0
                ),
                self.now,
            )
        self.ringing.clear()

    def free_one(self) -> int | None:
        """Have a talk end; return the nanoseconds that took, None when nobody talks."""
        self.connect_all()
        self.now += 0.001
        busy = self.line.books.legs
        if not busy:
            return None
        leg, agent = next(iter(busy.items()))
        fact = e.TalkEnded(
            at=self.now,
            call=agent.call or "",
            leg=leg,
            agent=agent.id,
            queue=agent.queue or "",
            talked=1.0,
            reason="bench",
        )
        return self.timed(fact)


def measure(agents: int, strategy: Strategy, explain: bool, samples: int) -> dict[str, list[int]]:
    """Return the nanoseconds of decisions for calls (agents free) and for agents (as many calls waiting)."""
    bench = Bench(agents, strategy, explain)
    for_calls: list[int] = []
    while len(for_calls) < samples:  # callers come and go while half the agents or more are free
        for_calls.append(bench.enter()[1])
        bench.connect_all()
        if len(for_calls) % 2 or bench.talking() > agents // 2:
            bench.free_one()
    while len(bench.line.books.calls) < agents:
        bench.connect_all()
        bench.enter()
    for_agents = []
    for _ in range(samples):
        took = bench.free_one()
        if took is None:
            break
        for_agents.append(took)
        bench.enter()
    return {"call enters": for_calls, "agent is free": for_agents, "first of its kind": bench.first_time}


def naive(agents: int, samples: int) -> dict[str, list[int]]:
    """Return the nanoseconds of the same choices made by looking at everybody: all agents for a call, all calls for an agent."""
    bench = Bench(agents, Strategy.LONGEST_IDLE, explain=False, prepared=False)
    line, random = bench.line, bench.random
    calls = [
        Waiting(f"c{n:07}", f"q{n % QUEUES}", n, n, 5, 0.0, wants=line.plan.queues[f"q{n % QUEUES}"].steps[0].wants)
        for n in range(agents)
    ]
    people = list(line.books.agents.values())
    for_calls, for_agents = [], []
    for _ in range(samples):
        call, agent = random.choice(calls), random.choice(people)
        start = thread_time_ns()
        able = [one for one in people if not obstacle(one, call, call.wants, None, bench.now)]
        best(Strategy.LONGEST_IDLE, able, call.wants, bench.now)
        for_calls.append(thread_time_ns() - start)
        start = thread_time_ns()
        min(
            (one for one in calls if not obstacle(agent, one, one.wants, None, bench.now)),
            key=lambda one: one.key,
            default=None,
        )
        for_agents.append(thread_time_ns() - start)
    return {"call enters": for_calls, "agent is free": for_agents}


def figures(nanoseconds: list[int]) -> dict[str, float]:
    """Return p50 and p99 in microseconds, and decisions a second."""
    ordered = sorted(nanoseconds)
    return {
        "p50_us": round(ordered[len(ordered) // 2] / 1_000, 1),
        "p99_us": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] / 1_000, 1),
        "per_second": round(1e9 * len(ordered) / sum(ordered)),
        "samples": len(ordered),
    }


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer samples, and no 10,000 agents")
    quick = parser.parse_args().quick
    sizes = (100, 1_000) if quick else (100, 1_000, 10_000)
    samples = 300 if quick else 1_500
    found: dict[str, dict[str, float]] = {}
    peers: dict[str, dict[str, float]] = {}
    for agents in sizes:
        large = agents > 1_000  # working out who fits what takes a while there: one strategy will do
        strategies = (Strategy.LONGEST_IDLE,) if large else (*MEASURED,)
        for strategy in strategies:
            for what, took in measure(agents, strategy, False, samples).items():
                found[f"{agents} agents, {strategy}, {what}"] = figures(took)
        if not large:
            for what, took in measure(agents, Strategy.LONGEST_IDLE, True, samples).items():
                found[f"{agents} agents, longest idle with reasons, {what}"] = figures(took)
        for what, took in naive(agents, max(20, 20_000 // agents)).items():
            peers[f"{agents} agents, everybody looked at, {what}"] = figures(took)
    width = max(len(name) for name in (*found, *peers))
    print(f"{'':{width}}  p50 us   p99 us  per second")
    for name, row in (*found.items(), *peers.items()):
        print(f"{name:{width}} {row['p50_us']:7.1f} {row['p99_us']:8.1f} {row['per_second']:11,.0f}")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}"
    target = Path(__file__).parent / "out" / "routing.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(
        json.dumps({"name": "routing", "machine": machine, "figures": found, "peers": peers}, indent=2) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
