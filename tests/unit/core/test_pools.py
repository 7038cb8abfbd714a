"""Pools against the naive way: larger crews than the histories have, every choice compared with looking at everybody."""

from hypothesis import given, settings
from hypothesis import strategies as st

from callhandler.core import observed as o
from callhandler.core.bitsets import bits, flags, lowest_free, number_of
from callhandler.core.crew import MOST_POOLS
from callhandler.core.model import AgentPlan, Device, OfferEnd, Queue, Serves, Strategy
from callhandler.core.skilled import Skilled
from callhandler.core.skills import ANYONE, Expression, Node, parse
from tests.unit.core.oracle import CheckedLine, able, places
from tests.unit.core.test_skills import LEVELS as SOME_LEVELS
from tests.unit.core.test_skills import NODES
from tests.unit.core.world import World, agent, plan, steps

SKILLS = ("sales", "support", "spanish", "french")
QUEUES = tuple(
    Queue(
        strategy.name.lower(),
        strategy.value,
        steps(("sales >= 3 or support and spanish", 20.0), ("sales or support", 40.0), ("", None)),
        strategy,
        ring_best=3,
        wrap_up=0.0,
    )
    for strategy in Strategy
)
WANTS = ("", "", "", "spanish >= 5", "french or spanish >= 7")
SERVES = (
    (),
    (),
    (Serves("best_skill", 1, 10.0), Serves("longest_idle", 2)),
    (Serves("longest_idle", 1, 25.0), Serves("ring_all"), Serves("fewest_calls", 2)),
    (Serves("fewest_calls", 1, 5.0), Serves("least_occupied"), Serves("best_skill", 3)),
)
LEVELS = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 10), max_size=4)
PEOPLE = st.lists(st.tuples(LEVELS, st.sampled_from(SERVES)), min_size=12, max_size=40)
DEEDS = (
    "enter",
    "enter",
    "answer",
    "answer",
    "talk over",
    "talk over",
    "fail",
    "left",
    "pause",
    "resume",
    "phone",
    "later",
)


@given(st.lists(SOME_LEVELS, max_size=30), NODES | st.just(ANYONE.node))
def test_who_has_what_is_wanted(people: list[dict[str, int]], node: Node) -> None:
    wanted, skilled = Expression(str(node), node), Skilled(people)
    fit = {number for number, levels in enumerate(people) if wanted.matches(levels)}
    who = skilled.who(wanted.node)
    assert set(bits(who)) == fit
    groups = [set(bits(group)) for group in skilled.by_score(wanted, who)]
    scores = [{wanted.score(people[one]) for one in group} for group in groups]
    assert set().union(*groups) == fit
    assert all(len(one) == 1 for one in scores)
    assert [one for group in scores for one in group] == sorted(
        {wanted.score(people[one]) for one in fit}, reverse=True
    )


@given(st.integers(0, 2**200))
def test_bits_are_the_places_of_ones(number: int) -> None:
    places = list(bits(number))
    assert sum(1 << place for place in places) == number == number_of(places)
    assert [place for place, one in enumerate(flags(number, 201)) if one] == places[::-1]
    assert not number >> lowest_free(number) & 1
    assert all(number >> place & 1 for place in range(lowest_free(number)))


class Larger:
    """A world of its own with many agents; each deed is done by whoever is next in turn."""

    def __init__(self, people: list[tuple[dict[str, int], tuple[Serves, ...]]]) -> None:
        agents = [AgentPlan(f"a{n:02}", "", levels, serves, f"pa{n:02}") for n, (levels, serves) in enumerate(people)]
        self.world = World(plan(QUEUES, agents))
        self.line = self.world.board.line
        self.line.__class__ = CheckedLine
        self.line.more_is_due = self.world.more_is_due
        self.talks: dict[str, str] = {}
        self.world.login(*(one.id for one in agents))

    def do(self, deed: str, number: int) -> None:
        """Do something; what can't be done isn't."""
        world = self.world
        world.passes(0.001_37)
        agents = sorted(self.line.books.agents)
        who, ringing = agents[number % len(agents)], sorted(world.pbx.ringing.keys() - world.pbx.cancelled)
        match deed:
            case "enter":
                world.enter(QUEUES[number % len(QUEUES)].id, WANTS[number // 7 % len(WANTS)])
            case "answer" if ringing:
                leg = world.pbx.ringing[ringing[number % len(ringing)]]
                world.answers(leg)
                self.talks[leg.leg] = leg.call
            case "talk over" if self.talks:
                leg = sorted(self.talks)[number % len(self.talks)]
                world.agent_hangs_up(world.board.calls.here[self.talks.pop(leg)])
            case "fail" if ringing:
                world.fails(world.pbx.ringing[ringing[number % len(ringing)]], list(OfferEnd)[number % 4])
            case "left" if ringing:
                world.caller_hangs_up(world.board.calls.here[world.pbx.ringing[ringing[number % len(ringing)]].call])
            case "pause":
                world.pause(who)
            case "resume":
                world.resume(who)
            case "phone":
                world.phone(f"p{who}", (Device.IN_USE, Device.FREE)[number % 2])
            case "later":
                world.passes(number % 30)
        for leg in sorted(world.pbx.cancelled & world.pbx.ringing.keys()):
            del world.pbx.ringing[leg]
            world.board.observe(o.ChannelEnded(leg, 16, "Normal Clearing"))

    def waits_for_nothing(self) -> list[str]:
        """Return who waits though somebody could take the call."""
        line, now = self.line, self.world.now
        open_calls = [call for call in line.books.calls.values() if places(line, call) > 0]
        return [call.id for call in open_calls if any(able(line, who, call, now) for who in line.books.agents.values())]


@settings(max_examples=150, deadline=None)
@given(PEOPLE, st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 1_000)), min_size=20, max_size=120))
def test_choices_are_those_of_looking_at_everybody(
    people: list[tuple[dict[str, int], tuple[Serves, ...]]], deeds: list[tuple[str, int]]
) -> None:
    larger = Larger(people)
    for deed, number in deeds:
        larger.do(deed, number)
        assert not larger.waits_for_nothing()


def test_pools_in_which_nobody_waits_are_forgotten_beyond_a_number() -> None:
    world = World(plan([Queue("q", "Q", wrap_up=0.0)], [agent("a", spanish=5)]))
    world.login("a")
    first = world.enter("q")
    world.answers(world.leg("a"))
    second = world.enter("q", "spanish")
    books = world.board.line.books
    kept = books.pool(books.calls[second.id])
    for number in range(MOST_POOLS + 5):
        books.crew.pool("q", parse(f"other_{number}"))
    assert books.pool(books.calls[second.id]) is kept
    assert len({books.crew.pool("q", parse(f"other_{number}")).number for number in (0, 1, 2)} | {kept.number}) == 4
    world.agent_hangs_up(first)
    assert world.rung() == [(second.id, "a")]
