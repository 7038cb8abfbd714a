"""`callhandler queues` and its verbs. Figures of the past are read from the journal, whether the daemon is there or not."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from callhandler.cli.amounts import whole
from callhandler.cli.lazy import noun
from callhandler.cli.place import JsonOption, Place, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.control.client import Client

if TYPE_CHECKING:
    from callhandler.store.sources import Source

T = TypeVar("T")
app = noun("The waiting lines: how they are now, and how well those in them were looked after.")
HoursOption = Annotated[int, typer.Option("--hours", parser=whole(1, 10_000), metavar="N", help="The last N hours.")]


@app.command()
def show(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """The waiting lines now: who waits, how long, and the agents there are."""
    views = Client(find(site).socket).queues()
    if as_json:
        out_json(views)
        return
    from callhandler.report.tables import queues_table  # noqa: PLC0415 - Rich is for people

    out(queues_table(views))


@app.command()
def checkins(hours: HoursOption = 24, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """How long people waited, and whether they were spoken to in time: compliance, silences, breaches by cause."""
    from callhandler.core.kpi import check_in_figures  # noqa: PLC0415 - only the past needs the journal
    from callhandler.store.waits import stays_between  # noqa: PLC0415

    place = find(site)
    figures = _of_the_last(
        hours,
        place,
        lambda source, start, end: check_in_figures(stays_between(source, start, end), place.check_in_at_most, end),
    )
    if as_json:
        out_json(figures)
        return
    from callhandler.report.waits import check_ins_table  # noqa: PLC0415 - Rich is for people

    out(check_ins_table(figures))


@app.command()
def estimate(hours: HoursOption = 24, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """How good the estimates were, hour by hour: error, bias, and the part that came true."""
    from callhandler.store.waits import estimates_between  # noqa: PLC0415 - only the past needs the journal

    place = find(site)
    figures = _of_the_last(hours, place, estimates_between)
    if as_json:
        out_json(figures)
        return
    from callhandler.report.waits import estimates_table  # noqa: PLC0415 - Rich is for people

    out(estimates_table(figures, place.zone))


@app.command()
def ringing(hours: HoursOption = 24, site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Who was kept ringing while the machine had no time or room left, hour by hour: how many, how long, and who hung up."""
    from callhandler.store.waits import ringing_between  # noqa: PLC0415 - only the past needs the journal

    place = find(site)
    figures = _of_the_last(hours, place, ringing_between)
    if as_json:
        out_json(figures)
        return
    from callhandler.report.waits import ringing_table  # noqa: PLC0415 - Rich is for people

    out(ringing_table(figures, place.zone))


def _of_the_last(hours: int, place: Place, figures: "Callable[[Source, float, float], T]") -> T:
    """Read figures of the last hours from the journal."""
    from callhandler.store.sources import open_source  # noqa: PLC0415 - only the past needs the journal

    now = time.time()
    with open_source(place.database, place.directory) as source:
        return figures(source, now - hours * 3_600, now)
