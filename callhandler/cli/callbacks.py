"""`callhandler callbacks` and its verbs. Open ones are asked from the daemon, past ones read from the journal."""

import csv
import sys
import time
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from callhandler.cli.amounts import number, whole
from callhandler.cli.lazy import noun
from callhandler.cli.place import JsonOption, Place, SiteOption, find
from callhandler.cli.printing import out, out_json, out_line
from callhandler.control.client import Client
from callhandler.control.desk import NotHere
from callhandler.core.model import CallbackState
from callhandler.core.plain import printable, to_plain
from callhandler.core.views import CallbackView
from callhandler.errors import Refused

if TYPE_CHECKING:
    from callhandler.store.callbacks import CallbackRecord
    from callhandler.store.sources import Source

app = noun(
    "Callbacks: open ones, one in full; add, cancel, put off, call now; past ones as a table; figures; promises kept."
)
_LOOK = 0.3
"""Seconds between two looks at a callback that is followed."""
_TIME = "its next 15:30, or 'YYYY-MM-DD 15:30' of the next six days; of an hour that comes twice, the first"
CallArgument = Annotated[
    str, typer.Argument(metavar="CALL", help="The id of the call it was asked for in.", show_default=False)
]
DaysOption = Annotated[
    float, typer.Option("--days", parser=number(0.01, 3_660), metavar="N", help="Those asked for in the last N days.")
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help=f"Not before this time of the site's clock: {_TIME}.",
        show_default=False,
    ),
]


@app.command("list")
def list_(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """The callbacks that are open, in the order of the line."""
    place = find(site)
    _print(place, Client(place.socket).callbacks(), as_json)


@app.command()
def show(
    call: Annotated[
        str | None,
        typer.Argument(metavar="CALL", help="The call it was asked for in; all open ones without.", show_default=False),
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """One callback in full with its attempts, a past one too; without CALL the open ones."""
    place = find(site)
    if call is None:
        _print(place, Client(place.socket).callbacks(), as_json)
        return
    from callhandler.store.callbacks import callbacks_of  # noqa: PLC0415 - only history needs the journal
    from callhandler.store.sources import open_source  # noqa: PLC0415

    with open_source(place.database, place.directory) as source:
        records = callbacks_of(source, call)
    if not records:
        raise Refused(f"the journal knows no callback of call {call}")
    if as_json:
        out_json(records)
        return
    from callhandler.report.callbacks import callback_details  # noqa: PLC0415 - Rich is for people

    for record in records:
        out(*callback_details(record, place.zone))


@app.command()
def add(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue whose agents call.", show_default=False)],
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number to call.", show_default=False)],
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Who that is; shown to the agent.")] = "",
    at: AtOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have somebody called back, who takes the place of now."""
    place = find(site)
    due = None if at is None else due_at(at, place.zone, time.time())
    _print(place, (Client(place.socket).add_callback(queue, number, name, due),), as_json)


@app.command()
def cancel(
    call: CallArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What the journal says.")] = "",
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a callback that isn't wanted any more."""
    Client(find(site).socket).cancel_callback(call, reason)
    if as_json:
        out_json({"done": True})
    else:
        out(f"callback {call} is cancelled")


@app.command()
def reschedule(
    call: CallArgument,
    at: Annotated[
        str,
        typer.Argument(
            metavar="TIME", help=f"A time of the site's clock: {_TIME}. It is promised from now on.", show_default=False
        ),
    ],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a callback off until another time; it keeps its place."""
    place = find(site)
    due = due_at(at, place.zone, time.time())
    _print(place, (Client(place.socket).reschedule_callback(call, due),), as_json)


@app.command()
def run(
    call: CallArgument,
    follow: Annotated[bool, typer.Option("--follow", help="Show what happens until it is over or put off.")] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a callback wait for its turn from now on, whatever time it waits for; refused while calling hours or caps forbid it."""
    place = find(site)
    client = Client(place.socket)
    view = client.run_callback(call)
    if follow:
        _follow(place, client, view, as_json)
    else:
        _print(place, (view,), as_json)


@app.command()
def promises(
    days: Annotated[
        int,
        typer.Option(
            "--days",
            parser=whole(1, 3_660),
            metavar="N",
            help="Times of the last N days, today among them, and those to come.",
        ),
    ] = 14,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """How well the times said to customers were kept, day by day; works while the daemon is down."""
    from callhandler.store.callbacks import promises_since  # noqa: PLC0415 - only history needs the journal
    from callhandler.store.sources import open_source  # noqa: PLC0415

    place = find(site)
    now = datetime.now(place.zone)
    first = datetime.combine(now.date() - timedelta(days=days - 1), datetime.min.time(), place.zone)
    with open_source(place.database, place.directory) as source:
        figures = promises_since(source, first.timestamp(), place.zone, now.timestamp())
    if as_json:
        out_json(figures)
        return
    from callhandler.report.callbacks import promises_table  # noqa: PLC0415 - Rich is for people

    out(promises_table(figures))


@app.command()
def figures(days: DaysOption = 30.0, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """What callbacks came to, queue by queue: talked, failed, attempts, time until talking, time saved; works while the daemon is down."""
    from callhandler.store.callback_figures import callback_figures, entered_between  # noqa: PLC0415 - only history needs the journal
    from callhandler.store.sources import open_source  # noqa: PLC0415

    place, now = find(site), time.time()
    with open_source(place.database, place.directory) as source:
        entered = entered_between(source, now - days * 86_400.0, now + 1.0)
        found = callback_figures(_records(source, now - days * 86_400.0, now + 1.0), entered)
    if as_json:
        out_json(found)
        return
    from callhandler.report.callbacks import figures_table  # noqa: PLC0415 - Rich is for people

    out(figures_table(found))


@app.command()
def export(days: DaysOption = 30.0, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Callbacks out of the journal, open and past, as CSV; works while the daemon is down. On a terminal, shows how far it is."""
    from callhandler.store.sources import open_source  # noqa: PLC0415 - only history needs the journal

    place, now = find(site), time.time()
    with open_source(place.database, place.directory) as source:
        records = _records(source, now - days * 86_400.0, now + 1.0)
    if as_json:
        out_json(records)
    else:
        _write_csv(records)


def _records(source: "Source", start: float, end: float) -> "list[CallbackRecord]":
    """Read callbacks, showing people how far it is."""
    from rich.console import Console  # noqa: PLC0415 - Rich is for people
    from rich.progress import track  # noqa: PLC0415

    from callhandler.store.callbacks import asked_between, callbacks_of  # noqa: PLC0415 - only history needs the journal

    people = Console(stderr=True)
    calls = asked_between(source, start, end)
    read = track(calls, "reading", console=people, transient=True, disable=not people.is_terminal)
    return [record for call in read for record in callbacks_of(source, call)]


def _print(place: Place, views: tuple[CallbackView, ...], as_json: bool) -> None:
    if as_json:
        out_json(views)
        return
    from callhandler.report.callbacks import callbacks_table  # noqa: PLC0415 - Rich is for people

    out(callbacks_table(views, place.zone, time.time()))


def _follow(place: Place, client: Client, view: CallbackView, as_json: bool) -> None:
    """Show each state a callback comes to, until it is over or put off."""
    shown: CallbackView | None = None
    while True:
        if shown is None or (view.state, view.attempts) != (shown.state, shown.attempts):
            shown = view
            if as_json:
                out_line(view)
            else:
                attempts = (
                    f", attempt {view.attempts + 1} of {view.most}" if view.state is CallbackState.DIALLED else ""
                )
                agent = f", agent {view.agent}" if view.agent else ""
                typer.echo(f"{datetime.now(place.zone):%H:%M:%S}  {view.state}{agent}{attempts}")
        if view.state is CallbackState.RESTING:
            return
        time.sleep(_LOOK)
        try:
            view = client.callback(view.id)
        except NotHere:
            show(view.id, place.directory, as_json)
            return


def _write_csv(records: "list[CallbackRecord]") -> None:
    from callhandler.store.callbacks import CallbackRecord  # noqa: PLC0415 - only history needs the journal

    rows = [row for record in records if isinstance(row := to_plain(record), dict)]
    columns = [column.name for column in fields(CallbackRecord)]
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    for row in rows:
        attempts = row.get("attempts")
        plain = row | {"attempts": len(attempts) if isinstance(attempts, list) else 0}
        writer.writerow(["" if plain[name] is None else _harmless(str(plain[name])) for name in columns])


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a caller's words for a formula, and a terminal from taking them for commands."""
    shown = printable(cell, 1_000)
    return f"'{shown}" if shown[:1] in ("=", "@") else shown


def due_at(at: str, zone: ZoneInfo, now: float) -> float:
    """Return when the site's clock next shows `at`, or does on the day it names, in seconds since the epoch."""
    today = datetime.fromtimestamp(now, zone).date()
    day, _, clock = at.rpartition(" ")
    try:
        wanted = datetime.strptime(clock, "%H:%M").time()  # noqa: DTZ007 - a time of day, put into the zone below
        days = [date.fromisoformat(day)] if day else [today, today + timedelta(days=1)]
    except ValueError:
        wrong = f"`{printable(at, 40)}` is no time such as 15:30 or '{today + timedelta(days=1)} 15:30'"
        raise typer.BadParameter(wrong, param_hint="TIME") from None
    shown = [datetime.combine(day, wanted, zone).replace(fold=fold) for day in days for fold in (0, 1)]
    due = next((one.timestamp() for one in shown if one.timestamp() > now), None)
    if due is None:
        raise typer.BadParameter(f"{at} is over", param_hint="TIME")
    return due
