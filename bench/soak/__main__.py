"""An hour of calls as in life against a real Asterisk, 10 a second, and nothing failed, grown or left over afterwards.

Callers, agents and customers do what a seed says (bench/soak/mix.py). What is there before the first call and after the last one, in both
processes, in Asterisk, in the daemon's books and in the journal, must be the same; each call must have come to what SIP saw,
exactly once; and neither process may have grown by more than 5 % since the first tenth of the time. Where one of these isn't so, it says
which, and ends with 1.

    python -m bench.soak [--minutes 60] [--rate 10] [--seed 1] [--base-port 26000] [--keep FOLDER]
"""

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bench.common import machine, report
from bench.soak import looking, mix
from bench.soak.calls import Verdict, failed, outcomes, verdicts
from bench.soak.judging import (
    Growth,
    Journal,
    Memory,
    Snapshot,
    callbacks_wrong,
    growth,
    left_over,
    too_much,
    unfinished,
)
from bench.soak.place import AGENTS, CALLERS, CUSTOMERS, People, Place, Running, patiently, system
from callhandler.core.model import State
from callhandler.demo.comparing import Site
from callhandler.demo.menus import queue_reached
from callhandler.demo.place import until_registered
from callhandler.errors import CallhandlerError
from callhandler.site.plan import plan
from callhandler.store.queries import last_calls
from callhandler.store.sources import open_source

LOOK_EVERY = 5.0
TELL_EVERY = 30.0
PAUSE_EVERY = 10.0
"""Seconds after which one agent goes on break, the one before comes back, and who missed calls is there again."""
MOVE_EVERY = 1_500.0
"""Seconds after which all phones register anew and take calls at another port; half-way at the latest."""
LAST_CALL = 150.0
"""Seconds in which callers who are still there after the last one has dialled, and those to be called back, are done with."""
QUIET = 240.0
"""Seconds after that in which everything must be as before: Asterisk keeps idle threads for a minute."""
SHOWN = 30
SHORTEST = 8.0


class Soak:
    """One soak, from the first look to the last."""

    def __init__(self, at: Running, people: People, options: argparse.Namespace) -> None:
        self._at, self._people = at, people
        self._seconds, self._rate, self._seed = options.minutes * 60.0, options.rate, options.seed
        self.callers = mix.callers(self._seed, round(self._seconds * self._rate))
        self.samples: list[Memory] = []
        self._on_break: str | None = None
        self._paused = self._told = self._sat_down = 0.0

    def run(self) -> tuple[Snapshot, Snapshot]:
        """Let everybody do what they mean to; returns what was there before and after."""
        people, count = self._people, len(self.callers)
        self._sit_down()
        people.customers(mix.customers(self._seed, count + 1_000))
        until_registered(self._at.client, AGENTS, 60)
        time.sleep(10.0)
        before = looking.snapshot(self._at)
        print(f"before: {_words(before)}", flush=True)
        self._began = self._sat_down = time.monotonic()
        people.call(self.callers, self._rate)
        while not self._is_over():
            self._look()
        self._come_back()
        return before, self._quiet(before)

    def _is_over(self) -> bool:
        callers = self._people.sipp.running[CALLERS]
        since = time.monotonic() - self._began
        if since > self._seconds + mix.FOREVER + LAST_CALL:
            return True
        status = patiently(self._at.client.status)
        return callers.poll() is not None and not status.counts.calls and not status.counts.callbacks

    def _look(self) -> None:
        time.sleep(LOOK_EVERY)
        self.samples.append(looking.memory(self._at, self._began))
        if not looking.alive(self._at):
            raise CallhandlerError("the daemon or Asterisk isn't the process any more that it was")
        now = self.samples[-1]
        if now.seconds - self._told >= TELL_EVERY:
            self._told = now.seconds
            print(
                f"{now.seconds / 60:5.1f} min: daemon {now.daemon_mb:6.1f} MB, Asterisk {now.asterisk_mb:6.1f} MB; {now.calls} calls, "
                f"{now.waiting} waiting, {now.tasks} tasks, {now.sessions} sessions, {now.backlog} facts not written",
                flush=True,
            )
        if time.monotonic() - self._paused > PAUSE_EVERY:
            self._come_back()
            self._go()
        if time.monotonic() - self._sat_down > min(MOVE_EVERY, self._seconds / 2):
            self._sit_down()

    def _sit_down(self) -> None:
        self._sat_down = time.monotonic()
        self._people.sit_down(mix.agents(self._seed, len(self._people.seats), 2 * len(self.callers) + 1_000))

    def _go(self) -> None:
        """One agent goes on break: those of the line in turn."""
        self._paused = time.monotonic()
        self._on_break = str(7_001 + int(self._paused) % 100)
        agent = self._on_break
        patiently(lambda: self._at.client.pause(agent, "tea"))

    def _come_back(self) -> None:
        """Who was on break comes back, and so does who has missed calls."""
        away = [one.id for one in patiently(self._at.client.agents) if one.state is State.NOT_ANSWERING]
        for agent in [*away, *([] if self._on_break is None else [self._on_break])]:
            patiently(partial(self._at.client.resume, agent))

    def _quiet(self, before: Snapshot) -> Snapshot:
        """What is there when nobody has called for a while: as soon as it is as before, or at last."""
        deadline = time.monotonic() + QUIET
        while True:
            after = looking.snapshot(self._at)
            if not left_over(before, after, len(self.callers)) or time.monotonic() > deadline:
                return after
            time.sleep(LOOK_EVERY)

    def judged(self, before: Snapshot, after: Snapshot) -> tuple[list[str], list[Verdict], Journal, list[Growth]]:
        """What is wrong, in words; each call; what the journal says; how memory went."""
        loaded, lines = self._at.loaded, self._people.sipp.lines
        with open_source(loaded.site.daemon.database, loaded.directory) as source:
            journal = looking.journal(source)
            records = sorted(last_calls(source, 1_000_000), key=lambda one: (one.arrived, one.id))
        site = loaded.site
        keys = {"".join(key for _, key in one.presses) for one in self.callers}
        found = verdicts(
            self.callers,
            lines(CALLERS),
            [line for seat in self._people.seats for line in lines(seat)],
            [one for one in records if one.source != "callback"],
            Site(
                agent_of={agent.phone: id_ for id_, agent in site.agents.items() if agent.phone is not None},
                queue_named={queue.name: id_ for id_, queue in site.queues.items()},
                reached={
                    one[:n]: queue_reached(site, mix.DIALLED, one[:n]) for one in keys for n in range(len(one) + 1)
                },
                short_abandon=plan(site).queues["few"].short_abandon,
            ),
        )
        grown = growth(self.samples, self._seconds)
        wrong = left_over(before, after, len(self.callers)) + unfinished(journal) + too_much(grown, self._seconds)
        wrong += callbacks_wrong(lines(CUSTOMERS), journal)
        wrong += [f"the daemon's log: {line[:300]}" for line in self._log("daemon")[:SHOWN]]
        bad = failed(found)
        wrong += [f"call of {one.number} ({one.kind}): {'; '.join(one.wrong)}" for one in bad[:SHOWN]]
        if len(bad) > SHOWN:
            wrong.append(f"... and {len(bad) - SHOWN} more calls")
        return wrong, found, journal, grown

    def surprises(self) -> list[str]:
        """What came to the phones that didn't fit what they were doing."""
        folder, names = self._people.sipp.folder, (*self._people.seats, CUSTOMERS)
        return [line for one in names for line in looking.complaints(folder / f"{one}.err", ("unexpected message",))]

    def _log(self, which: str) -> list[str]:
        path = self._at.loaded.inside(self._at.loaded.site.daemon.log)
        return looking.complaints(path, ('"level": "error"', '"level":"error"', "Traceback"))


def _words(one: Snapshot) -> str:
    told = {name: len(value) if isinstance(value, frozenset) else value for name, value in asdict(one).items()}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())


def main() -> int:
    """Soak, judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base-port", type=int, default=26_000)
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    options = parser.parse_args()
    if options.minutes < SHORTEST:
        parser.error(f"memory is judged from the sixth minute on: --minutes {SHORTEST:g} at least")
    print(", ".join(str(value) for value in machine().values()), flush=True)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="callhandler-soak-"))
    place = Place(folder.absolute(), options.base_port)
    loaded = place.build()
    people = People(place, loaded)
    with system(loaded) as at, people.sipp:
        soak = Soak(at, people, options)
        before, after = soak.run()
        wrong, found, journal, grown = soak.judged(before, after)
        surprises = soak.surprises()
    print(f"after:  {_words(after)}")
    print(f"calls: {len(found)}: " + ", ".join(f"{n} {name}" for name, n in sorted(outcomes(found).items())))
    print(
        f"journal: {journal.facts} facts; {dict(journal.happened)}; callbacks {dict(journal.callbacks)}; alarms {dict(journal.alarms)};"
        f" kept ringing for {journal.ringing:.1f} s at most"
    )
    for one in grown:
        print(
            f"memory of {one.process}: {one.warm:.1f} MB after the warm-up, {one.end:.1f} MB at the end ({one.part:+.1%})"
        )
    print("\n".join([f"phones were surprised {len(surprises)} times", *surprises[:SHOWN]]))
    figures = {f"{one.process}, MB": {"after warm-up": one.warm, "end": one.end} for one in grown}
    report("soak", {"calls": {"all": len(found), "failed": len(failed(found))}, **figures}, {})
    print(
        "\n".join(["SOAK FAILED", *wrong]) if wrong else "soak passed: nothing failed, grown or left over", flush=True
    )
    if options.keep is None and not wrong:
        with suppress(OSError):
            shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
