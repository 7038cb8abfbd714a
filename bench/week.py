"""A simulated week of a small centre with and without callbacks: what every fifth caller's choosing one does to everybody's wait.

The same callers come each time. A fifth of them choose a callback, three in ten of those for a time they choose: as soon as it is offered
(`offered`), or, for they know the key, in the first word they hear in line (`known`). Where there are none they wait like all others.
Real core and conversations in virtual time (simulated/); the week and its people are below.
Run it from the repository's root: `python -m bench.week [--seed N] [--quick]`; without a seed it runs five weeks and prints means and
ranges (writes bench/out/week.json). The same seed is the same week.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import mean
from time import process_time
from zoneinfo import ZoneInfo

from bench.common import report
from bench.simulated.centre import VOICEMAIL_AFTER
from bench.simulated.figures import Counted, Figures
from bench.simulated.people import Visitor
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
caller_number = "+12024560100"
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
                yield _visitor(random, at, f"+1202{5_550_200 + count:07}", knowing)


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
    week = Counted(site, MONDAY.timestamp(), seed)
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
    print(f"{process_time() - began:.0f} s of processor time", file=sys.stderr)
    report("week", found, {}, quick=asked.quick)
    return 0


def _told(weeks: list[dict[str, float | None]], line: str) -> str:
    values = [value for week in weeks if (value := week[line]) is not None]
    if not values:
        return "-"
    digits = 1 if "%" in line or "silence in" in line or "broken" in line else 0
    whole = f"{mean(values):.{digits}f}"
    return whole if len(values) == 1 else f"{whole} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
