"""The first whole call, heard and not inferred: prompts, keys, music, and two people who hear each other.

Softphones (baresip) call in over the trunk and from a desk; what they heard is taken from their RTP.
"""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from callhandler.core.plain import Plain

from .ear import Samples, Sound
from .hearing import Place, find, place_in, silences, tone_seconds
from .lab import SiteUp, listening
from .softphone import Softphone

pytestmark = pytest.mark.live
CALLER, AGENT = 440.0, 880.0
TALK = 3.0
SOON = 1.5
"""Seconds that a busy machine may need for what it otherwise does in a tenth of one."""


async def until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.time()))


def music_in(sound: Sound, music: Mapping[str, Samples]) -> tuple[str, Place]:
    """Which piece of music this is, and where in it."""
    places = {name: place_in(sound, samples) for name, samples in music.items()}
    name = max(places, key=lambda one: places[one].score)
    return name, places[name]


def last_call(site: SiteUp, number: str) -> dict[str, Plain]:
    """The journal's record of this caller's last call, as the CLI prints it."""
    records = site.ask("calls", "--last", "20")
    assert isinstance(records, list)
    for record in records:
        if isinstance(record, dict) and record["caller_number"] == number:
            return record
    raise AssertionError(f"no call of {number} in {records}")


def rested(site: SiteUp) -> None:
    """Every agent is free for the next call: none is still writing up one of another test."""
    for agent in ("7001", "7002", "7003", "7004"):
        site.ask("agents", "resume", agent)


async def a_whole_call(site: SiteUp, caller: Softphone, agent: Softphone, key: str, number: str) -> dict[str, Plain]:
    """Call, press `key` in the menu, wait, talk with `agent`, who hangs up: all of it heard. Returns the journal's record."""
    rested(site)
    welcome, menu, wait = site.prompt("welcome"), site.prompt("main-menu"), site.prompt("please-wait")
    with listening(caller) as ear, listening(agent) as agents_ear:
        dialled = time.time()
        await caller.dial("5000")
        answered = time.time()
        await until(answered + len(welcome) / 8000 + 2.5)
        await caller.press(key)
        pressed = time.time()
        await agent.wait_for("CALL_INCOMING")
        await until(pressed + len(wait) / 8000 + 2.5)
        await agent.answer()
        picked_up = time.time()
        await agent.wait_for("CALL_ESTABLISHED")
        await until(picked_up + TALK)
        hung_up = time.time()
        await agent.hang_up()
        await caller.wait_for("CALL_CLOSED")
        whole = ear.heard(dialled, hung_up)
        talk, agents_talk = ear.heard(picked_up, hung_up), agents_ear.heard(picked_up, hung_up)

    (greeted,) = find(whole, welcome)
    assert greeted.at - answered < SOON
    (offered,) = find(whole, menu)
    assert -0.1 <= offered.at - (greeted.at + len(welcome) / 8000) < SOON
    (asked_to_wait,) = find(whole, wait)
    assert -0.1 <= asked_to_wait.at - pressed < SOON
    _, place = music_in(whole.between(picked_up - 1.7, picked_up - 0.2), site.music())
    assert place.score > 0.8, "music while waiting"
    assert silences(whole.between(answered, hung_up), 1.0) == []
    assert tone_seconds(talk, AGENT) > TALK - 0.7, "the caller hears the agent"
    assert tone_seconds(agents_talk, CALLER) > TALK - 0.7, "the agent hears the caller"
    await asyncio.sleep(0.5)
    return last_call(site, number)


async def test_a_caller_from_the_trunk_hears_all_of_it_and_talks_to_the_right_agent(
    site_up: SiteUp, tmp_path: Path
) -> None:
    number = "493011122233"
    async with (
        site_up.desk_phone("101", tmp_path / "agent", AGENT) as agent,
        site_up.trunk_caller(number, tmp_path / "caller", CALLER) as caller,
    ):
        record = await a_whole_call(site_up, caller, agent, "1", number)
    assert (record["outcome"], record["agent"], record["queue"], record["source"]) == (
        "answered",
        "7001",
        "sales",
        "trunk:pstn",
    )
    talked = record["talked"]
    assert isinstance(talked, float)
    assert abs(talked - TALK) < SOON


async def test_so_does_one_from_a_desk_phone(site_up: SiteUp, tmp_path: Path) -> None:
    async with (
        site_up.desk_phone("103", tmp_path / "agent", AGENT) as agent,
        site_up.desk_phone("104", tmp_path / "caller", CALLER) as caller,
    ):
        record = await a_whole_call(site_up, caller, agent, "2", "104")
    assert (record["outcome"], record["agent"], record["queue"], record["source"]) == (
        "answered",
        "7003",
        "support",
        "phone:104",
    )


async def test_music_goes_on_after_a_prompt_from_where_it_was(site_up: SiteUp, tmp_path: Path) -> None:
    """Number 5009 waits 3 s in one line, is told so, and waits in the next: the music must not begin anew.

    In the first somebody presses the reject key, in the second a phone rings on: with no phone at all, the caller would be
    sent on at once.
    """
    rested(site_up)
    wait = site_up.prompt("please-wait")
    async with (
        site_up.desk_phone("103", tmp_path / "first", AGENT) as first_agent,
        site_up.desk_phone("101", tmp_path / "second", AGENT),
        site_up.trunk_caller("493011122244", tmp_path / "caller", CALLER) as caller,
    ):
        with listening(caller) as ear:
            await caller.dial("5009")
            answered = time.time()
            await first_agent.wait_for("CALL_INCOMING")
            await first_agent.reject()
            # 3 s in the first line, 9 s of "all of us are busy", the next line's greeting, and then music again
            await until(answered + 3 + 9 + len(wait) / 8000 + 4)
            now = time.time()
            whole = ear.heard(answered, now)
        await caller.hang_up()
    (spoken,) = find(whole, wait)
    music = site_up.music()
    before, first = music_in(whole.between(answered + 1, answered + 2.5), music)
    after, second = music_in(whole.between(now - 2, now - 0.5), music)
    assert first.score > 0.8
    assert second.score > 0.8
    assert after == before
    assert second.seconds > first.seconds + 1.5, "music goes on, it does not begin again"
    assert second.seconds < first.seconds + (now - answered)
    assert answered + 3 < spoken.at < now - len(wait) / 8000
    assert silences(whole, 1.0) == []
