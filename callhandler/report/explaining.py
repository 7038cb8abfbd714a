"""What `callhandler explain` shows: each routing decision with its candidates."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from callhandler.core.plain import printable
from callhandler.core.views import CandidateView, DecisionView
from callhandler.report.words import moment, span


def decisions_report(views: Sequence[DecisionView], zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield the report part by part."""
    if not views:
        yield Text("no routing decision was made for this call: it never waited for an agent")
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
