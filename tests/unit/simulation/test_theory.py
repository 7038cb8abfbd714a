"""The real switchboard against queueing theory: what it does with thousands of callers is what theory says it must.

Each figure of a run lies, with fixed seeds, within its own 99 % interval of the exact value: ratio estimates over batches, Student's t.
What chance did to a batch (more callers, longer talks than expected) is taken out of its figures by regression, as its expectation is known
(control variates; Lavenberg and Welch 1981): intervals as narrow as those of two to four times as many callers.
Exact values: Erlang C (a = 10, n = 14), M/M/50 and Erlang A (Garnett, Mandelbaum and Reiman's example), Wallace and Whitt's skills
(six types, 90 agents, 30 places: pooled exactly M/M/90/30, else a reference simulation with its own interval), and the N-design with
exact figures from its Markov chain under first come first served and longest idle.
"""

from collections.abc import Callable
from math import hypot, sqrt

import numpy as np
import pytest

from callhandler.core.model import AgentPlan, Queue, Serves, Step, Strategy
from callhandler.core.skills import parse
from tests.unit.simulation.clockwork import Clockwork, Kind, Luck, Tally

Busy = dict[str, float]
Figure = Callable[[list[Tally], Busy], tuple[float, float]]
T_99 = {15: 2.947, 17: 2.898, 27: 2.771}
"""Student's t for 99 %, both sides, by degrees of freedom."""


def interval(pairs: list[tuple[float, float]], luck: list[Luck]) -> tuple[float, float]:
    """Return a ratio of sums over batches without what chance did, and half its 99 % interval."""
    above, below = np.array(pairs, dtype=float).T
    controls = np.array(luck)
    controls = controls.reshape(len(luck), -1) if controls.shape[1] == 2 else controls.sum(axis=1)
    count, freedom = len(pairs), len(pairs) - 1 - controls.shape[1]
    plain = above - below * above.sum() / below.sum()
    slopes = np.linalg.lstsq(controls - controls.mean(axis=0), plain - plain.mean(), rcond=None)[0]
    cleared = above - controls @ slopes
    ratio = cleared.sum() / below.sum()
    variance = ((cleared - ratio * below) ** 2).sum() / freedom
    return float(ratio), float(T_99[freedom] * sqrt(variance / count) / below.mean())


def compare(
    world: Clockwork,
    warm_up: float,
    batches: int,
    length: float,
    figures: dict[str, tuple[Figure, float, float, float]],
) -> None:
    """Run a world and hold each figure (how to count it, exact value, half of the reference's interval, widest interval wanted)."""
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in figures}
    lucks: list[Luck] = []
    for tallies, busy, luck in world.run(warm_up, batches, length):
        lucks.append(luck)
        for name, (figure, *_) in figures.items():
            pairs[name].append(figure(tallies, busy))
    table, bad = [], []
    for name, (_, exact, uncertain, widest) in figures.items():
        found, half = interval(pairs[name], lucks)
        table.append(f"{name}: {found:.5f} +- {half:.5f} (at most {widest}), theory {exact:.5f}")
        if abs(found - exact) > hypot(half, uncertain) or half > widest:
            bad.append(name)
    print("\n".join(table))  # noqa: T201 - what pytest shows of a failure
    assert not bad


def of(kind: int, above: Callable[[Tally], float], below: Callable[[Tally], float]) -> Figure:
    """Return a figure of one kind of caller."""
    return lambda tallies, _: (above(tallies[kind]), below(tallies[kind]))


def of_all(above: Callable[[Tally], float], below: Callable[[Tally], float]) -> Figure:
    """Return a figure of all kinds of callers together."""
    return lambda tallies, _: (sum(above(one) for one in tallies), sum(below(one) for one in tallies))


def occupied(*agents: str) -> Figure:
    """Return agents' occupancy."""
    return lambda _, busy: (sum(busy[agent] for agent in agents or busy), len(agents or busy))


WAITED = of_all(lambda one: one.waited, lambda one: one.entered)
MEAN_WAIT = of_all(lambda one: one.wait, lambda one: one.entered)
WITHIN = of_all(lambda one: one.within, lambda one: one.entered)
ABANDONED = of_all(lambda one: one.abandoned, lambda one: one.arrived)
BLOCKED = of_all(lambda one: one.blocked, lambda one: one.arrived)


def people(count: int) -> list[AgentPlan]:
    """Return agents who can do all there is."""
    return [AgentPlan(f"{n:02}", f"{n}", {}, (), f"p{n}") for n in range(count)]


def one_queue() -> list[Queue]:
    """Return one plain queue without wrap-up."""
    return [Queue("q", "Q", wrap_up=0.0)]


def test_erlang_c() -> None:
    world = Clockwork(one_queue(), people(14), [Kind("q", 10 / 180, 180.0)], seed=11)
    figures = {
        "P(W>0)": (WAITED, 0.1741319336, 0.0, 0.02),
        "served within 20 s": (WITHIN, 0.8883500192, 0.0, 0.02),
        "mean wait, s": (MEAN_WAIT, 7.8359370118, 0.0, 1.5),
        "occupancy": (occupied(), 0.7142857143, 0.0, 0.01),
    }
    compare(world, 10_000.0, 30, 40_000.0, figures)


def test_fifty_agents_and_callers_who_never_give_up() -> None:
    world = Clockwork(one_queue(), people(50), [Kind("q", 48 / 60, 60.0)], seed=2, threshold=58.14)
    figures = {
        "P(W>0)": (WAITED, 0.6945, 0.0, 0.1),
        "mean wait, s": (MEAN_WAIT, 20.83, 0.0, 12.0),
        "served within 58.1 s": (WITHIN, 0.9, 0.0, 0.13),
        "occupancy": (occupied(), 0.96, 0.0, 0.02),
    }
    compare(world, 3_000.0, 20, 1_900.0, figures)


def test_erlang_a() -> None:
    world = Clockwork(one_queue(), people(50), [Kind("q", 48 / 60, 60.0, 120.0)], seed=3)
    figures = {
        "P(W>0)": (WAITED, 0.4678, 0.0, 0.05),
        "P(abandon)": (ABANDONED, 0.0309, 0.0, 0.006),
        "mean wait, s": (MEAN_WAIT, 3.71, 0.0, 0.7),
        "occupancy": (occupied(), 0.930, 0.0, 0.01),
    }
    compare(world, 1_000.0, 20, 2_000.0, figures)


def pooled(skills: int, seed: int) -> Clockwork:
    """Return Wallace and Whitt's call centre: six types, 15 agents for each as their first skill, `skills` skills for each agent."""
    agents = []
    for first in range(6):
        for number in range(15):
            others = [(first + 1 + (number + step) % 5) % 6 for step in range(5)]
            known = [first, *others][:skills]
            levels = {f"t{kind}": 10 - rank for rank, kind in enumerate(known)}
            rows = tuple(Serves(f"t{kind}", 1 + rank) for rank, kind in enumerate(known))
            agents.append(AgentPlan(f"{first}-{number:02}", "", levels, rows, f"p{first}-{number}"))
    queues = [
        Queue(f"t{n}", f"T{n}", (Step(parse(f"t{n}")),), Strategy.BEST_SKILL, wrap_up=0.0, last_agent_window=0.0)
        for n in range(6)
    ]
    kinds = [Kind(f"t{n}", 1.375 / 60, 600.0) for n in range(6)]
    return Clockwork(queues, agents, kinds, seed, threshold=30.0, places=30)


def by_first_skill(tallies: list[Tally], _: Busy) -> tuple[float, float]:
    """Return how many were answered by an agent whose first skill was theirs, out of all answered."""
    answered = [(kind, agent, n) for kind, one in enumerate(tallies) for agent, n in one.by_agent.items()]
    return sum(n for kind, agent, n in answered if agent.startswith(f"{kind}-")), sum(n for *_, n in answered)


# by skills: P(block) %, E[W] min, P(W>0), P(W<=30 s) and by first skill, each with half the reference's interval
REFERENCE = {
    1: ((2.994, 0.171), (2.3095, 0.0378), (0.5315, 0.0036), (0.5207, 0.0036), (1.000, 0.0)),
    2: ((0.206, 0.031), (0.4281, 0.0233), (0.3422, 0.0105), (0.7821, 0.0105), (0.752, 0.005)),
    6: ((0.198, 0.0), (0.32093, 0.0), (0.30026, 0.0), (0.8412, 0.0075), (0.680, 0.005)),
}
WIDEST = (1.2, 0.4, 0.06, 0.06, 0.03)


@pytest.mark.parametrize("skills", [1, 2, 6])
def test_a_second_skill_is_almost_as_good_as_all(skills: int) -> None:
    counted = {
        "blocked, %": lambda tallies, busy: (100 * BLOCKED(tallies, busy)[0], BLOCKED(tallies, busy)[1]),
        "mean wait, min": lambda tallies, busy: (MEAN_WAIT(tallies, busy)[0] / 60, MEAN_WAIT(tallies, busy)[1]),
        "P(W>0)": WAITED,
        "served within 30 s": WITHIN,
        "by first skill": by_first_skill,
    }
    rows = zip(counted.items(), REFERENCE[skills], WIDEST, strict=True)
    figures = {name: (figure, *reference, widest) for (name, figure), reference, widest in rows}
    compare(pooled(skills, seed=40 + skills), 6_000.0, 30, {1: 3_500.0, 2: 6_000.0, 6: 10_000.0}[skills], figures)


def test_the_n_design_to_the_digit() -> None:
    queues = [Queue("a", "A", wrap_up=0.0), Queue("b", "B", wrap_up=0.0)]
    agents = [
        AgentPlan("1", "1", {}, (Serves("a"),), "p1"),
        AgentPlan("2", "2", {}, (Serves("a"), Serves("b")), "p2"),
    ]
    world = Clockwork(queues, agents, [Kind("a", 0.8, 1.0, 2.0), Kind("b", 0.5, 1.0, 2.0)], seed=5)
    first = lambda tallies, _: (tallies[0].by_agent.get("1", 0), tallies[0].answered)  # noqa: E731
    figures: dict[str, tuple[Figure, float, float, float]] = {
        "P(wait) of A": (of(0, lambda one: one.waited, lambda one: one.entered), 0.341924, 0.0, 0.01),
        "P(wait) of B": (of(1, lambda one: one.waited, lambda one: one.entered), 0.628873, 0.0, 0.01),
        "P(abandon) of A": (of(0, lambda one: one.abandoned, lambda one: one.arrived), 0.094926, 0.0, 0.006),
        "P(abandon) of B": (of(1, lambda one: one.abandoned, lambda one: one.arrived), 0.260680, 0.0, 0.01),
        "occupancy of 1": (occupied("1"), 0.464845, 0.0, 0.01),
        "occupancy of 2": (occupied("2"), 0.628873, 0.0, 0.01),
        "A answered by 1": (first, 0.641999, 0.0, 0.01),
    }
    compare(world, 300.0, 20, 2_400.0, figures)
