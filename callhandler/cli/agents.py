"""`callhandler agents` and its verbs."""

from collections.abc import Sequence
from typing import Annotated

import typer

from callhandler.cli.lazy import noun
from callhandler.cli.place import JsonOption, Place, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.control.client import Client
from callhandler.core.model import Status
from callhandler.core.plain import printable
from callhandler.core.views import AgentView

app = noun("Agents: who does what; log in, log out, pause, resume.")
AgentArgument = Annotated[
    str, typer.Argument(metavar="AGENT", help="The agent's id, such as 7001.", show_default=False)
]


@app.command()
def show(
    wide: Annotated[bool, typer.Option("--wide", help="Also the phone's state, the call, skills and queues.")] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """All agents: what each person chose, what the system does, the phone, today's calls."""
    place = find(site)
    _print(place, Client(place.socket).agents(), as_json, wide)


@app.command()
def login(
    agent: AgentArgument,
    phone: Annotated[
        str | None,
        typer.Option(
            "--phone",
            metavar="PHONE",
            help="Where the agent sits; the agent's own phone by default.",
            show_default=False,
        ),
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Log an agent in. Whoever sits at that phone is logged out."""
    place = find(site)
    client = Client(place.socket)
    before = client.agents()
    view = client.login(agent, phone)
    _print(place, view, as_json)
    if as_json:
        return
    for other in before:
        if (other.phone, other.status is Status.LOGGED_OUT) == (view.phone, False) and other.id != view.id:
            out(f"agent {other.id} ({printable(other.name)}), who sat at phone {view.phone}, is logged out")


@app.command()
def logout(agent: AgentArgument, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Log an agent out. A conversation under way goes on."""
    place = find(site)
    _print(place, Client(place.socket).logout(agent), as_json)


@app.command()
def pause(
    agent: AgentArgument,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="The agent's word for it, such as lunch.")
    ] = "",
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send an agent on break. A conversation under way goes on."""
    place = find(site)
    _print(place, Client(place.socket).pause(agent, reason), as_json)


@app.command()
def resume(agent: AgentArgument, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Make an agent available: ends a break, misses and wrap-up."""
    place = find(site)
    _print(place, Client(place.socket).resume(agent), as_json)


def _print(place: Place, shown: Sequence[AgentView] | AgentView, as_json: bool, wide: bool = False) -> None:
    if as_json:
        out_json(shown)
        return
    from callhandler.report.tables import agents_table  # noqa: PLC0415 - Rich is for people

    out(agents_table([shown] if isinstance(shown, AgentView) else shown, place.zone, wide))
