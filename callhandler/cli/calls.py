"""`callhandler calls` and its verbs. What is past is read from the journal, whether the daemon is there or not."""

from typing import TYPE_CHECKING, Annotated

import typer

from callhandler.cli.amounts import number, whole
from callhandler.cli.lazy import noun
from callhandler.cli.place import JsonOption, Place, SiteOption, find
from callhandler.cli.printing import out, out_json, out_line
from callhandler.control.client import Client
from callhandler.control.desk import NotHere
from callhandler.core.views import CallView
from callhandler.errors import Refused, Unreachable

if TYPE_CHECKING:
    from callhandler.store.records import CallRecord

app = noun("Calls: those here now, past ones, one in full; hang up, move, prioritise.")
CallArgument = Annotated[
    str, typer.Argument(metavar="CALL", help="The call's id, such as pbx1-1795286814.0.", show_default=False)
]


@app.command()
def show(
    call: Annotated[
        str | None,
        typer.Argument(metavar="CALL", help="One call in full, by its id or how that begins.", show_default=False),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Everything as it happens, until Ctrl-C.")] = False,
    last: Annotated[
        int | None,
        typer.Option(
            "--last", parser=whole(1, 10_000), metavar="N", help="The last N calls, past ones too.", show_default=False
        ),
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """The calls here now; with --last past ones, with CALL one in full, with --live all that happens."""
    if (call is not None) + live + (last is not None) > 1:
        raise typer.BadParameter("name one of CALL, --live and --last, not several")
    place = find(site)
    if live:
        _live(place, as_json)
    elif last is not None:
        _last(place, last, as_json)
    elif call is not None:
        _one(place, call, as_json)
    else:
        _now(place, as_json)


@app.command()
def hangup(call: CallArgument, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Hang up a call, whatever it does."""
    Client(find(site).socket).hang_up(call)
    if as_json:
        out_json({"done": True})
    else:
        out(f"call {call} is hung up")


@app.command()
def move(
    call: CallArgument,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's id.", show_default=False)],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a waiting call to another queue; it keeps the time it entered."""
    place = find(site)
    _print_live(place, Client(place.socket).move(call, queue), as_json)


@app.command()
def prioritise(
    call: CallArgument,
    priority: Annotated[
        int | None,
        typer.Option(
            "--priority", parser=whole(1, 10), metavar="N", help="Class priority; 1 goes first.", show_default=False
        ),
    ] = None,
    bonus: Annotated[
        float | None,
        typer.Option(
            "--bonus",
            parser=number(0, 86_400),
            metavar="SECONDS",
            help="Seconds by which it counts as having waited longer.",
            show_default=False,
        ),
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a waiting call's order."""
    if priority is None and bonus is None:
        raise typer.BadParameter("name --priority, --bonus or both")
    place = find(site)
    _print_live(place, Client(place.socket).prioritise(call, priority, bonus), as_json)


def _print_live(place: Place, view: CallView, as_json: bool) -> None:
    if as_json:
        out_json(view)
        return
    from callhandler.report.tables import calls_table  # noqa: PLC0415 - Rich is for people

    out(calls_table([view], place.zone))


def _now(place: Place, as_json: bool) -> None:
    client = Client(place.socket)
    views = client.calls()
    if as_json:
        out_json(views)
        return
    from callhandler.report.tables import ENDING, calls_table  # noqa: PLC0415 - Rich is for people

    out(calls_table(views, place.zone), *([ENDING] if client.status().ending else []))


def _last(place: Place, count: int, as_json: bool) -> None:
    from callhandler.store.queries import last_calls  # noqa: PLC0415 - only history needs the journal
    from callhandler.store.sources import open_source  # noqa: PLC0415

    with open_source(place.database, place.directory) as source:
        records = last_calls(source, count)
    if as_json:
        out_json(records)
        return
    from callhandler.report.tables import records_table  # noqa: PLC0415 - Rich is for people

    out(records_table(records, place.zone))


def _one(place: Place, call: str, as_json: bool) -> None:
    record = _record(place, call)
    view = _view(place, record.id if record else call)
    if view is None and record is None:
        raise Refused(f"there is no call {call}, neither now nor in the journal")
    if as_json:
        out_json({"live": view, "record": record})
        return
    from callhandler.report.tables import call_details, calls_table  # noqa: PLC0415 - Rich is for people

    out(
        *([calls_table([view], place.zone)] if view else []),
        *(call_details(record, place.zone, view) if record else ()),
    )


def _record(place: Place, call: str) -> "CallRecord | None":
    from callhandler.store.queries import find_call  # noqa: PLC0415 - only history needs the journal
    from callhandler.store.sources import open_source  # noqa: PLC0415

    try:
        with open_source(place.database, place.directory) as source:
            return find_call(source, call)
    except Refused as error:
        if _view(place, call) is None:
            raise error from None
        return None


def _view(place: Place, call: str) -> CallView | None:
    try:
        return Client(place.socket).call(call)
    except (NotHere, Unreachable):
        return None


def _live(place: Place, as_json: bool) -> None:
    from callhandler.core.plain_facts import fact_to_plain  # noqa: PLC0415 - only the live log needs the facts
    from callhandler.report.sentences import Telling  # noqa: PLC0415

    telling = Telling(place.zone)
    for fact in Client(place.socket).facts():
        if as_json:
            out_line(fact_to_plain(fact))
        elif line := telling.line(fact):
            typer.echo(line)
