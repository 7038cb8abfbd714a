"""Those who are ready, in order: the order kept is the one that sorting everybody anew gives, at any time."""

from hypothesis import given
from hypothesis import strategies as st

from callhandler.core.agents import Agent
from callhandler.core.bitsets import flags
from callhandler.core.model import AgentPlan, Strategy
from callhandler.core.orders import NEVER_LOOKED, Order
from callhandler.core.routing import rank

PEOPLE = st.lists(
    st.tuples(st.floats(0.0, 900.0), st.floats(0.0, 1.0) | st.just(0.0), st.integers(0, 3), st.floats(0.0, 1_000.0)),
    min_size=1,
    max_size=120,
)
"""When logged in, how much of the time since was spent on calls, how many of them, since when idle."""
DEEDS = st.lists(
    st.tuples(st.sampled_from(("later", "earlier", "leaves", "comes")), st.integers(0, 10_000)), max_size=60
)


@given(PEOPLE, DEEDS, st.sampled_from(Strategy), st.integers(0, 2**120))
def test_the_order_is_that_of_sorting_everybody(
    people: list[tuple[float, float, int, float]], deeds: list[tuple[str, int]], strategy: Strategy, fits: int
) -> None:
    crew = [
        Agent(
            AgentPlan(f"a{n:03}", ""),
            number=n,
            logged_in_at=at,
            handled=share * (1_000.0 - at),
            calls=calls,
            idle_since=idle,
        )
        for n, (at, share, calls, idle) in enumerate(people)
    ]
    order, now, ready, since = Order(strategy, crew), 1_000.0, set(range(len(crew))), NEVER_LOOKED
    fits &= (1 << len(crew)) - 1
    for agent in crew:
        order.put(agent)
    for deed, number in deeds:
        agent = crew[number % len(crew)]
        match deed:
            case "later":
                now += number / 10
            case "earlier":
                now = max(1_000.0, now - number / 100)
            case "leaves":
                order.take(agent.number)
                ready.discard(agent.number)
            case "comes":
                agent.idle_since, agent.calls, agent.handled = now, agent.calls + 1, agent.handled + number / 1_000
                order.put(agent)
                ready.add(agent.number)
        order.settle(now)
        able = order.bits & fits
        assert order.bits == sum(1 << one for one in ready)
        if able:
            found, since = order.in_order(able, flags(fits, len(crew)), since)
            expected = [one for one in crew if able >> one.number & 1]
            expected.sort(key=lambda one: rank(strategy, one, 0, one.occupancy(now)))
            assert [one.id for one in found] == [one.id for one in expected]


def test_what_is_due_again_and_again_is_kept_once() -> None:
    agent = Agent(AgentPlan("a", ""), logged_in_at=0.0, handled=50.0)
    order = Order(Strategy.LEAST_OCCUPIED, [agent])
    for number in range(1_000):
        agent.handled += 0.01
        order.put(agent)
        order.settle(100.0 + number / 1_000)
        order.take(0)
    assert len(order._due) < 200
