"""Each fact as a sentence, for the live log. A fact without a sentence here is not shown to people."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from callhandler.core import events as e
from callhandler.core.plain import printable
from callhandler.report.words import LACKING, caller, clock, clock_or_day, handset, ring, span

_WIDTH = 24
_SAYS_NOTHING = ("", "Unknown")
"""Reasons of an end that add nothing to its outcome: Asterisk's word for the cause 0 of a channel that we hung up ourselves."""
_HANDSET_SAYS_NOTHING = ("dialled", "done")
"""How far a feature code came where other lines say so: the call, and what the agent is since."""


class Telling:
    """Facts as lines, one after the other. Waits are counted from when somebody last began to wait, as `calls` does: a fact counts from the
    time of the place in line, which is kept through talks and hang-ups."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Take the site's time zone."""
        self._zone = zone
        self._since: dict[str, float] = {}

    def line(self, fact: e.Fact) -> str | None:
        """Return the line of the next fact, in the order of the journal; None for what people don't read."""
        match fact:
            case e.CallEntered() | e.CallbackAccepted():
                self._since.setdefault(fact.call, fact.at)
            case e.CallConnected() | e.CallAbandoned() | e.CallLeftLine():
                if (since := self._since.pop(fact.call, None)) is not None:
                    fact = replace(fact, waited=max(0.0, fact.at - since))
            case e.CallbackRequested() | e.CallEnded() | e.CallbackAttemptEnded() | e.CallbackEnded():
                self._since.pop(fact.call, None)
        return line_of(fact, self._zone)


def line_of(fact: e.Fact, zone: ZoneInfo) -> str | None:
    """Return a line such as `12:03:04  pbx1-1795286814.0  offered to agent 7001 at phone 101`; None for what people don't read."""
    sentence = of_call(fact) or of_callback(fact, zone) or of_item(fact) or of_agent(fact) or of_house(fact)
    if sentence is None:
        return None
    columns = e.columns_of(fact)
    agent = columns["agent"]
    subject = columns["call"] or (f"agent {agent}" if agent else "")
    return f"{clock(fact.at, zone)}  {printable(subject):<{_WIDTH}}  {printable(sentence)}"


def of_call(fact: e.Fact) -> str | None:
    """Return what a fact says of a call."""
    match fact:
        case e.CallArrived():
            return f"{caller(fact.caller_number, fact.caller_name)} calls {fact.number} by way of {fact.source}"
        case e.CallKeptRinging():
            return f"rings: the machine has {LACKING[fact.late]} left for it"
        case e.CallRang():
            return f"rang for {ring(fact.rang)}: {fact.reason}"
        case e.CallerKnown():
            known = ", ".join(word for word in (fact.name, fact.tier, fact.language) if word)
            return f"the caller is known: {known or fact.preferred_agent or 'nothing more'}"
        case e.LookupFailed():
            return f"the caller lookup failed: {fact.reason}"
        case e.AttributeSet():
            return f"{fact.name} is {fact.value}"
        case e.MenuEntered():
            return f"hears menu {fact.menu}"
        case e.KeyPressed():
            return f"pressed {fact.key} in menu {fact.menu}: {fact.led_to or 'means nothing there'}"
        case e.MenuSilent():
            return f"pressed no key in menu {fact.menu}"
        case e.CallClosed():
            return f"is told that it is closed: {fact.reason}"
        case e.CallEntered():
            kept = f", place kept from {span(older)} ago" if (older := fact.at - fact.entered) >= 1.0 else ""
            return f"waits in queue {fact.queue}{kept}" + (f", wants {fact.wants}" if fact.wants else "")
        case e.StepAdvanced():
            return f"queue {fact.queue} goes to step {fact.step + 1}: {fact.reason}"
        case e.CallMoved():
            return f"moved from queue {fact.from_queue} to {fact.queue} by {fact.by}"
        case e.CallPrioritised():
            return f"priority {fact.priority}, bonus {fact.bonus:g} s, by {fact.by}"
        case e.CallLeftLine():
            return f"leaves queue {fact.queue} after {span(fact.waited)}: {fact.outcome}, {fact.reason}"
        case e.CallAbandoned():
            return f"hung up after waiting {span(fact.waited)} in queue {fact.queue}"
        case e.CallEnded() if fact.reason != e.ADDED_BY_HAND:
            said = "" if fact.reason in _SAYS_NOTHING else fact.reason
            return f"ended: {fact.outcome}" + (f", {said}" if said else "")
        case e.CheckedIn():
            cut = f", cut by {fact.cut_by}" if fact.cut_by else ""
            return f"spoken to {fact.where} for {span(fact.at - fact.started)}: {fact.said}{cut}"
        case e.CheckInBreached():
            return f"SILENT {fact.where} for {fact.silent:.0f} s: {fact.reason}"
    return _of_leg(fact)


def _of_leg(fact: e.Fact) -> str | None:
    match fact:
        case e.AgentOffered():
            return f"offered to agent {fact.agent} at phone {fact.phone}"
        case e.OfferEnded() if fact.reason.is_blameless:
            return f"the offer to agent {fact.agent} is over: {fact.reason}"
        case e.OfferEnded():
            return f"agent {fact.agent} did not take it: {fact.reason}"
        case e.CallConnected():
            return f"talks with agent {fact.agent} after waiting {span(fact.waited)}"
        case e.CallHeld():
            return f"on hold by agent {fact.agent}"
        case e.CallResumed():
            return f"taken back from hold by agent {fact.agent}"
        case e.HoldReminded():
            return f"on hold for {span(fact.held)}: agent {fact.agent} is reminded"
        case e.HeldCallerReturned():
            return f"went back from hold by agent {fact.agent} to the head of queue {fact.queue}"
        case e.CallTransferred():
            return f"transferred to {fact.to} by agent {fact.agent}"
        case e.TalkEnded():
            return f"talked with agent {fact.agent} for {span(fact.talked)}: {fact.reason}".removesuffix(": ")
    return None


def of_callback(fact: e.Fact, zone: ZoneInfo) -> str | None:
    """Return what a fact says of a callback."""
    match fact:
        case e.CallbackRequested():
            begins = clock_or_day(fact.due, zone, fact.at)
            when = f", between {begins} and {clock(fact.promise, zone)}" if fact.due is not None else ""
            return f"is to be called back at {fact.number}{when}, asked for by {fact.by}"
        case e.CallbackAnnounced():
            return f"agent {fact.agent} is told whom to call back"
        case e.CallbackDialled():
            who = "before an agent is rung" if fact.agent is None else f"for agent {fact.agent}"
            return f"{fact.number} is dialled {who}, attempt {fact.attempt}"
        case e.CallbackAccepted():
            return f"{fact.number} answered and said yes"
        case e.CallbackAttemptEnded():
            return f"attempt {fact.attempt} to call back: {fact.reason}"
        case e.CallbackRescheduled():
            promised = "" if fact.promise is None else f", promised by {clock(fact.promise, zone)}"
            return f"callback waits until {clock_or_day(fact.due, zone, fact.at)}{promised}: {fact.reason}"
        case e.CallbackEnded():
            return f"callback {fact.result}: {fact.reason}".removesuffix(": ")
        case e.PromiseSettled():
            return "promise kept" if fact.kept else f"promise broken: {span(fact.late)} late"
    return None


def of_item(fact: e.Fact) -> str | None:
    """Return what a fact says of messages, of the inbox, of feature codes, and of calls that went outside."""
    match fact:
        case e.MessageLeft():
            return f"left a message of {span(fact.seconds)} for queue {fact.queue}: {fact.file}"
        case e.MessageMailed():
            return f"the message was mailed to {fact.to}"
        case e.ItemOpened() if fact.item != "message":
            return f"to see to: {fact.item}, {fact.reason}"
        case e.ItemClaimed():
            return f"{fact.by} sees to it"
        case e.ItemDone():
            return f"seen to by {fact.by}: {fact.reason}".removesuffix(": ")
        case e.HandsetUsed() if fact.reason not in _HANDSET_SAYS_NOTHING:
            return handset(fact.code, fact.agent, fact.reason)
        case e.OutsideDialled():
            return f"is connected with {fact.number} outside"
    return None


def of_agent(fact: e.Fact) -> str | None:
    """Return what a fact says of an agent or a phone."""
    match fact:
        case e.AgentLoggedIn():
            return f"logged in at phone {fact.phone} by {fact.by}"
        case e.AgentLoggedOut():
            return f"logged out by {fact.by}"
        case e.AgentPaused():
            return f"on break{f' ({fact.reason})' if fact.reason else ''} by {fact.by}"
        case e.AgentResumed():
            return f"available again by {fact.by}"
        case e.AgentNotAnswering():
            return f"missed {fact.misses} offers in a row and gets no more until available again"
        case e.PhoneReachable():
            return f"phone {fact.phone} is reachable"
        case e.PhoneUnreachable():
            return f"phone {fact.phone} is not reachable"
    return None


def of_house(fact: e.Fact) -> str | None:
    """Return what a fact says of the house itself."""
    match fact:
        case e.DaemonStarted():
            return f"the daemon is up: {fact.program}"
        case e.DaemonStopped():
            return f"the daemon stopped: {fact.reason}"
        case e.SiteLoaded():
            return f"site file {fact.digest[:8]} is in force: {fact.reason}"
        case e.GapBegan():
            return f"Asterisk is out of sight: {fact.reason}"
        case e.GapEnded():
            return f"Asterisk is in sight again after {span(fact.seconds)}: {fact.reason}"
        case e.AlarmRaised():
            return f"ALARM {fact.kind}: {fact.reason}"
        case e.EmergencyClosed():
            return f"EMERGENCY: closed to new calls by {fact.by}: {fact.reason}".removesuffix(": ")
        case e.EmergencyOpened():
            return f"open again by {fact.by}"
    return None
