"""What `inbox` shows: a Rich table of items. Knows no daemon."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from rich import box
from rich.table import Table
from rich.text import Text

from callhandler.core.plain import printable
from callhandler.core.views import ItemView
from callhandler.report.words import moment


def inbox_table(views: Iterable[ItemView], zone: ZoneInfo) -> Table:
    """Return what there is to see to."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("call", "what", "number", "times", "last", "queue", "state", "by", "about", "message"):
        table.add_column(name, overflow="fold", no_wrap=name in {"call", "what", "number"})
    for view in views:
        table.add_row(
            *(_text(value) for value in (view.calls[-1] if view.calls else "", view.kind, view.number or "withheld")),
            str(len(view.calls)),
            moment(view.last, zone),
            *(_text(value) for value in (view.queue, view.state, view.by, view.reason, " ".join(view.files))),
        )
    if table.row_count:
        return table
    empty = Table(box=None, show_header=False, pad_edge=False)
    empty.add_row("nothing to see to")
    return empty


def _text(value: str) -> Text:
    return Text(printable(value))
