"""`callhandler inbox` and its verbs. Read from the journal, whether the daemon is there or not."""

import time
from typing import Annotated

import typer

from callhandler.cli.lazy import noun
from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.control.client import Client

app = noun("What waits for a person to see to: messages, missed callers, failed callbacks, broken promises.")
CallArgument = Annotated[
    str, typer.Argument(metavar="CALL", help="The id of a call that it is about.", show_default=False)
]


@app.command()
def show(
    everything: Annotated[bool, typer.Option("--all", help="What is done, too.")] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """What there is to see to, oldest first. It is done by itself when the number has since talked with an agent."""
    from callhandler.store.inbox import INBOX_KEPT, items  # noqa: PLC0415 - the verbs don't read the journal
    from callhandler.store.sources import open_source  # noqa: PLC0415

    place = find(site)
    with open_source(place.database, place.directory) as source:
        views = items(source, time.time() - INBOX_KEPT, everything)
    if as_json:
        out_json(views)
        return
    from callhandler.report.inbox import inbox_table  # noqa: PLC0415 - Rich is for people

    out(inbox_table(views, place.zone))


@app.command()
def claim(call: CallArgument, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Take it on, so that nobody else does."""
    place = find(site)
    views = Client(place.socket).claim(call)
    if as_json:
        out_json(views)
        return
    from callhandler.report.inbox import inbox_table  # noqa: PLC0415 - Rich is for people

    out(inbox_table(views, place.zone))


@app.command()
def done(
    call: CallArgument,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="What the journal says, such as called back.")
    ] = "",
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that it is done."""
    Client(find(site).socket).finish(call, reason)
    if as_json:
        out_json({"done": True})
    else:
        out(f"done: what there was about call {call}")
