"""What the SIP side saw beside what the journal says, call by call. Pure, and able to find that they differ.

Compared: the outcome, who hung up and where, which agent talked and for how long, the queue, every offer with its phone and
its end, and the order in which callers were connected. Each side is made from its own source alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callhandler.core.model import OfferEnd, Outcome
from callhandler.demo.heard import Hung, Ringing, SipCall
from callhandler.store.records import CallRecord, Leg

TOLERANCE = 1.0
"""Seconds by which two clocks' views of the same moment may differ."""
FALLBACK_AFTER = 4.0
"""Seconds in a menu after which the system may have sent a silent caller on by itself: from SIP alone, nobody can tell."""
HUNG_UP = {"agent hung up": Hung.AGENT, "caller hung up": Hung.CALLER}


@dataclass(frozen=True, slots=True)
class Offered:
    """One offer: the phone, and how it ended."""

    phone: str
    end: str


@dataclass(frozen=True, slots=True)
class Side:
    """One side's story of a call. `outcomes` are those that fit what was seen: the journal's has exactly one.

    `queue` is None when no queue was reached, "" when that can't be told; `where` is "menu", "line" or "talk"; `at` is when
    the conversation began, in seconds since the epoch.
    """

    outcomes: tuple[Outcome, ...]
    where: str
    queue: str | None
    agent: str | None
    hung_up_by: Hung | None
    talked: float
    offers: tuple[Offered, ...]
    at: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One call from both sides; `id` is the journal's, the caller's number when the journal has none."""

    id: str
    number: str
    sip: Side | None
    journal: Side | None
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether both sides tell the same."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Site:
    """What both sides' words are matched by: agents by phone, queues by the name shown, keys to queues, the short abandon."""

    agent_of: Mapping[str, str]
    queue_named: Mapping[str, str]
    reached: Mapping[str, str | None]
    short_abandon: float


def from_sip(call: SipCall, site: Site) -> Side:
    """The SIP side's story."""
    shown = next((site.queue_named.get(ring.queue_name, ring.queue_name) for ring in reversed(call.rings)), None)
    queue = shown or site.reached.get(call.number)
    offers = tuple(Offered(ring.phone, _offer_end(ring, call)) for ring in call.rings)
    where = "talk" if call.talk else "line" if queue else "menu"
    ended = call.ended or 0.0
    last = call.keys[-1][0] if call.keys else call.answered
    if call.answered is None or call.ended is None:
        outcomes: tuple[Outcome, ...] = (Outcome.FAILED,)
    elif call.talk is not None:
        outcomes = (Outcome.ANSWERED,)
    elif not call.by_caller:
        outcomes = (Outcome.TIMEOUT, Outcome.NOBODY, Outcome.FULL, Outcome.CLOSED)
    elif queue and call.keys and site.reached.get(call.number):
        outcomes = _abandoned(ended - call.keys[-1][0], site.short_abandon)
    elif queue:
        outcomes = (Outcome.ABANDONED, Outcome.ABANDONED_SHORT)
    elif last is not None and ended - last > FALLBACK_AFTER:
        outcomes, queue, where = (Outcome.LEFT_IN_MENU, Outcome.ABANDONED, Outcome.ABANDONED_SHORT), "", ""
    else:
        outcomes = (Outcome.LEFT_IN_MENU,)
    agent = site.agent_of.get(call.talk.phone) if call.talk else None
    began = call.talk.since if call.talk else None
    return Side(outcomes, where, queue, agent, call.hung_up_by, call.talked, offers, began)


def _abandoned(waited: float, short: float) -> tuple[Outcome, ...]:
    if abs(waited - short) <= TOLERANCE:
        return (Outcome.ABANDONED, Outcome.ABANDONED_SHORT)
    return (Outcome.ABANDONED_SHORT,) if waited < short else (Outcome.ABANDONED,)


def _offer_end(ring: Ringing, call: SipCall) -> str:
    """In the journal's words, as far as a phone can tell: why it was given up on, only the caller's own end tells."""
    match ring.ended:
        case "answered":
            return "answered" if call.talk is not None and call.talk.phone == ring.phone else "given up"
        case "refused":
            return "refused"
        case "given up" if call.by_caller and abs((call.ended or 0.0) - (ring.until or 0.0)) <= TOLERANCE:
            return OfferEnd.CALLER_LEFT.value
        case "given up":
            return OfferEnd.NO_ANSWER.value
    return "rings"


def from_journal(record: CallRecord) -> Side:
    """The journal's story."""
    talks = [leg for leg in record.legs if leg.connected is not None]
    last = talks[-1] if talks else None
    where = "talk" if last else "line" if record.visits else "menu"
    if last is not None:
        by = HUNG_UP.get(last.reason)
    else:
        caller = {Outcome.ABANDONED, Outcome.ABANDONED_SHORT, Outcome.LEFT_IN_MENU}
        by = Hung.CALLER if record.outcome in caller else Hung.SYSTEM
    return Side(
        outcomes=(record.outcome,) if record.outcome is not None else (),
        where=where,
        queue=record.queue,
        agent=record.agent,
        hung_up_by=by,
        talked=record.talked,
        offers=tuple(Offered(leg.phone, _leg_end(leg)) for leg in sorted(record.legs, key=lambda leg: leg.offered)),
        at=last.connected if last else None,
    )


def _leg_end(leg: Leg) -> str:
    if leg.connected is not None:
        return "answered"
    # A phone says 486 for both: whether its person was busy or pressed a key, SIP does not tell.
    if leg.failed in {OfferEnd.REFUSED, OfferEnd.BUSY}:
        return "refused"
    return leg.failed.value if leg.failed is not None else "rings"


def differences(sip: Side, journal: Side) -> list[str]:
    """Everything in which the two stories differ, in words."""
    found = []
    if len(journal.outcomes) != 1 or journal.outcomes[0] not in sip.outcomes:
        found.append(f"outcome: {_words(sip.outcomes)} by SIP, {_words(journal.outcomes)} in the journal")
    if sip.where and sip.where != journal.where:
        found.append(f"ended in the {sip.where} by SIP, in the {journal.where} in the journal")
    if sip.queue not in ("", journal.queue):
        found.append(f"queue: {sip.queue or 'none'} by SIP, {journal.queue or 'none'} in the journal")
    if sip.agent != journal.agent:
        found.append(f"agent: {sip.agent or 'none'} by SIP, {journal.agent or 'none'} in the journal")
    if sip.hung_up_by != journal.hung_up_by:
        found.append(f"hung up by {sip.hung_up_by or 'nobody'} by SIP, {journal.hung_up_by or 'nobody'} in the journal")
    if abs(sip.talked - journal.talked) > TOLERANCE:
        found.append(f"talk: {sip.talked:.1f} s by SIP, {journal.talked:.1f} s in the journal")
    if sip.offers != journal.offers:
        found.append(f"offers: {_rings(sip.offers)} by SIP, {_rings(journal.offers)} in the journal")
    return found


def compare(calls: Sequence[SipCall], records: Sequence[CallRecord], site: Site) -> list[Pair]:
    """Join both sides on the caller's number, in the order of arrival; a call that one side alone knows differs."""
    stories = {call.number: from_sip(call, site) for call in calls}
    kept: dict[str, list[CallRecord]] = {}
    for record in records:
        kept.setdefault(record.caller_number, []).append(record)
    late = _out_of_order(stories, kept)
    pairs = []
    for number in dict.fromkeys([*stories, *kept]):
        sip, found = stories.get(number), kept.get(number, [])
        told = from_journal(found[0]) if found else None
        wrong = differences(sip, told) if sip is not None and told is not None else ["known to one side only"]
        if len(found) > 1:
            wrong.append(f"{len(found)} calls in the journal")
        if number in late:
            wrong.append("connected in another order")
        pairs.append(Pair(found[0].id if found else number, number, sip, told, tuple(wrong)))
    return pairs


def _out_of_order(stories: Mapping[str, Side], kept: Mapping[str, Sequence[CallRecord]]) -> set[str]:
    """Numbers that one side has connected before, the other after another caller of the same queue.

    Two within a tenth of a second of each other may stand either way: the sides look at different ends of a wire.
    """
    both = [
        (sip.queue, sip.at, told.at, number)
        for number, sip in stories.items()
        if sip.at is not None and number in kept and (told := from_journal(kept[number][0])).at is not None
    ]
    late = set()
    for queue, sip_at, told_at, number in both:
        for other_queue, other_sip, other_told, other in both:
            if queue != other_queue or told_at is None or other_told is None:
                continue
            if sip_at - other_sip > 0.1 and other_told > told_at:
                late |= {number, other}
    return late


def _words(outcomes: Sequence[Outcome]) -> str:
    return " or ".join(outcomes) if outcomes else "none"


def _rings(offers: Sequence[Offered]) -> str:
    return ", ".join(f"{offer.phone} {offer.end}" for offer in offers) or "none"
