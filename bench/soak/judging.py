"""The judgement on a soak: what was there before and after, how memory went, and each call as SIP saw it beside the journal. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import median

from bench.soak.mix import PATIENT, Caller, Kind
from callhandler.core.model import OfferEnd, Outcome
from callhandler.demo.comparing import Offered, Side, Site, differences, from_journal, from_sip
from callhandler.demo.heard import SipCall, sip_calls
from callhandler.demo.sipp import Line
from callhandler.store.records import CallRecord

GROWTH = 0.05
"""The part by which memory may have grown since the warm-up was over."""
WARM, WARM_SECONDS = 0.1, 360.0
"""The part of a soak that is warm-up, and the least: by then the journal's page cache (16 MB) is full and most callers have called once."""
MAY_GROW = {"daemon_threads": 6, "asterisk_threads": 2}
"""Threads of pools: Python's own makes six on two cores when they are first needed, and keeps them; Asterisk's come and go."""
CALLS_A_SHELL = 500
"""Calls among which one may leave a dead channel in Asterisk's list: a fault of Asterisk's (docs/limits.md), which is counted."""
EXPECTED_ALARMS = frozenset({"misses"})
"""Agents of the mix let phones ring; nothing else may be wrong."""
CALLBACK_SHOWN = "Callback"
CROSSED = 2.0
"""Seconds within which a caller's hanging up and an agent's answer can pass each other."""
STILL = 5.0
"""Seconds by which the lengths of talks and waits may differ: the machine has others to serve."""
_GIVEN_UP = frozenset({OfferEnd.NO_ANSWER, OfferEnd.CALLER_LEFT, OfferEnd.AGENT_LEFT})
_GAVE_UP = ((Outcome.ABANDONED,), (Outcome.ABANDONED_SHORT,))
_GOOD = frozenset(
    {Outcome.ANSWERED, Outcome.ABANDONED, Outcome.ABANDONED_SHORT, Outcome.LEFT_IN_MENU, Outcome.CALLBACK}
)
"""What a call of the mix may come to."""


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
    """Memory in MB (what no other process shares; and the proportional share), and what went on, `seconds` after the first call."""

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
    """What the journal says of the whole soak. `unfinished` are counts that must be 0."""

    facts: int
    unfinished: Mapping[str, int]
    alarms: Mapping[str, int]
    happened: Mapping[str, int]
    callbacks: Mapping[str, int]


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


def too_much(found: Iterable[Growth]) -> list[str]:
    """Which processes grew more than they may, in words."""
    return [
        f"memory of {one.process}: {one.warm:.1f} MB after the warm-up, {one.end:.1f} MB at the end ({one.part:+.1%})"
        for one in found
        if one.part > GROWTH
    ]


def unfinished(journal: Journal) -> list[str]:
    """What the journal says that it must not, in words."""
    found = [f"{name}: {count} in the journal" for name, count in journal.unfinished.items() if count]
    return found + [f"alarm: {kind} ({n})" for kind, n in journal.alarms.items() if kind not in EXPECTED_ALARMS]


# --- calls ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """One call: who called, what kind of call it was to be, what the journal says came of it, and what is wrong."""

    number: str
    kind: Kind | None
    outcome: Outcome | None
    wrong: tuple[str, ...]


def verdicts(
    callers: Sequence[Caller], called: Iterable[Line], phones: Iterable[Line], records: Iterable[CallRecord], site: Site
) -> list[Verdict]:
    """Judge each call. `records` come in the order of arrival; whoever calls several times is told apart by the order.

    `site.reached` tells the queue that keys lead to, by the keys.
    """
    wanted: dict[str, list[Caller]] = {}
    for caller in callers:
        wanted.setdefault(caller.number, []).append(caller)
    kept: dict[str, list[CallRecord]] = {}
    for record in records:
        kept.setdefault(record.caller_number, []).append(record)
    seen = {call.number: call for call in _told_apart(called, phones)}
    found = []
    for number, calls in wanted.items():
        told = kept.pop(number, [])
        for index, caller in enumerate(calls):
            mine = told[index] if index < len(told) else None
            found.append(_verdict(caller, seen.get(_visit(number, index)), mine, site))
        found += [Verdict(number, None, one.outcome, ("once more in the journal",)) for one in told[len(calls) :]]
    strangers = [one for told in kept.values() for one in told]
    return found + [Verdict(one.caller_number, None, one.outcome, ("known to the journal alone",)) for one in strangers]


def _told_apart(called: Iterable[Line], phones: Iterable[Line]) -> list[SipCall]:
    """The calls as SIP saw them, each under its number and its place among that number's calls. Callbacks are left out."""
    times: dict[str, list[float]] = {}
    lines = []
    for line in called:
        if line.event == "invite":
            times.setdefault(line.number, []).append(line.at)
        lines.append(replace(line, number=_visit(line.number, len(times.get(line.number, ())) - 1)))
    rung: dict[str, list[Line]] = {}
    for line in phones:
        phone, _, display = line.rest.partition(" ")
        if CALLBACK_SHOWN not in display:
            index = bisect_right(times.get(line.number, []), line.at) - 1
            rung.setdefault(phone, []).append(replace(line, number=_visit(line.number, index), rest=display))
    return sip_calls(lines, rung)


def _visit(number: str, index: int) -> str:
    return f"{number}#{index}"


def _verdict(caller: Caller, sip: SipCall | None, record: CallRecord | None, site: Site) -> Verdict:
    if sip is None or sip.answered is None:
        return Verdict(caller.number, caller.kind, record.outcome if record else None, ("never answered",))
    if record is None:
        return Verdict(caller.number, caller.kind, None, ("not in the journal",))
    wrong = [] if record.ended is not None else ["has no end in the journal"]
    if record.outcome not in _GOOD:
        wrong.append(f"came to {record.outcome}")
    if caller.kind in PATIENT and sip.talk is None:
        wrong.append("waited for somebody and talked with nobody")
    if (
        record.outcome is Outcome.CALLBACK
    ):  # its record goes on with what came of the callback, which phones and customers tell
        if caller.kind is not Kind.CALLBACK or sip.talk is not None:
            wrong.append("is called back without having asked for it")
    else:
        keys = "".join(key for _, key in sip.keys)
        reached = replace(site, reached={sip.number: site.reached.get(keys)})
        wrong += _disagreements(sip, from_sip(sip, reached), from_journal(record), site.short_abandon)
    return Verdict(caller.number, caller.kind, record.outcome, tuple(wrong))


def _disagreements(call: SipCall, sip: Side, told: Side, short_abandon: float) -> list[str]:
    """In what the two stories differ, but for what each side sees from its own end of a wire when the machine stands still."""
    if call.talk is not None and call.by_caller and told.outcomes in _GAVE_UP and sip.talked <= CROSSED:
        return []  # hung up as the phone was answered
    if call.talk is not None and call.talk.by_phone and call.by_caller:
        told = replace(told, hung_up_by=sip.hung_up_by)  # both hung up
    if sip.outcomes in _GAVE_UP and told.outcomes in _GAVE_UP:
        waited = (call.ended or 0.0) - call.keys[-1][0] if call.keys else 0.0
        told = replace(told, outcomes=sip.outcomes) if abs(waited - short_abandon) <= STILL else told
    if abs(sip.talked - told.talked) <= STILL:
        told = replace(told, talked=sip.talked)
    return differences(replace(sip, offers=_given_up(sip)), replace(told, offers=_given_up(told)))


def _given_up(side: Side) -> tuple[Offered, ...]:
    """The offers; of a phone that was given up on, that and not why."""
    return tuple(replace(one, end="given up") if one.end in _GIVEN_UP else one for one in side.offers)


def callbacks_wrong(customers: Iterable[Line], journal: Journal) -> list[str]:
    """What customers' phones and the journal don't agree on, in words: each attempt rings once."""
    rang = sum(line.event == "rang" for line in customers)
    dialled = journal.happened.get("CallbackDialled", 0)
    return (
        []
        if rang == dialled
        else [f"callbacks: {dialled} attempts in the journal, {rang} calls at the customers' phones"]
    )


def failed(found: Iterable[Verdict]) -> list[Verdict]:
    """The calls that something is wrong with."""
    return [one for one in found if one.wrong]


def outcomes(found: Iterable[Verdict]) -> Counter[str]:
    """How many calls came to what."""
    return Counter(str(one.outcome) for one in found)
