"""`callhandler emergency close|open`."""

from typing import Annotated

import typer

from callhandler.cli.lazy import noun
from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.control.client import Client

app = noun("Close the whole site to new calls at once, or open it again.")


@app.command()
def show(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Whether the site is closed, and why."""
    reason = Client(find(site).socket).status().emergency
    if as_json:
        out_json({"closed": reason is not None, "reason": reason})
    else:
        out("open" if reason is None else f"closed: {reason or 'no reason given'}")


@app.command()
def close(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="What the journal and status say, such as fire alarm.")
    ] = "",
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close at once: new calls get the closed treatment. Calls that are here go on."""
    Client(find(site).socket).emergency_close(reason)
    _done("closed to new calls; `callhandler emergency open` ends it", as_json)


@app.command("open")
def open_again(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """End the emergency closing."""
    Client(find(site).socket).emergency_open()
    _done("open again", as_json)


def _done(sentence: str, as_json: bool) -> None:
    if as_json:
        out_json({"done": True})
    else:
        out(sentence)
