"""The planned end: the daemon goes when nobody is here any more, and what it hung up itself is nobody's fault."""

from callhandler.core import events as e
from callhandler.core.model import Outcome, Queue
from callhandler.ending import Ending
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=0.0)], [agent("a")])


def ending(world: World) -> tuple[Ending, list[str]]:
    over: list[str] = []
    return Ending(world.board, lambda: over.append("over")), over


def test_it_is_over_at_once_where_nobody_is_here() -> None:
    end, over = ending(World(SITE))
    assert not end.has_begun
    end.begin()
    assert over and end.has_begun


def test_it_is_over_with_the_last_call() -> None:
    world = World(SITE)
    world.login("a")
    talks, waits = world.enter("q"), world.enter("q")
    world.answers(world.leg("a"))
    end, over = ending(world)
    end.begin()
    world.caller_hangs_up(waits)
    assert not over
    world.passes(5.0)
    world.agent_hangs_up(talks)
    assert not over
    world.caller_hangs_up(talks)
    assert over


def test_what_is_hung_up_in_the_end_is_written_down_with_its_talk_time_and_blames_nobody() -> None:
    world = World(SITE)
    world.login("a")
    talks, waits = world.enter("q"), world.enter("q")
    world.answers(world.leg("a"))
    world.passes(20.0)
    end, over = ending(world)
    end.begin()
    end.hang_up()
    assert world.pbx.hung_up == [talks.id, waits.id]
    assert not over
    world.agent_hangs_up(talks)
    world.caller_hangs_up(talks)
    world.caller_hangs_up(waits)
    assert over
    assert [(one.talked, one.reason) for one in world.of(e.TalkEnded)] == [(20.0, "hung up by the planned end")]
    ended = {one.call: one.outcome for one in world.of(e.CallEnded)}
    assert ended == {talks.id: Outcome.ANSWERED, waits.id: Outcome.WITHDRAWN}
