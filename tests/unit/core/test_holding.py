"""A caller on hold as a story: when the agent is reminded, the caller spoken to, the supervisor told, and what the caller's key does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from callhandler.core import events as e
from callhandler.core import observed as o
from callhandler.core.calls import Call
from callhandler.core.holding import LONGEST_WORD, RETRY
from callhandler.core.kpi import stays
from callhandler.core.model import HoldRules, Plan, Promise, Queue, State, Where, WordEnd
from callhandler.core.watch import AWAY, MISSING, TOO_LONG, UNSEEN
from tests.unit.core.world import World, agent, plan

SITE = plan([Queue("q", "Sales", wrap_up=20.0), Queue("r", "Rest")], [agent("a"), agent("b")])
WORD = 6.0


def talking(site: Plan = SITE) -> tuple[World, Call]:
    """A call that agent a has answered."""
    world = World(site)
    world.login("a", "b")
    call = world.enter("q", number="555")
    world.answers(world.leg("a"))
    world.passes(10.0)
    return world, call


def held(site: Plan = SITE) -> tuple[World, Call]:
    """A call that agent a has put on hold just now."""
    world, call = talking(site)
    world.board.observe(o.HoldSeen(call.leg or "", True))
    return world, call


def resumes(world: World, call: Call) -> None:
    world.board.observe(o.HoldSeen(call.leg or "", False))


def begins(world: World) -> str:
    """The last word ordered is heard from now on."""
    leg = world.pbx.words[-1].leg
    world.board.observe(o.ChannelUp(leg))
    return leg


def says(world: World, seconds: float = WORD) -> None:
    """The last word ordered is said to its end."""
    leg = begins(world)
    world.passes(seconds)
    world.board.observe(o.WordOver(leg, WordEnd.WHOLE))


def restarted(world: World, call: Call, seconds: float, holds: bool | None, *more: str) -> World:
    """A daemon that comes back after some seconds and finds the two still connected."""
    again = World(SITE, attach=False)
    again.now = world.now + seconds
    again.board.restore(world.facts, {}, world.now)
    there = [
        o.LiveChannel(call.leg or "", "PJSIP/pa", "x", "callhandler-offer", "l", holds),
        o.LiveChannel(call.id, "PJSIP/t", "x", "callhandler-entry", "l"),
    ]
    again.attach((*there, *(o.LiveChannel(channel, "Local/s", None, "callhandler-word", "") for channel in more)))
    again.passes(0.0)
    return again


def test_the_agent_is_reminded_then_whenever_the_hold_is_twice_as_long() -> None:
    world, call = held()
    world.passes(44.9)
    assert world.pbx.brief == []
    world.passes(0.1)
    (brief,) = world.pbx.brief
    assert (brief.phone, brief.display_name, brief.display_number, brief.ring) == ("pa", "ON HOLD 0:45 555", "555", 8.0)
    world.passes(600.0)
    assert [fact.held for fact in world.of(e.HoldReminded)] == [45.0, 90.0, 180.0, 360.0]
    assert call.agent == "a"
    assert world.rung() == [], "a reminder is no offer"
    assert world.board.line.books.agents["a"].state is State.TALKING
    assert world.board.line.books.agents["a"].misses == 0


def test_the_caller_is_spoken_to_and_again_after_each_word_s_end() -> None:
    world, call = held()
    start = world.now
    world.passes(60.0)
    (word,) = world.pbx.words
    assert (word.channel, word.language, word.prompts) == (call.id, "en", ("std-held", "std-held-key"))
    says(world)
    world.passes(60.0)
    assert [word.prompts[0] for word in world.pbx.words] == ["std-held", "std-held-again"]
    says(world)
    facts = world.of(e.CheckedIn)
    assert [(fact.started - start, fact.at - start, fact.due - start) for fact in facts] == [
        (60.0, 66.0, 75.0),
        (126.0, 132.0, 141.0),
    ]
    assert {(fact.where, fact.cut_by) for fact in facts} == {(Where.ON_HOLD, "")}
    assert world.of(e.CheckInBreached) == []


def test_the_supervisor_is_told_once() -> None:
    world, call = held()
    world.passes(500.0)
    (alarm,) = [fact for fact in world.of(e.AlarmRaised) if fact.kind == "hold"]
    assert (alarm.call, alarm.agent, alarm.queue) == (call.id, "a", "q")
    assert alarm.reason == "agent a has kept a caller on hold for 2:00"


def test_resume_ends_everything_at_once() -> None:
    world, call = held()
    world.passes(60.0)
    leg = begins(world)
    world.passes(2.0)
    resumes(world, call)
    assert {leg, world.pbx.brief[0].leg} <= world.pbx.cancelled
    assert [(fact.cut_by, fact.at - fact.started) for fact in world.of(e.CheckedIn)] == [("resume", 2.0)]
    world.board.observe(o.WordOver(leg, WordEnd.CUT))
    world.passes(600.0)
    assert len(world.pbx.words) == len(world.pbx.brief) == len(world.of(e.CheckedIn)) == 1


def test_a_word_that_nobody_heard_yet_leaves_no_trace_when_the_hold_ends() -> None:
    world, call = held()
    world.passes(60.0)
    resumes(world, call)
    assert world.of(e.CheckedIn) == []
    assert world.pbx.words[0].leg in world.pbx.cancelled


def test_hanging_up_and_transferring_end_it() -> None:
    for end, cut_by in (("caller", "hang-up"), ("agent", "hang-up"), ("transfer", "transfer")):
        world, call = held()
        world.passes(60.0)
        begins(world)
        match end:
            case "caller":
                world.caller_hangs_up(call)
            case "agent":
                world.agent_hangs_up(call)
            case _:
                world.board.observe(o.TransferSeen(call.leg or "", call.id, "7002"))
        assert [fact.cut_by for fact in world.of(e.CheckedIn)] == [cut_by]
        world.passes(300.0)
        assert len(world.pbx.words) == 1


def test_the_key_leads_to_the_head_of_the_line_with_the_place_kept() -> None:
    world, call = talking()
    world.pause("b")
    others = [world.enter("q") for _ in range(3)]
    world.board.record(
        e.CallPrioritised(at=world.now, call=others[2].id, queue="q", priority=1, bonus=900.0, by="somebody")
    )
    world.board.observe(o.HoldSeen(call.leg or "", True))
    leg, entered = call.leg, call.entered
    world.passes(60.0)
    begins(world)
    world.passes(1.0)
    world.board.observe(o.KeySeen(call.id, "1"))
    assert world.pbx.sent_to_line == [call.id]
    assert (call.queue, call.entered, call.returned) == ("q", entered, True)
    line = world.board.line.books
    assert line.position(line.calls[call.id]) == 1, "before all others, also those whom somebody put first"
    assert line.agents["a"].state is State.WRAPPING_UP
    assert world.pbx.brief[-1].display_name == "BACK IN LINE 555"
    story = world.story(call)
    assert story[story.index("HeldCallerReturned") :] == [
        "HeldCallerReturned",
        "CheckedIn",
        "TalkEnded",
        "WrapUpStarted",
        "CallEntered",
    ]
    world.board.observe(o.ChannelEnded(leg or "", 16, ""))
    world.resume("b")
    assert world.rung()[0] == (call.id, "b")
    world.answers(world.leg("b"))
    assert not call.returned


def test_the_key_means_nothing_before_it_was_named_nor_in_a_conversation() -> None:
    world, call = held()
    world.board.observe(o.KeySeen(call.id, "1"))
    world.passes(60.0)
    world.board.observe(o.KeySeen(call.id, "1"))
    says(world)
    world.board.observe(o.KeySeen(call.id, "2"))
    world.board.observe(o.KeySeen(call.leg or "", "1"))
    world.board.observe(o.KeySeen("nobody", "1"))
    assert world.pbx.sent_to_line == []
    resumes(world, call)
    world.board.observe(o.KeySeen(call.id, "1"))
    assert world.pbx.sent_to_line == []
    assert call.agent == "a"


def test_a_word_that_fails_is_tried_again_and_a_broken_promise_told_with_its_cause() -> None:
    world, _ = held()
    world.passes(60.0)
    while world.now < world.of(e.CallHeld)[0].at + 100.0:
        world.board.observe(o.WordOver(world.pbx.words[-1].leg, WordEnd.FAILED))
        world.passes(RETRY)
    assert len(world.pbx.words) > 5
    (breach,) = world.of(e.CheckInBreached)
    assert (breach.silent, breach.where, breach.reason) == (90.01, Where.ON_HOLD, MISSING)


def test_a_word_whose_end_is_not_seen_is_given_up() -> None:
    world, _ = held()
    world.passes(60.0)
    begins(world)
    world.passes(LONGEST_WORD + RETRY + 1.0)
    assert len(world.pbx.words) == 2
    assert world.pbx.words[0].leg in world.pbx.cancelled
    assert [fact.reason for fact in world.of(e.CheckInBreached)] == [TOO_LONG]


def test_the_first_word_never_comes_later_than_promised() -> None:
    site = Plan(SITE.queues, SITE.agents, SITE.phones, promise=Promise(30.0, 20.0), holds=HoldRules(check_in=600.0))
    world, _ = held(site)
    world.passes(23.5)  # early enough to end in time, a margin and the usual length left
    assert len(world.pbx.words) == 1


def test_nothing_is_said_while_asterisk_is_not_seen() -> None:
    world, call = held()
    world.board.observe(o.LinkDown("test"))
    world.passes(95.0)
    assert world.pbx.words == []
    assert [(fact.silent, fact.reason) for fact in world.of(e.CheckInBreached)] == [(90.01, UNSEEN)]
    channels = (
        o.LiveChannel(call.leg or "", "PJSIP/pa", "x", "callhandler-offer", "l", True),
        o.LiveChannel(call.id, "PJSIP/t", "x", "callhandler-entry", "l"),
    )
    world.attach(channels)
    world.passes(0.0)
    assert len(world.pbx.words) == 1, "and then at once"
    assert len(world.of(e.CheckInBreached)) == 1


def test_a_hold_is_taken_up_again_after_a_restart() -> None:
    world, call = held()
    world.passes(60.0)
    says(world)
    again = restarted(world, call, 30.0, True)
    assert again.pbx.words == []
    again.passes(30.0)
    assert [word.prompts[0] for word in again.pbx.words] == ["std-held-again"]
    assert [fact.held for fact in again.of(e.HoldReminded)] == [96.0], "the second, as soon as can be"
    again.board.observe(o.KeySeen(call.id, "1"))
    assert again.pbx.sent_to_line == [call.id], "the caller knows of the key"


def test_a_word_that_goes_on_through_a_restart_is_waited_for() -> None:
    world, call = held()
    world.passes(60.0)
    leg = begins(world)
    again = restarted(world, call, 3.0, True, leg, f"{leg};2")
    assert again.pbx.words == []
    again.passes(2.0)
    again.board.observe(o.WordOver(leg, WordEnd.WHOLE))
    (fact,) = again.of(e.CheckedIn)
    assert round(fact.at - fact.started, 2) == 5.0


def test_a_hold_that_ended_unseen_is_over() -> None:
    world, call = held()
    world.passes(60.0)
    leg = begins(world)
    again = restarted(world, call, 40.0, False, leg)
    assert len(again.of(e.CallResumed)) == 1
    assert leg in again.pbx.cancelled, "nothing is said into the conversation"
    assert [fact.reason for fact in again.of(e.CheckInBreached)] == [AWAY]
    again.passes(300.0)
    assert again.pbx.words == []


def test_a_hold_that_began_unseen_begins_when_it_is_seen() -> None:
    world, call = talking()
    again = restarted(world, call, 40.0, True)
    assert len(again.of(e.CallHeld)) == 1
    again.passes(60.0)
    assert len(again.pbx.words) == 1


def test_where_asterisk_does_not_tell_the_journal_is_believed() -> None:
    world, call = held()
    again = restarted(world, call, 10.0, None)
    again.passes(50.0)
    assert len(again.pbx.words) == 1


# --- random histories -----------------------------------------------------------------------------------------------------

STEPS = st.one_of(
    st.tuples(st.just("passes"), st.floats(0.1, 70.0)),
    st.tuples(
        st.sampled_from(("hold", "resume", "said", "failed", "cut", "lost link", "link", "killed")), st.just(0.0)
    ),
)


@given(st.lists(STEPS, min_size=5, max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_silence_on_hold_is_longer_than_promised_without_a_breach_that_says_why(
    history: list[tuple[str, float]],
) -> None:
    """Words are heard as soon as they are ordered and last 6 s, unless the history has them fail, cut or be forgotten."""
    world, call = talking()
    holds, linked, ends = False, True, 0.0
    for what, seconds in history:
        match what:
            case "passes":
                for _ in range(round(seconds * 2)):
                    world.passes(0.5)
                    ends = hear(world, ends)
            case "hold" | "resume" if linked:
                holds = what == "hold"
                world.board.observe(o.HoldSeen(call.leg or "", holds))
            case "failed" | "cut" if linked and world.pbx.words:
                end = WordEnd.FAILED if what == "failed" else WordEnd.CUT
                world.board.observe(o.WordOver(world.pbx.words[-1].leg, end))
            case "lost link" if linked:
                linked = False
                world.board.observe(o.LinkDown("test"))
            case "link" if not linked:
                linked = True
                world.attach(there(call, holds))
            case "killed":
                again = World(SITE, attach=False)
                again.now = world.now + 20.0
                again.board.restore(world.facts, {}, world.now)
                again.facts = [*world.facts, *again.facts]
                world, linked, call = again, True, again.board.calls.here[call.id]
                world.attach(there(call, holds))
    if not linked:
        world.attach(there(call, holds))
    world.passes(0.02)  # what is late just now is told just after
    for stay in stays(world.facts):
        for silence, since in zip(
            stay.silences(world.now), [stay.since, *(word.at for word in stay.words)], strict=True
        ):
            told = any(breach.since == since for breach in stay.breaches)
            assert stay.where is not Where.ON_HOLD or silence <= 90.02 or told, (silence, since, stay)
            assert not told or silence > 90.0


def hear(world: World, ends: float) -> float:
    """Have the last word ordered heard, and end when it is time; returns when it is to end."""
    word = world.pbx.words[-1].leg if world.pbx.words else None
    if word is None or word in world.pbx.cancelled:
        return ends
    speaking = world.board._beside.holding.books.speaking(word)
    if speaking is None:
        return ends
    if not speaking.hears:
        world.board.observe(o.ChannelUp(word))
        return world.now + WORD
    if world.now >= ends:
        world.board.observe(o.WordOver(word, WordEnd.WHOLE))
    return ends


def there(call: Call, holds: bool) -> tuple[o.LiveChannel, ...]:
    """The two channels of the conversation."""
    return (
        o.LiveChannel(call.leg or "", "PJSIP/pa", "x", "callhandler-offer", "l", holds),
        o.LiveChannel(call.id, "PJSIP/t", "x", "callhandler-entry", "l"),
    )
