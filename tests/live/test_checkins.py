"""In line: what a waiting caller hears, and when, taken from the RTP; and that keys and answers are quicker than any prompt.

Intervals are shortened by the site's own settings. The agent is on break until the test wants the phone to ring.
"""

import asyncio
import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from callhandler.core import events as e
from callhandler.core.model import Outcome
from callhandler.core.plain import Plain
from callhandler.site.loading import load as load_site
from callhandler.store.journal import Journal

from .ear import RATE, Samples, Sound, load
from .hearing import QUIET, find, place_in, silences
from .lab import Ear, SiteUp, callhandler, free_base, listening, site_running

pytestmark = pytest.mark.live
CALLER, AGENT = 440.0, 880.0
AT_MOST, AIM = 25.0, 4.0
ANSWERS = 5
CUT_WITHIN = 0.5
"""Seconds after the agent's answer; `python -m bench.prompt_cut` measures it over many answers."""
ALIKE = 0.38
"""How alike what is heard must be to a prompt (1 is the same). Asterisk on a busy machine leaves gaps of up to a tenth of a second in what
it says, and one of those halves it; no two that are said in line are more alike than 0.3."""
AT_ONCE = 2.0
"""Seconds from a key to what it leads to: before any prompt's end, and more than a busy machine takes."""
EXTRA = f"""

# --- for the check-in tests: short intervals, and a line that one agent serves
[waiting]
check_in_at_most = {AT_MOST:.0f}
check_in_aim = {AIM:.0f}

[queues.patient]
name = "Patient"
fallback = "say:nobody-here"
wrap_up = 0
steps = [{{ wants = "sales >= 9" }}]

[numbers.5020]
enters = "queue:patient"

[queues.known]
name = "Known"
fallback = "say:nobody-here"
wrap_up = 0
steps = [{{ wants = "sales >= 9" }}]

[numbers.5021]
enters = "queue:known"

[callbacks]
trunk = "pstn"
offer_estimate = 180
"""
TOOK, WAITED = 170.0, 60.0
"""Seconds that calls took, and that callers were told and waited, in the past of queue `known`."""


@pytest.fixture(scope="module")
def waiting_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    """A site with short intervals, and a past."""
    with site_running(tmp_path_factory.mktemp("checkins") / "site", free_base(), EXTRA, before=calibrate) as site:
        yield site


def calibrate(directory: Path) -> None:
    """Give the queue `known` a past of half an hour: all who waited were told the truth."""

    async def past() -> None:
        now = time.time()
        async with Journal(load_site(directory).site.daemon.database, "pbx1", directory) as journal:
            for n in range(25):
                call, at = f"past-{n}", now - 1_800 + 60 * n
                for fact in (
                    e.CallArrived(
                        at=at, call=call, channel="", number="5021", caller_number="", caller_name="", source=""
                    ),
                    e.CallEntered(at=at, call=call, queue="known", entered=at, priority=5, bonus=0.0, wants=""),
                    e.EstimateMade(
                        at=at, call=call, queue="known", method="queue length", seconds=WAITED, ahead=0, most=None
                    ),
                    e.CallConnected(
                        at=at + WAITED, call=call, leg=f"{call}-o1", agent="7001", queue="known", waited=WAITED
                    ),
                    e.TalkEnded(
                        at=at + WAITED + TOOK,
                        call=call,
                        leg=f"{call}-o1",
                        agent="7001",
                        queue="known",
                        talked=TOOK,
                        reason="",
                    ),
                    e.CallEnded(at=at + WAITED + TOOK, call=call, outcome=Outcome.ANSWERED, reason="", cause=16),
                ):
                    journal.append(fact)

    asyncio.run(past())


def heard_in(site: SiteUp, sound: Sound, *names: str) -> list[tuple[str, float]]:
    """Which of these standard prompts were heard, and when each began, in order."""
    found = [(name, one.at) for name in names for one in find(sound, site.prompt(f"std-{name}"), ALIKE, 1.0)]
    return sorted(found, key=lambda one: one[1])


def length(site: SiteUp, name: str) -> float:
    return len(site.prompt(f"std-{name}")) / 8000


async def test_who_waits_hears_each_check_in_and_music_in_between(waiting_site: SiteUp, tmp_path: Path) -> None:
    site = waiting_site
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT),
        site.trunk_caller("493011100001", tmp_path / "caller", CALLER) as caller,
    ):
        site.ask("agents", "pause", "7001")
        with listening(caller) as ear:
            dialled = time.time()  # the first word may begin before the phone has told of the answer
            await caller.dial("5020")
            answered = time.time()
            await asyncio.sleep(30)
            now = time.time()
            whole = ear.heard(dialled, now)
        await caller.hang_up()
    said = heard_in(site, whole, "thanks-1", "thanks-2", "thanks-3", "thanks-4", "next", "key-2", "key-0", "key-1")
    names = [name for name, _ in said]
    assert names[:7] == ["next", "key-2", "key-0", "thanks-1", "next", "key-2", "key-0"]
    assert names[7:9] == ["thanks-2", "next"]
    music = site.music()
    for (before, began), (after, begins) in itertools.pairwise(said):
        ended = began + length(site, before)
        if after.startswith("thanks"):
            assert AIM - 0.5 <= begins - ended <= AIM + 3.0
            middle = (ended + begins) / 2
            piece = whole.between(middle - 0.75, middle + 0.75)
            assert max(place_in(piece, samples).score for samples in music.values()) > 0.8
        else:
            assert -0.5 < begins - ended < 2.0
    assert silences(whole.between(answered, now - 0.2), 1.0) == []

    (stay,), kept = proof(site, "493011100001")
    assert kept
    told = [word for word in stay if word["cut_by"] == ""]
    begun = [at for name, at in said if name in ("thanks-1", "thanks-2", "thanks-3")]
    written = [number(word["started"]) for word in told[1 : len(begun) + 1]]
    assert np.allclose(begun[: len(written)], written, atol=1.0), "what stands in the journal is what was heard"


def proof(site: SiteUp, caller: str) -> tuple[list[list[dict[str, Plain]]], bool]:
    """The words of each stay of a caller's last call, as `holdproof` tells them, and whether the promise was kept."""
    records = site.ask("calls", "--last", "50")
    assert isinstance(records, list)
    call = next(one["id"] for one in records if isinstance(one, dict) and one["caller_number"] == caller)
    done = callhandler("--site", str(site.directory), "holdproof", str(call), "--json")
    evidence: Plain = json.loads(done.stdout)
    assert isinstance(evidence, dict)
    assert done.returncode == (0 if evidence["kept"] else 1)
    found = []
    assert isinstance(evidence["stays"], list)
    for one in evidence["stays"]:
        assert isinstance(one, dict)
        assert isinstance(one["stay"], dict)
        words = one["stay"]["words"]
        assert isinstance(words, list)
        found.append([word for word in words if isinstance(word, dict)])
    return found, bool(evidence["kept"])


def number(value: Plain) -> float:
    assert isinstance(value, int | float)
    return float(value)


async def spoken(site: SiteUp, ear: Ear, name: str, since: float, seconds: float) -> float:
    """Wait until a standard prompt is being heard, begun after `since`; return when it began."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        await asyncio.sleep(0.2)
        for prompt, at in heard_in(site, ear.heard(max(since, time.time() - 6), time.time()), name):
            assert prompt == name
            return at
    raise AssertionError(f"std-{name} was not heard within {seconds} s")


def waiting(site: SiteUp, caller: str) -> dict[str, Plain]:
    """How a caller's call is now, as the CLI tells it."""
    views = site.ask("calls")
    assert isinstance(views, list)
    return next(view for view in views if isinstance(view, dict) and view["caller_number"] == caller)


async def test_keys_work_during_music_and_during_prompts_and_lead_back_to_the_same_place(
    waiting_site: SiteUp, tmp_path: Path
) -> None:
    site, who = waiting_site, "493011100002"
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT),
        site.trunk_caller(who, tmp_path / "caller", CALLER) as caller,
    ):
        site.ask("agents", "pause", "7001")
        with listening(caller) as ear:
            await caller.dial("5020")
            answered = time.time()
            first = await spoken(site, ear, "key-0", answered, 20)
            before = waiting(site, who)
            await asyncio.sleep(max(0.0, first + length(site, "key-0") + 1.5 - time.time()))
            pressed = time.time()
            await caller.press("2")
            assert await spoken(site, ear, "message", pressed, 20) - pressed < AT_ONCE, "a key during music"
            pressed = time.time()
            await caller.press("*")
            kept = await spoken(site, ear, "kept", pressed, 20)
            assert kept - pressed < AT_ONCE
            word = await spoken(site, ear, "next", kept + 2, AIM + 12)
            pressed = time.time()
            await caller.press("0")
            assert await spoken(site, ear, "kept", pressed, 20) - pressed < AT_ONCE, "a key during a prompt"
            await asyncio.sleep(length(site, "kept") + 0.5)
            rest = heard_in(site, ear.heard(word, time.time()), "key-2", "key-0")
            assert [at for _, at in rest if at > pressed] == [], "the key cut the prompt"
            after = waiting(site, who)
            assert silences(ear.heard(answered, time.time() - 0.2), 1.0) == []
        await caller.hang_up()
    assert (before["queue"], after["queue"], after["state"]) == ("patient", "operator", "waiting")
    assert (after["entered"], after["position"]) == (before["entered"], 1)
    await asyncio.sleep(0.5)
    (words,), kept_all = proof(site, who)
    assert kept_all
    said = [(str(word["said"]).split()[0], word["cut_by"]) for word in words]
    assert said[:4] == [("next", ""), ("menu", ""), ("thanks-1", "key"), ("menu", "")]


def prompts_end(sound: Sound, hertz: float) -> float:
    """When the last 20 ms ended in which there was anything but a tone and silence."""
    power, share = pieces(sound, hertz)
    other = np.flatnonzero((power > 10 ** (QUIET / 10)) & (share < 0.9))
    return sound.start + (float(other[-1]) + 1) / 50 if len(other) else sound.start


def tone_begins(sound: Sound, hertz: float) -> float:
    """When a tone began that was all there was for 0.3 s. Not for longer: a packet that is late tears any tone."""
    power, share = pieces(sound, hertz)
    alone = (power > 10 ** (QUIET / 10)) & (share >= 0.9)
    begins = np.flatnonzero(np.convolve(alone, np.ones(15), "valid") > 14.5)
    assert len(begins), "the tone was never heard alone"
    return sound.start + float(begins[0]) / 50


def pieces(sound: Sound, hertz: float) -> tuple[Samples, Samples]:
    """Of each 20 ms: the power, and how much of it is a tone."""
    step = RATE // 50
    blocks = sound.samples[: len(sound.samples) // step * step].reshape(-1, step).astype(np.float64)
    power = np.mean(blocks**2, axis=1)
    phase = np.exp(-2j * np.pi * hertz * np.arange(step) / RATE)
    share = 2 * np.abs(blocks @ phase / step) ** 2 / np.maximum(power, 1e-12)
    return power.astype(np.float32), share.astype(np.float32)


async def cuts(site: SiteUp, folder: Path, caller_number: str, answers: int) -> list[float]:
    """Have an agent answer in the middle of a word, so many times; return how long after the answer the caller still heard anything of it.

    Seconds, from the RTP that reached the caller; the clock starts before the agent's phone is told to answer.
    """
    lasted = []
    async with (
        site.desk_phone("101", folder / "agent", AGENT) as agent,
        site.trunk_caller(caller_number, folder / "caller", CALLER) as caller,
    ):
        with listening(caller) as ear:
            for _ in range(2 * answers):
                await asyncio.to_thread(site.ask, "agents", "pause", "7001")
                rung = len(agent.events)
                dialled = time.time()
                await caller.dial("5020")
                await spoken(site, ear, "next", dialled, 12)
                await asyncio.to_thread(site.ask, "agents", "resume", "7001")
                await agent.wait_for("CALL_INCOMING", 8, rung)
                answered = time.time()
                await agent.answer()
                await asyncio.sleep(1.8)
                talk = ear.heard(answered - 0.5, answered + 1.5)
                if prompts_end(talk.between(talk.start, answered), AGENT) > answered - 0.1:  # not between two words
                    joined = tone_begins(talk.between(answered, talk.start + talk.seconds), AGENT)
                    lasted.append(prompts_end(talk.between(talk.start, joined), AGENT) - answered)
                await agent.hang_up()
                await caller.wait_for("CALL_CLOSED")
                caller.events.clear()
                if len(lasted) == answers:
                    break
    assert len(lasted) == answers
    return lasted


async def test_a_prompt_is_cut_when_the_agent_answers(waiting_site: SiteUp, tmp_path: Path) -> None:
    lasted = await cuts(waiting_site, tmp_path, "493011100003", ANSWERS)
    assert sorted(lasted)[ANSWERS // 2] <= CUT_WITHIN, lasted
    assert max(lasted) < 1.0, f"a machine that is busy for a moment, but no word that goes on: {lasted}"
    (words,), _ = proof(waiting_site, "493011100003")
    assert words[-1]["cut_by"] == "answer"
    assert str(words[-1]["said"]) == "next key-2 key-0"


async def test_a_callback_ahead_counts_the_estimate_is_said_and_key_1_leads_to_the_dialogue(
    waiting_site: SiteUp, tmp_path: Path
) -> None:
    """The agent talks, a callback waits, then this caller: place 2, (1 + 1) x 173 s each, so six to ten minutes, and key 1 is offered."""
    site, who = waiting_site, "+12025550177"
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT, auto_answer=True) as agent,
        site.trunk_caller("493011100007", tmp_path / "talker", 660.0) as talker,
        site.trunk_caller(who, tmp_path / "caller", CALLER) as caller,
    ):
        site.ask("agents", "resume", "7001")
        await talker.dial("5021")
        await agent.wait_for("CALL_ESTABLISHED")
        (callback,) = rows(site.ask("callbacks", "add", "known", "+12025550188"))
        with listening(caller) as ear:
            dialled = time.time()
            await caller.dial("5021")
            place = await spoken(site, ear, "place", dialled, 12)
            offer = await spoken(site, ear, "key-1", place, 20)
            await asyncio.sleep(0.8)
            pressed = time.time()
            await caller.press("1")
            read_back = await spoken(site, ear, "cb-number", pressed, 20)
            assert read_back - pressed < AT_ONCE, "a key during a prompt"
            heard = ear.heard(dialled, pressed)
            await caller.press("*")
            await asyncio.sleep(0.2)
            await caller.press("*")
            kept = await spoken(site, ear, "kept", read_back, 12)
            await asyncio.sleep(max(0.0, kept + length(site, "kept") + 1.7 - time.time()))
            pressed = time.time()
            await caller.press("1")
            assert await spoken(site, ear, "cb-number", pressed, 20) - pressed < AT_ONCE, "a key during music"
            music = ear.heard(pressed - 1.2, pressed)
            assert max(place_in(music, piece).score for piece in site.music().values()) > 0.5
        await caller.hang_up()
        site.ask("callbacks", "cancel", str(callback["id"]))
        await agent.hang_up()
        await talker.wait_for("CALL_CLOSED")
    (wait,) = find(heard, site.prompt("std-wait-10"), ALIKE, 1.0)
    assert place < wait.at < offer
    assert find(heard.between(place + length(site, "place") - 0.2, wait.at), digit(site, 2), ALIKE, 0.4)
    (words,), _ = proof(site, who)
    assert (words[0]["said"], words[0]["position"], words[0]["most"]) == ("place wait-10 key-1 key-2 key-0", 2, 600.0)


def rows(answer: Plain) -> list[dict[str, Plain]]:
    assert isinstance(answer, list)
    return [row for row in answer if isinstance(row, dict)]


def digit(site: SiteUp, value: int) -> Samples:
    """Asterisk's own sound of a digit."""
    text = (site.directory / "var" / "asterisk" / "etc" / "asterisk.conf").read_text()
    folder = next(line.partition("=>")[2].strip() for line in text.splitlines() if line.startswith("astdatadir"))
    return load(next(Path(folder).glob(f"sounds/en*/digits/{value}.wav")))


async def test_each_hears_the_own_place_and_who_comes_nearer_hears_it(waiting_site: SiteUp, tmp_path: Path) -> None:
    site = waiting_site
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT),
        site.trunk_caller("493011100004", tmp_path / "first", CALLER) as first,
        site.trunk_caller("493011100005", tmp_path / "second", CALLER) as second,
    ):
        site.ask("agents", "pause", "7001")
        await first.dial("5020")
        with listening(second) as ear:
            dialled = time.time()
            await second.dial("5020")
            place = await spoken(site, ear, "place", dialled, 12)
            await first.hang_up()
            nearer = await spoken(site, ear, "next", place + 3, AIM + 20)
            assert heard_in(site, ear.heard(place + 3, nearer), "busier") == []
        await second.hang_up()
    await asyncio.sleep(0.5)
    (words,), kept = proof(site, "493011100005")
    assert kept
    assert [word["position"] for word in words[:2]] == [2, 1]


async def test_after_a_crash_the_promise_goes_on_from_the_last_word(waiting_site: SiteUp, tmp_path: Path) -> None:
    site, who = waiting_site, "493011100006"
    async with (
        site.desk_phone("101", tmp_path / "agent", AGENT),
        site.trunk_caller(who, tmp_path / "caller", CALLER) as caller,
    ):
        site.ask("agents", "pause", "7001")
        with listening(caller) as ear:
            await caller.dial("5020")
            answered = time.time()
            last = await spoken(site, ear, "thanks-1", answered, AIM + 20)
            await spoken(site, ear, "key-0", last, 15)
            await asyncio.sleep(length(site, "key-0") + 1.0)
            os.kill(site.daemon_pid(), signal.SIGKILL)
            again = await spoken(site, ear, "thanks-2", last + 3, AT_MOST)
            assert silences(ear.heard(answered, time.time() - 0.2), 1.0) == [], "music through the crash"
            assert heard_in(site, ear.heard(last + 3, again), "thanks-1") == [], "never the same turn twice running"
        await caller.hang_up()
    await asyncio.sleep(0.5)
    (words,), kept = proof(site, who)
    assert kept
    begun = next(number(word["started"]) for word in words if str(word["said"]).startswith("thanks-2"))
    ended = next(number(word["at"]) for word in words if str(word["said"]).startswith("thanks-1"))
    assert AIM - 0.5 <= begun - ended <= AT_MOST
