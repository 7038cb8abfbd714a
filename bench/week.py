"""A simulated week of a small centre with and without callbacks: what every fifth caller's choosing one does to everybody's wait.

The same callers come each time. A fifth of them choose a callback, three in ten of those for a time they choose: as soon as it is offered
(`offered`), or, for they know the key, in the first word they hear in line (`known`). Where there are none they wait like all others.
Real core and conversations in virtual time (week_centre.py); the week and its people are below.
Run it from the repository's root: `python -m bench.week [--seed N] [--quick]`; without a seed it runs five weeks and prints means and
ranges (writes bench/out/week.json). The same seed is the same week.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import mean
from time import process_time
from zoneinfo import ZoneInfo

from bench.week_centre import VOICEMAIL_AFTER, Centre, Visitor
from callhandler.core import events as e
from callhandler.site.loading import load
from callhandler.site.models import Site
from callhandler.site.new import example

SEEDS = (1, 2, 3, 4, 5)
MONDAY = datetime(2026, 11, 2, tzinfo=ZoneInfo("America/New_York"))
PER_HOUR = {8: 40, 9: 72, 10: 86, 11: 76, 12: 60, 13: 65, 14: 78, 15: 72, 16: 55, 17: 46, 18: 30, 19: 18}
"""Callers of a weekday who arrive in the hour that begins then; a Saturday has half of them, from 9 to 14."""
SHIFTS = (("08:00", "16:30"), ("09:00", "17:30"), ("12:00", "20:30"))
"""Six agents: two in each shift, and on a Saturday the first four from 9 to 15. Each has half an hour's break in the middle."""
TALK, WRAP_UP, PATIENCE = 200.0, 25, 300.0
"""Seconds: mean talk and patience (exponential), wrap-up."""
CHOOSING, SLOTS = 0.2, 0.3
"""Part of the callers who choose a callback where it is offered, and of those the part who choose a time."""
ANSWERS, VOICEMAIL = 0.75, 0.1
"""Parts of the attempts that a customer answers (after 4 to 15 s), and that a voicemail does; otherwise nobody answers for 30 s."""
CALLBACKS = """
[callbacks]
trunk = "pstn"
caller_number = "+12025550100"
hours = "calling"
slot_capacity = 4
at_once = 6

[hours.calling.weekly]
mon = ["08:00-20:00"]
tue = ["08:00-20:00"]
wed = ["08:00-20:00"]
thu = ["08:00-20:00"]
fri = ["08:00-20:00"]
sat = ["09:00-14:45"]
"""


@dataclass(slots=True)
class Figures:
    """What came of a week."""

    callers: int = 0
    abandoned: int = 0
    live: list[float] = field(default_factory=list)
    asked: int = 0
    called_back: list[float] = field(default_factory=list)
    results: dict[str, int] = field(default_factory=dict)
    on_the_line: float = 0.0
    made: int = 0
    kept: int = 0
    broken: int = 0
    breaches: int = 0
    silence: float = 0.0

    def lines(self) -> Iterator[tuple[str, float | None]]:
        """Return all, as the table tells them."""
        yield "callers", self.callers
        yield "gave up, %", 100 * self.abandoned / self.callers
        reached = len(self.live) + self.results.get("done", 0)
        yield "talked with an agent, %", 100 * reached / self.callers
        yield "waiting on the line, mean of all callers, s", self.on_the_line / self.callers
        yield "live: wait until answered, mean s", mean(self.live)
        yield "live: wait until answered, p90 s", percentile(self.live, 0.9)
        yield "callbacks asked for", self.asked
        yield "callbacks: talked, %", 100 * self.results.get("done", 0) / self.asked if self.asked else None
        yield "callbacks in turn: until talking, mean s", mean(self.called_back) if self.called_back else None
        yield "callbacks in turn: until talking, p90 s", percentile(self.called_back, 0.9) if self.called_back else None
        yield "times promised", self.made
        yield "times kept", self.kept
        yield "times broken", self.broken
        yield "callbacks open at the week's end", self.asked - sum(self.results.values())
        yield "longest silence in line, s", self.silence
        yield "silences longer than promised", self.breaches


def percentile(values: list[float], part: float) -> float:
    """Return the value that this part of all doesn't exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


class Week(Centre):
    """A week, counted."""

    def __init__(self, site: Site, start: float, seed: int) -> None:
        self.figures = Figures()
        self._promised: dict[str, float | None] = {}
        self._entered: dict[str, float] = {}
        super().__init__(site, start, seed)

    def append(self, fact: e.Fact) -> None:
        """Count."""
        figures = self.figures
        match fact:
            case e.CallArrived():
                figures.callers += 1
            case e.CallEntered():
                self._entered[fact.call] = fact.at
            case e.CallEnded():
                self._left(fact)
            case e.CallAbandoned():
                figures.abandoned += 1
            case e.CallConnected() if fact.call not in self._promised:
                figures.live.append(fact.waited)
                self._left(fact)
            case e.CallConnected() if self._promised[fact.call] is None:
                figures.called_back.append(fact.waited)
            case e.CallbackRequested():
                figures.asked += 1
                figures.made += fact.promise is not None
                self._promised[fact.call] = fact.promise
            case e.CallbackEnded():
                figures.results[fact.result] = figures.results.get(fact.result, 0) + 1
            case e.PromiseSettled():
                figures.kept += fact.kept
                figures.broken += not fact.kept
            case e.CheckInBreached():
                figures.breaches += 1

    def _left(self, fact: e.CallConnected | e.CallEnded) -> None:
        """Count how long somebody waited on the line."""
        self.figures.on_the_line += fact.at - self._entered.pop(fact.call, fact.at)

    def silent(self, seconds: float) -> None:
        """Remember the longest silence."""
        self.figures.silence = max(self.figures.silence, seconds)

    def works(self, agent: str, first: float, last: float) -> None:
        """Have an agent work from `first` to `last`, with half an hour's break in the middle."""
        middle = (first + last) / 2
        phone = f"2{agent[1:]}"
        for when, kind, more in (
            (first, e.AgentLoggedIn, {"phone": phone}),
            (middle - 900.0, e.AgentPaused, {"reason": "lunch"}),
            (middle + 900.0, e.AgentResumed, {}),
            (last, e.AgentLoggedOut, {}),
        ):
            self.at(when, self._chooses, agent, kind, more)

    def _chooses(self, agent: str, kind: type[e.Fact], more: dict[str, str]) -> None:
        self.board.record(kind(at=self.now, agent=agent, by="week", **more))  # type: ignore[call-arg]


def site_file(with_callbacks: bool) -> str:
    """Return the week's site: the example, with one queue and six agents of its own."""
    people = "".join(
        f'[agents.8{n:03}]\nname = "Agent {n}"\npin = "6183{n:02}"\nphone = "2{n:03}"\nskills = {{ desk = 5 }}\n'
        f'[phones.2{n:03}]\npassword = "week-week-{n}"\n'
        for n in range(6)
    )
    queue = f'[queues.desk]\nname = "Desk"\nfallback = "say:nobody-here"\nwrap_up = {WRAP_UP}\nsteps = [{{ wants = "desk" }}]\n'
    text = example(15_000, "Acme", "America/New_York") + queue + people
    return text + CALLBACKS if with_callbacks else text


def visitors(seed: int, days: int, knowing: bool) -> Iterator[Visitor]:
    """Return who calls, in order. Each person's nature is drawn before the week begins: the same with and without callbacks."""
    random, count = Random(seed), 0
    for day in range(days):
        for hour, number in PER_HOUR.items():
            saturday = day == 5
            rate = number / 3_600 * (0.5 if saturday else 1.0)
            at = (MONDAY + timedelta(days=day, hours=hour)).timestamp()
            end = at + 3_600 if not saturday or 9 <= hour < 14 else at
            while (at := at + random.expovariate(rate)) < end:
                count += 1
                yield _visitor(random, at, f"+1202{5_550_000 + count:07}", knowing)


def _visitor(random: Random, at: float, number: str, knowing: bool) -> Visitor:
    keys = {}
    patience, talk = random.expovariate(1 / PATIENCE), random.expovariate(1 / TALK)
    chooses, slot, which = random.random() < CHOOSING, random.random() < SLOTS, str(random.randint(1, 4))
    if chooses:
        first = {"std-next": "1", "std-place": "1"} if knowing else {}
        keys = first | {
            "std-key-1": "1",
            "std-cb-confirm": "1",
            "std-cb-when": "2" if slot else "1",
            "std-cb-press": which,
        }
    return Visitor(at, number, patience, talk, keys, tuple(_attempt(random) for _ in range(3)))


def _attempt(random: Random) -> float | None:
    how, after = random.random(), random.uniform(4.0, 15.0)
    if how < ANSWERS:
        return after
    return VOICEMAIL_AFTER if how < ANSWERS + VOICEMAIL else None


def run(site: Site, seed: int, days: int, knowing: bool) -> Figures:
    """Run a week from its Monday; return what came of it."""
    week = Week(site, MONDAY.timestamp(), seed)
    for day in range(days):
        morning = MONDAY + timedelta(days=day)
        for n in range(6) if day < 5 else range(4):
            first, last = SHIFTS[n // 2] if day < 5 else ("09:00", "15:00")
            week.works(f"8{n:03}", _clock(morning, first), _clock(morning, last))
    for visitor in visitors(seed, days, knowing):
        week.at(visitor.at, week.arrives, visitor)
    week.until((MONDAY + timedelta(days=days)).timestamp())
    return week.figures


def _clock(day: datetime, text: str) -> float:
    hours, minutes = text.split(":")
    return (day + timedelta(hours=int(hours), minutes=int(minutes))).timestamp()


def main() -> int:
    """Run the weeks and print the table."""
    parser = argparse.ArgumentParser(description="A simulated week with and without callbacks.")
    parser.add_argument("--seed", type=int, help="one week of this seed instead of five")
    parser.add_argument("--quick", action="store_true", help="a Monday instead of a week")
    asked = parser.parse_args()
    seeds = SEEDS if asked.seed is None else (asked.seed,)
    began, found = process_time(), {}
    for name in ("without", "offered", "known"):
        with tempfile.TemporaryDirectory(prefix="callhandler-week-") as folder:
            path = Path(folder) / "callhandler.toml"
            path.write_text(site_file(name != "without"), encoding="utf-8")
            site = load(path).site
        days = 1 if asked.quick else 6
        found[name] = [dict(run(site, seed, days, name == "known").lines()) for seed in seeds]
    print(f"| seeds {', '.join(map(str, seeds))} | {' | '.join(found)} |\n|---{'|---:' * len(found)}|")
    for line in found["known"][0]:
        print(f"| {line} | {' | '.join(_told(weeks, line) for weeks in found.values())} |")
    print(f"\n{process_time() - began:.0f} s of processor time")
    out = Path("bench/out/week.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(
        json.dumps({"name": "week", "machine": platform.platform(), "figures": found, "peers": {}}, indent=1)
    )
    return 0


def _told(weeks: list[dict[str, float | None]], line: str) -> str:
    values = [value for week in weeks if (value := week[line]) is not None]
    if not values:
        return "-"
    digits = 1 if "%" in line or "silence in" in line else 0
    whole = f"{mean(values):.{digits}f}"
    return whole if len(values) == 1 else f"{whole} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
