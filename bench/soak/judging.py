"""The judgement on a soak: what was there before and after, how memory went, what the journal says. Pure; calls are calls.py's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median

from callhandler.demo.sipp import Line

GROWTH = 0.05
"""The part by which memory may have grown since the warm-up was over."""
SHORT, FILLING = 1_800.0, 0.2
"""Seconds of a soak up to which Asterisk may grow by more: it gives memory back once a minute, and is looked at for less than two."""
WARM, WARM_SECONDS = 0.1, 360.0
"""The part of a soak that is warm-up, and the least: by then the journal's page cache (16 MB) is full and most callers have called once."""
MAY_GROW = {"daemon_threads": 6, "asterisk_threads": 2}
"""Threads of pools: Python's own makes six on two cores when they are first needed, and keeps them; Asterisk's come and go."""
CALLS_A_SHELL = 500
"""Calls among which one may leave a dead channel in Asterisk's list: a fault of Asterisk's (docs/limits.md), which is counted."""
EXPECTED_ALARMS = frozenset({"misses", "busy"})
"""Agents of the mix let phones ring, and new callers ring for a moment where others take the machine's time. Nothing else may be."""
LONGEST_RINGING = 5.0
"""Seconds for which a machine that others use, too, may keep a caller ringing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is there at one moment when nobody calls. `files` are those in var/ that aren't logs and journals.

    `shells` are dead channels (Surrogate/...) that Asterisk keeps in its list, of which `channels` has none. Each has one of its files.
    """

    channels: int
    shells: int
    bridges: int
    taskprocessors: int
    taskprocessor_backlog: int
    contacts: int
    asterisk_files: int
    asterisk_threads: int
    daemon_files: int
    daemon_threads: int
    daemon_tasks: int
    agi_sessions: int
    calls: int
    waiting: int
    callbacks: int
    agents_not_free: int
    journal_backlog: int
    files: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memory in MB and what went on, `seconds` after the first call. `_mb` is what this process alone has written to, `_pss_mb` the
    proportional share.
    """

    seconds: float
    daemon_mb: float
    asterisk_mb: float
    daemon_pss_mb: float
    asterisk_pss_mb: float
    calls: int
    waiting: int
    tasks: int
    sessions: int
    backlog: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What the journal says of the whole soak. `unfinished` are counts that must be 0; `ringing`: for how many seconds a caller was kept
    ringing at most.
    """

    facts: int
    unfinished: Mapping[str, int]
    alarms: Mapping[str, int]
    happened: Mapping[str, int]
    callbacks: Mapping[str, int]
    ringing: float


def left_over(before: Snapshot, after: Snapshot, calls: int) -> list[str]:
    """What is there after so many calls that was not there before, in words."""
    found = []
    shells = after.shells - before.shells
    may_grow = MAY_GROW | {"shells": calls // CALLS_A_SHELL, "asterisk_files": max(0, shells)}
    for field in fields(Snapshot):
        was, now = getattr(before, field.name), getattr(after, field.name)
        words = field.name.replace("_", " ")
        if isinstance(now, frozenset):
            found += [f"{words}: {name} is left over" for name in sorted(now - was)]
        elif now > was + may_grow.get(field.name, 0):
            found.append(f"{words}: {was} before, {now} after")
    return found


@dataclass(frozen=True, slots=True)
class Growth:
    """One process's private memory in MB, when the warm-up was over and at the end of the calls: medians of some looks."""

    process: str
    warm: float
    end: float

    @property
    def part(self) -> float:
        """By which part it grew."""
        return self.end / self.warm - 1.0


def growth(samples: Sequence[Memory], seconds: float) -> list[Growth]:
    """How memory grew in `seconds` of calls. Raises ValueError when it was not looked at around the times that count."""
    warmed_up = max(WARM * seconds, WARM_SECONDS)
    warm = [one for one in samples if abs(one.seconds - warmed_up) <= 0.03 * seconds]
    end = [one for one in samples if 0.95 * seconds <= one.seconds <= seconds]
    if not warm or not end:
        raise ValueError("memory was not looked at when the warm-up was over, or not at the end")
    return [
        Growth("daemon", median(one.daemon_mb for one in warm), median(one.daemon_mb for one in end)),
        Growth("Asterisk", median(one.asterisk_mb for one in warm), median(one.asterisk_mb for one in end)),
    ]


def too_much(found: Iterable[Growth], seconds: float) -> list[str]:
    """Which processes grew more than they may in `seconds` of calls, in words."""
    short = seconds < SHORT
    return [
        f"memory of {one.process}: {one.warm:.1f} MB after the warm-up, {one.end:.1f} MB at the end ({one.part:+.1%})"
        for one in found
        if one.part > (FILLING if short and one.process == "Asterisk" else GROWTH)
    ]


def unfinished(journal: Journal) -> list[str]:
    """What the journal says that it must not, in words."""
    found = [f"{name}: {count} in the journal" for name, count in journal.unfinished.items() if count]
    if journal.ringing > LONGEST_RINGING:
        found.append(f"kept ringing: a caller for {journal.ringing:.1f} s")
    return found + [f"alarm: {kind} ({n})" for kind, n in journal.alarms.items() if kind not in EXPECTED_ALARMS]


def callbacks_wrong(customers: Iterable[Line], journal: Journal) -> list[str]:
    """What customers' phones and the journal don't agree on, in words: each attempt rings once."""
    rang = sum(line.event == "rang" for line in customers)
    dialled = journal.happened.get("CallbackDialled", 0)
    if rang == dialled:
        return []
    return [f"callbacks: {dialled} attempts in the journal, {rang} calls at the customers' phones"]
