"""In line: what a waiting caller hears, and when, taken from the RTP; and that keys and answers are quicker than any prompt.

Intervals are shortened by the site's own settings. The agent is on break until the test wants the phone to ring.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callhandler.core.plain import Plain

from .ear import Sound
from .hearing import find, place_in, silences
from .lab import SiteUp, free_base, listening, site_running
from .softphone import Softphone

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]
CALLER, AGENT = 440.0, 880.0
AT_MOST, AIM = 25.0, 6.0
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
"""


@pytest.fixture(scope="module")
def waiting_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUp]:
    """A site with short intervals."""
    with site_running(tmp_path_factory.mktemp("checkins") / "site", free_base(), EXTRA) as site:
        yield site


def heard_in(site: SiteUp, sound: Sound, *names: str) -> list[tuple[str, float]]:
    """Which of these standard prompts were heard, and when each began, in order."""
    found = [(name, one.at) for name in names for one in find(sound, site.prompt(f"std-{name}"), seconds=1.0)]
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
            await caller.dial("5020")
            answered = time.time()
            await asyncio.sleep(48)
            now = time.time()
            whole = ear.heard(answered, now)
        await caller.hang_up()
    said = heard_in(site, whole, "thanks-1", "thanks-2", "thanks-3", "thanks-4", "next", "key-2", "key-0", "key-1")
    print(said)
    names = [name for name, _ in said]
    assert names[:7] == ["next", "key-2", "key-0", "thanks-1", "next", "key-2", "key-0"]
    assert names[7:11] == ["thanks-2", "next", "key-2", "key-0"]
    music = site.music()
    for (before, ended), (after, begins) in zip(said, said[1:], strict=False):
        ended += length(site, before)
        if after.startswith("thanks"):
            assert AIM - 0.3 <= begins - ended <= AIM + 1.0
            piece = whole.between(ended + 1.0, begins - 1.0)
            assert max(place_in(piece, samples).score for samples in music.values()) > 0.8
        else:
            assert -0.3 < begins - ended < 0.6
    assert silences(whole, 1.0) == []
