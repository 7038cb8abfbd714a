"""A phone was rung and the daemon killed before that was on disk: the next one finds it by the leg's id."""

import pytest

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.model import Queue, State
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a"), agent("b")])


def killed(*, paused: bool) -> tuple[list[e.Fact], str]:
    """What is on disk of a call in line, without the offer; the agent's return from a break may be lost with it."""
    world = World(SITE)
    world.login("a")
    if paused:
        world.pause("a")
    call = world.enter("q")
    lost = (e.AgentOffered, e.RoutingDecided)
    return [fact for fact in world.facts if not isinstance(fact, lost)], call.id


@pytest.mark.parametrize("paused", [False, True])
def test_who_talks_by_then_talks_in_the_journal_too(paused: bool) -> None:
    facts, call = killed(paused=paused)
    again = World(SITE, attach=False)
    again.board.restore(facts, {}, None)
    leg = f"{call}-o1"
    again.attach(
        (o.LiveChannel(call, "x", "b", "callhandler-entry", call), o.LiveChannel(leg, "y", "b", "o", leg, phone="pa"))
    )
    assert [(fact.leg, fact.agent) for fact in again.of(e.CallConnected)] == [(leg, "a")]
    assert again.of(e.ExtensionConnected) == []
    again.agent_hangs_up(again.board.calls.here[call])
    assert again.board.line.books.agents["a"].state is State.IDLE


def test_a_phone_that_still_rings_is_not_rung_for_another() -> None:
    facts, call = killed(paused=False)
    again = World(SITE, attach=False)
    again.board.restore(facts, {}, None)
    leg = f"{call}-o1"
    again.attach(
        (o.LiveChannel(call, "x", None, "callhandler-entry", call), o.LiveChannel(leg, "y", None, "o", leg, phone="pa"))
    )
    assert again.rung() == [], "it rings already"
    assert again.board.line.books.agents["a"].state is State.OFFERED
