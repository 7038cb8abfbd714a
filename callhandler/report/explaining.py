"""What `callhandler explain` shows: how long it rang before it was answered, each routing decision with its candidates, until when a
callback is offered to nobody, and why a line sent the call on.
"""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from callhandler.core import events as e
from callhandler.core.model import RingEnd
from callhandler.core.plain import printable
from callhandler.core.views import CandidateView, DecisionView
from callhandler.report.sentences import of_callback
from callhandler.report.words import LACKING, moment, ring, span

_RING_ENDS = {
    RingEnd.LET_IN: "then it was let in, and answered",
    RingEnd.LONGEST: "callers ring no longer than that, and it was answered",
    RingEnd.CALLER_LEFT: "the caller hung up before it was let in",
    RingEnd.WITHDRAWN: "it was hung up before it was let in",
    RingEnd.LOST: "its end was not seen, and was that much later at the most",
}


def ringing_report(facts: Iterable[e.Fact], zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield what a call's facts say of its being kept ringing; nothing where it wasn't."""
    since: float | None = None
    late: bool | None = None
    for fact in facts:
        match fact:
            case e.CallKeptRinging():
                since, late = fact.at, fact.late
            case e.CallRang():
                yield _rang(fact.at - fact.rang, late, f"rang for {ring(fact.rang)}: {_RING_ENDS[fact.reason]}", zone)
                since = None
    if since is not None:
        yield _rang(since, late, "rings since then, and isn't answered yet", zone)


def _rang(at: float, late: bool | None, what: str, zone: ZoneInfo) -> Text:
    return _told(at, f"the machine had {LACKING[late]} left for it; it {what}\n", zone)


def put_off_report(facts: Iterable[e.Fact], zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield each time at which a callback was put off: until then it is offered to nobody."""
    for fact in facts:
        if isinstance(fact, e.CallbackRescheduled) and fact.due > fact.at:
            waits = printable(of_callback(fact, zone) or "")
            yield _told(fact.at, f"{waits}; until then it is offered to nobody\n", zone)


def leaving_report(facts: Iterable[e.Fact], zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield why a line sent the call on, or didn't let it in."""
    for fact in facts:
        if isinstance(fact, e.CallLeftLine):
            yield _told(fact.at, f"left queue {fact.queue}: {printable(fact.reason)}", zone)


def _told(at: float, what: str, zone: ZoneInfo) -> Text:
    text = Text(moment(at, zone), "bold")
    text.append(f"  {what}", "not bold")
    return text


def decisions_report(views: Sequence[DecisionView], zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield the report part by part."""
    if not views:
        yield Text("no routing decision was made for this call: no agent was looked for")
    for view in views:
        head = Text()
        head.append(moment(view.at, zone), "bold")
        wants = printable(view.wants) or "anyone"
        head.append(
            f"  queue {view.queue}, step {view.step + 1}, wants {wants}, {view.strategy}, waited {span(view.waited)}"
        )
        if view.kept_for is not None:
            head.append(f", kept for {view.kept_for}")
        yield head
        yield _candidates(view.candidates, frozenset(view.chosen))
        yield _conclusion(view)
        yield Text()


def _candidates(candidates: Iterable[CandidateView], chosen: frozenset[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("rank", "agent", "name", "levels", "idle", "calls", "why not"):
        table.add_column(name, overflow="fold")
    for one in candidates:
        style = "bold green" if one.agent in chosen else "dim" if one.verdict else ""
        table.add_row(
            "" if one.rank is None else str(one.rank),
            Text(one.agent),
            Text(printable(one.name)),
            Text(" ".join(f"{skill}={level}" for skill, level in one.levels.items())),
            span(one.idle),
            str(one.calls),
            Text(printable(one.verdict)),
            style=style,
        )
    return table


def _conclusion(view: DecisionView) -> Text:
    text = Text("offered to " + ", ".join(view.chosen) if view.chosen else "offered to nobody yet", "bold")
    if view.left_out:
        text.append(f"; {view.left_out} more agents are not shown", "not bold")
    if view.same:
        text.append("; made again from its inputs it comes out the same", "not bold green")
    else:
        again = ", ".join(view.replayed) or "nobody"
        text.append(f"; made again from its inputs it comes out differently: {again}", "bold red")
    return text
