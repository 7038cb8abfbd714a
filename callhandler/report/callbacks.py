"""What `callbacks` shows: Rich tables of open and past callbacks. Knows no daemon."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from rich import box
from rich.table import Table
from rich.text import Text

from callhandler.core.model import CallbackState
from callhandler.core.plain import printable
from callhandler.core.promises import PromiseFigures
from callhandler.core.views import CallbackView
from callhandler.report.words import caller, clock_or_day, moment, span
from callhandler.store.callback_figures import CallbackFigures
from callhandler.store.callbacks import CallbackRecord

_ATTEMPT = (CallbackState.DIALLED, CallbackState.HERE, CallbackState.TALKING)
"""States in which an attempt is under way, which a view counts only when it failed."""
_COLOURS = {"done": "green", "failed": "red", "expired": "red", "cancelled": "dim"}


def callbacks_table(views: Iterable[CallbackView], zone: ZoneInfo, now: float) -> Table:
    """Return the callbacks that are open; times of another day than now's with their date."""
    table = _table(
        "call", "state", "customer", "queue", "place", "waiting since", "not before", "promised by", "attempts", "agent"
    )
    for view in views:
        under_way = view.state in _ATTEMPT
        failure = f", {view.last_failure}" if view.last_failure and not under_way else ""
        table.add_row(
            _text(view.id),
            _text(view.state),
            _text(caller(view.number, view.caller_name) + ("" if view.confirmed else " (not confirmed)")),
            _text(view.queue),
            _text(view.position),
            moment(view.entered, zone),
            clock_or_day(view.due, zone, now),
            clock_or_day(view.promise, zone, now),
            _text(f"{view.attempts + under_way} of {view.most}{failure}"),
            _text(view.agent),
        )
    if not table.row_count:
        table.add_row(Text("no open callbacks", "dim"))
    return table


def callback_details(record: CallbackRecord, zone: ZoneInfo) -> tuple[Table, ...]:
    """Return one callback in full, out of the journal."""
    head = Table(box=None, show_header=False, pad_edge=False)
    head.add_column(style="dim")
    head.add_column()
    promise = {True: ", kept", False: ", broken", None: ""}[record.kept]
    for name, value in (
        ("callback", record.call),
        ("customer", caller(record.number, record.caller_name) + ("" if record.confirmed else " (not confirmed)")),
        ("queue", record.queue),
        ("asked for", f"{moment(record.requested, zone)} by {record.by}"),
        ("place of", moment(record.entered, zone)),
        ("not before", moment(record.due, zone)),
        ("promised by", moment(record.promise, zone) + promise),
        ("result", "open" if record.result is None else f"{record.result}: {record.reason}"),
        ("ended", moment(record.ended, zone)),
        ("agent", record.agent or ""),
        ("talked", span(record.talked) if record.connected is not None else ""),
        ("response", span(record.response)),
        ("saved", span(record.saved)),
    ):
        if value:
            head.add_row(name, _text(value))
    attempts = _table("attempt", "dialled", "agent", "came to")
    for number, attempt in enumerate(record.attempts, 1):
        attempts.add_row(
            str(number), moment(attempt.at, zone), _text(attempt.agent), _text(attempt.result or "under way")
        )
    return (head, attempts) if record.attempts else (head,)


def records_table(records: Iterable[CallbackRecord], zone: ZoneInfo) -> Table:
    """Return callbacks out of the journal."""
    table = _table("call", "asked for", "customer", "queue", "attempts", "agent", "response", "saved", "result")
    for one in records:
        result = one.result or "open"
        table.add_row(
            _text(one.call),
            moment(one.requested, zone),
            _text(caller(one.number, one.caller_name)),
            _text(one.queue),
            str(len(one.attempts)),
            _text(one.agent),
            span(one.response),
            span(one.saved),
            Text(result, _COLOURS.get(result, "yellow")),
        )
    if not table.row_count:
        table.add_row(Text("no callbacks", "dim"))
    return table


def figures_table(figures: Iterable[CallbackFigures]) -> Table | Text:
    """Return what callbacks came to, a column for each queue."""
    found = list(figures)
    if not found:
        return Text("no callbacks", "dim")
    table = _table("", *(printable(one.queue) for one in found))
    columns = [_column(one) for one in found]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _column(one: CallbackFigures) -> dict[str, str]:
    return {
        "asked for": str(one.asked),
        "by callers": str(one.by_caller),
        "of those in line": f"{one.instead} of {one.entered} ({one.instead / one.entered:.0%})" if one.entered else "",
        "talked": str(one.talked),
        "failed, expired": f"{one.failed}, {one.expired}",
        "cancelled, not needed": f"{one.cancelled}, {one.not_needed}",
        "open": str(one.open),
        "success": "" if one.success is None else f"{one.success:.0%}",
        "attempts": "" if one.attempts is None else f"{one.attempts:.1f}",
        "response p50, p90": f"{span(one.median_response)}, {span(one.p90_response)}".strip(", "),
        "saved": span(one.saved),
    }


def promises_table(figures: Iterable[PromiseFigures]) -> Table:
    """Return how well promises were kept, day by day."""
    table = _table("day", "promised", "kept", "broken", "to come", "not needed", "of those kept", "longest delay")
    for one in figures:
        style = "red" if one.broken else ""
        share = "" if one.share is None else f"{one.share:.0%}"
        counts = (one.made, one.kept, one.broken, one.open, one.not_needed)
        late = span(one.latest) if one.latest else ""
        table.add_row(one.day, *(str(count) for count in counts), share, late, style=style)
    if not table.row_count:
        table.add_row(Text("no times promised", "dim"))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _text(value: object) -> Text:
    return Text("" if value is None else printable(str(value)))
