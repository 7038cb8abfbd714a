"""An offer is taken back in the very moment the phone is answered: the caller stays in line, whatever Asterisk did meanwhile."""

import pytest

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.model import OfferEnd, Queue, State
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a"), agent("b")])


@pytest.mark.parametrize("leaves", ["pause", "logout"])
def test_an_agent_who_leaves_as_the_phone_is_answered_costs_nobody_the_place(leaves: str) -> None:
    world = World(SITE)
    world.login("a", "b")
    call = world.enter("q")
    leg = world.leg("a")
    getattr(world, leaves)("a")
    assert leg.leg in world.pbx.cancelled
    world.answers(leg)
    world.board.observe(o.ChannelEnded(leg.leg, 16, "Normal Clearing"))
    assert world.of(e.CallConnected) == []
    assert [fact.reason for fact in world.of(e.OfferEnded)] == [OfferEnd.AGENT_LEFT]
    assert world.rung() == [(call.id, "b")], "the same caller, at the same place"
    world.answers(world.leg("b"))
    assert world.of(e.CallConnected)[0].agent == "b"
    assert world.board.line.books.agents["a"].state is not State.TALKING


def test_a_conversation_that_is_found_after_a_gap_is_one_though_its_offer_was_taken_back() -> None:
    world = World(SITE)
    world.login("a")
    call = world.enter("q")
    leg = world.leg("a")
    world.board.observe(o.LinkDown("cut"))
    world.pause("a")
    channels = tuple(
        o.LiveChannel(one, f"PJSIP/{one}", "bridge", "callhandler-entry", one) for one in (call.id, leg.leg)
    )
    world.attach(channels)
    assert [fact.leg for fact in world.of(e.CallConnected)] == [leg.leg]
