"""Each call of a soak as SIP saw it beside the journal: exactly one of each, and the same story. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.soak.mix import PATIENT, Caller, Kind
from callhandler.core.model import OfferEnd, Outcome
from callhandler.demo.comparing import Offered, Side, Site, differences, from_journal, from_sip
from callhandler.demo.heard import SipCall, sip_calls
from callhandler.demo.sipp import Line
from callhandler.store.records import CallRecord

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
    if (
        call.by_caller
        and call.answered is not None
        and call.keys
        and not call.rings
        and told.outcomes == (Outcome.LEFT_IN_MENU,)
    ) and call.keys[-1][0] - call.answered <= CROSSED:
        return []  # pressed a key before the menu began, which nobody heard, and left
    if sip.outcomes in _GAVE_UP and told.outcomes in _GAVE_UP:
        waited = (call.ended or 0.0) - call.keys[-1][0] if call.keys else 0.0
        told = replace(told, outcomes=sip.outcomes) if abs(waited - short_abandon) <= STILL else told
    if abs(sip.talked - told.talked) <= STILL:
        told = replace(told, talked=sip.talked)
    return differences(replace(sip, offers=_given_up(sip)), replace(told, offers=_given_up(told)))


def _given_up(side: Side) -> tuple[Offered, ...]:
    """The offers; of a phone that was given up on, that and not why."""
    return tuple(replace(one, end="given up") if one.end in _GIVEN_UP else one for one in side.offers)


def failed(found: Iterable[Verdict]) -> list[Verdict]:
    """The calls that something is wrong with."""
    return [one for one in found if one.wrong]


def outcomes(found: Iterable[Verdict]) -> Counter[str]:
    """How many calls came to what."""
    return Counter(str(one.outcome) for one in found)
