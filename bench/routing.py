"""How long a routing decision takes: many agents, many waiting calls, 200 skills, wants of three terms, relaxing steps.

A decision is one `Line.step` of the real line, from the fact to the offer: the fact is applied, the best pair of agent and call is found
among all, the agent is reserved, and all that follows (facts, orders, timers) is returned. Two kinds are timed: a call enters while half
of the agents are free (who takes it?), and an agent becomes free while as many calls wait as there are agents (which one?). "With
reasons" the decision's inputs are written down as well, as the daemon does. Peers make the same choice alone, and change nothing, by
looking at everybody.

Processor time is measured, not the clock on the wall; Python's search for garbage is as in the daemon. Each run lives through the very
same history. What neighbours on the machine do to caches strikes one run here, another there, so each decision's time is its median over
the runs; the p99 of single runs, least and greatest, stand beside it. What fits whom is worked out once per plan and kind of want: that
first time is a figure of its own, and not in the others.
Run it from the repository's root: `python -m bench.routing [--quick]`; it prints a table and writes bench/out/routing.json.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from random import Random
from statistics import median
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
WORKED = 3_600.0
"""Seconds since which agents have been logged in: occupancy is told of that, and would change at every step of a line of seconds."""


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
        self.now += WORKED

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

    def calls_find_agents(self, samples: int) -> list[int]:
        """Have callers come and go while half the agents or more are free."""
        took: list[int] = []
        while len(took) < samples:
            took.append(self.enter()[1])
            self.connect_all()
            if len(took) % 2 or self.talking() > len(self.plan.agents) // 2:
                self.free_one()
        return took

    def agents_find_calls(self, samples: int) -> list[int]:
        """Have agents become free; for each call that is taken another one comes."""
        took: list[int] = []
        while len(took) < samples and (one := self.free_one()) is not None:
            took.append(one)
            self.enter()
        return took


def measure(agents: int, strategy: Strategy, explain: bool, runs: int, samples: int) -> dict[str, list[list[int]]]:
    """Return the nanoseconds of decisions for calls (agents free) and for agents (as many calls waiting), run by run."""
    took: dict[str, list[list[int]]] = {"call enters": [], "agent is free": [], "first of its kind": []}
    for _ in range(runs):
        bench = Bench(agents, strategy, explain)
        took["first of its kind"].append(bench.first_time)
        took["call enters"].append(bench.calls_find_agents(samples))
        while len(bench.line.books.calls) < agents:
            bench.connect_all()
            bench.enter()
        took["agent is free"].append(bench.agents_find_calls(samples))
    return took


def naive(agents: int, samples: int) -> dict[str, list[list[int]]]:
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
    return {"call enters": [for_calls], "agent is free": [for_agents]}


def figures(runs: list[list[int]]) -> dict[str, float]:
    """Return percentiles in microseconds and decisions a second, of each decision's median over the runs; and single runs' p99."""

    def at(times: Sequence[float], share: float) -> float:
        return round(sorted(times)[min(len(times) - 1, int(len(times) * share))] / 1_000, 1)

    settled = [median(times) for times in zip(*runs, strict=True)]
    return {
        "p50_us": at(settled, 0.5),
        "p99_us": at(settled, 0.99),
        "p999_us": at(settled, 0.999),
        "run_p99_least_us": min(at(run, 0.99) for run in runs),
        "run_p99_most_us": max(at(run, 0.99) for run in runs),
        "per_second": round(1e9 * len(settled) / sum(settled)),
        "runs": len(runs),
        "decisions": len(settled),
    }


def grown(found: dict[str, dict[str, float]], sizes: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """Return how many times as long decisions take at the greatest size as at the smallest."""
    least, most = f"{sizes[0]} agents, ", f"{sizes[-1]} agents, "
    names = [name.removeprefix(least) for name in found if name.startswith(least) and "first" not in name]
    return {
        name: {key: round(found[most + name][key] / found[least + name][key], 2) for key in ("p50_us", "p99_us")}
        for name in names
    }


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer decisions, and no 10,000 agents")
    quick = parser.parse_args().quick
    sizes = (100, 1_000) if quick else (100, 1_000, 10_000)
    runs, samples = (5, 500) if quick else (5, 2_000)
    gc.collect()
    gc.freeze()
    found: dict[str, dict[str, float]] = {}
    peers: dict[str, dict[str, float]] = {}
    for agents in sizes:
        for strategy, explain in (*((one, False) for one in Strategy), (Strategy.LONGEST_IDLE, True)):
            for what, took in measure(agents, strategy, explain, runs, samples).items():
                found[f"{agents} agents, {strategy}{' with reasons' if explain else ''}, {what}"] = figures(took)
        for what, took in naive(agents, max(20, 20_000 // agents)).items():
            peers[f"{agents} agents, everybody looked at, {what}"] = figures(took)
    width = max(len(name) for name in (*found, *peers))
    print(f"{'':{width}}   p50 us   p99 us  p99.9 us  per second  p99 of single runs")
    for name, row in (*found.items(), *peers.items()):
        print(
            f"{name:{width}} {row['p50_us']:8.1f} {row['p99_us']:8.1f} {row['p999_us']:9.1f} {row['per_second']:11,.0f}"
            f"  {row['run_p99_least_us']:.1f} to {row['run_p99_most_us']:.1f}"
        )
    growth = grown(found, sizes)
    for name, row in growth.items():
        print(f"{sizes[-1] // sizes[0]} times as many, {name}: p50 x {row['p50_us']}, p99 x {row['p99_us']}")
    from bench.common import report  # noqa: PLC0415 - what it takes along is no part of what is measured

    report("routing", found | {f"growth, {name}": row for name, row in growth.items()}, peers, quick=quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
