"""A caller who waits nearly four minutes at the promise's real figures (a word at 60 s, at most 90 s), heard from the RTP.

A site as a user makes it, on a real Asterisk, with nothing changed; an agent is logged in and on break. Prints each standard prompt that
was heard and when, beside what `callhandler holdproof` says, and fails where a silence was longer than promised or they differ.
Run it from the repository's root: `make holdproof`, or `python -m bench.hold_proof`. Takes four and a half minutes.
"""

import asyncio
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from callhandler.core.plain import Plain
from callhandler.site.standard import standard
from tests.live.ear import Sound
from tests.live.hearing import find, silences
from tests.live.lab import SiteUp, callhandler, listening, site_running
from tests.ports import free_base

WAITS = 232.0
"""Seconds; the caller's own tone lasts 240, and the softphone hangs up when it is over."""
AT_MOST = 90.0
CALLER = "493011177777"
LINE = """
[queues.patient]
name = "Patient"
fallback = "say:nobody-here"
steps = [{ wants = "sales >= 9" }]

[numbers.5020]
enters = "queue:patient"
"""


def main() -> int:
    """Run it and return the exit status."""
    with (
        tempfile.TemporaryDirectory(prefix="callhandler-holdproof-") as folder,
        site_running(Path(folder) / "site", free_base(), LINE) as site,
    ):
        began, sound = asyncio.run(_wait(site, Path(folder)))
        time.sleep(1.0)
        done = callhandler("--site", str(site.directory), "holdproof", _call(site))
        print(done.stdout + done.stderr)
        return _heard(site, began, sound) or done.returncode or ("kept" not in done.stdout)


async def _wait(site: SiteUp, folder: Path) -> tuple[float, Sound]:
    async with (
        site.desk_phone("101", folder / "agent", 880.0),
        site.trunk_caller(CALLER, folder / "caller", 440.0) as caller,
    ):
        site.ask("agents", "pause", "7001")
        with listening(caller) as ear:
            await caller.dial("5020")
            began = time.time()
            await asyncio.sleep(WAITS)
            sound = ear.heard(began, time.time())
        await caller.hang_up()
    return began, sound


def _call(site: SiteUp) -> str:
    records: Plain = site.ask("calls", "--last", "5")
    assert isinstance(records, list)
    return next(str(one["id"]) for one in records if isinstance(one, dict) and one["caller_number"] == CALLER)


def _heard(site: SiteUp, began: float, sound: Sound) -> bool:
    """Print what was heard; return whether a silence was too long."""
    said = sorted(
        (one.at, name)
        for name in standard()
        if name.startswith(("std-thanks", "std-next", "std-place", "std-wait", "std-busier", "std-key"))
        for one in find(sound, site.prompt(name), seconds=1.0)
    )
    ends = [began]
    for at, name in said:
        print(f"{at - began:7.2f} s  {name}")
        ends.append(at + len(site.prompt(name)) / 8_000)
    longest = max(later - earlier for earlier, later in pairwise([*ends, began + WAITS]))
    quiet = silences(sound, 1.0)
    print(
        f"longest time without the end of a word, heard: {longest:.1f} s (at most {AT_MOST:.0f}); dead silence: {quiet or 'none'}"
    )
    return longest > AT_MOST or bool(quiet) or len(said) < 10


if __name__ == "__main__":
    sys.exit(main())
