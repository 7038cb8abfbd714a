"""What the SIP side saw of each call, from the callers' and the phones' own logs alone. Pure.

A caller's SIPp knows when it dialled, was answered, pressed keys and hung up or was hung up on. A phone's SIPp knows whose
number and which queue's name its display showed, when it answered, refused or was given up on, and who hung up. Both know
the caller's number, and nothing of callhandler's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from callhandler.demo.sipp import Line


class Hung(StrEnum):
    """Who ended a call."""

    CALLER = "caller"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Ringing:
    """One offer as a phone saw it. `ended` is "answered", "refused" or "given up"; None while it rings."""

    phone: str
    display: str
    at: float
    ended: str | None = None
    until: float | None = None

    @property
    def queue_name(self) -> str:
        """The queue's name on the display, before the colon."""
        return self.display.strip().strip('"').partition(":")[0]


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as the phone saw it. `until` is None while it lasts."""

    phone: str
    since: float
    until: float | None = None
    by_phone: bool = False


@dataclass(frozen=True, slots=True)
class SipCall:
    """One call as the SIP side saw it. Times since the epoch; None for what did not happen."""

    number: str
    dialled: str
    invited: float
    answered: float | None = None
    keys: tuple[tuple[float, str], ...] = ()
    ended: float | None = None
    by_caller: bool = False
    rings: tuple[Ringing, ...] = ()
    talk: Talk | None = None

    @property
    def hung_up_by(self) -> Hung | None:
        """Who ended the call; None while it lasts."""
        if self.ended is None:
            return None
        if self.by_caller:
            return Hung.CALLER
        return Hung.AGENT if self.talk is not None and self.talk.by_phone else Hung.SYSTEM

    @property
    def talked(self) -> float:
        """Seconds of conversation."""
        if self.talk is None or self.talk.until is None:
            return 0.0
        return self.talk.until - self.talk.since


def sip_calls(callers: Iterable[Line], phones: Mapping[str, Iterable[Line]]) -> list[SipCall]:
    """All calls, in the order in which they were dialled. `phones` are the lines of each phone, by its user."""
    calls: dict[str, SipCall] = {}
    for line in callers:
        call = calls.get(line.number)
        if line.event == "invite":
            calls[line.number] = SipCall(line.number, line.rest, line.at)
        elif call is not None:
            calls[line.number] = _caller_did(call, line)
    offers = [(line.at, phone, line) for phone, lines in phones.items() for line in lines]
    for _, phone, line in sorted(offers, key=lambda one: one[0]):
        if (call := calls.get(line.number)) is not None:
            calls[line.number] = _phone_did(call, phone, line)
    return sorted(calls.values(), key=lambda call: call.invited)


def _caller_did(call: SipCall, line: Line) -> SipCall:
    match line.event:
        case "answered":
            return replace(call, answered=line.at)
        case "key":
            return replace(call, keys=(*call.keys, (line.at, line.rest)))
        case "bye-sent" | "bye-received":
            # A BYE that crossed ours changes nothing: the first counts.
            return call if call.ended else replace(call, ended=line.at, by_caller=line.event == "bye-sent")
    return call


def _phone_did(call: SipCall, phone: str, line: Line) -> SipCall:
    match line.event:
        case "rang":
            return replace(call, rings=(*call.rings, Ringing(phone, line.rest, line.at)))
        case "answered":
            return _ended(call, phone, "answered", line.at)
        case "refused":
            return _ended(call, phone, "refused", line.at)
        case "cancelled":
            return _ended(call, phone, "given up", line.at)
        case "talking":
            return replace(call, talk=Talk(phone, line.at))
        case "bye-sent" | "bye-received":
            if call.talk is not None and call.talk.phone == phone and call.talk.until is None:
                return replace(call, talk=replace(call.talk, until=line.at, by_phone=line.event == "bye-sent"))
    return call


def _ended(call: SipCall, phone: str, how: str, at: float) -> SipCall:
    rings = list(call.rings)
    for index in reversed(range(len(rings))):
        if rings[index].phone == phone and rings[index].ended is None:
            rings[index] = replace(rings[index], ended=how, until=at)
            break
    return replace(call, rings=tuple(rings))
