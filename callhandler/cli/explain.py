"""`callhandler explain CALL`: read from the journal, whether the daemon is there or not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from callhandler.cli.place import JsonOption, Place, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.core.views import DecisionView
from callhandler.errors import Refused

if TYPE_CHECKING:
    from callhandler.core.events import Fact


def explain(
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call's id or how it begins.", show_default=False)],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why a call went where it went: each decision, its candidates, and whether it comes out the same when made again."""
    place = find(site)
    facts = _facts(place, call)
    views = _decisions(facts, call)
    if as_json:
        out_json(views)
        return
    from callhandler.report import explaining  # noqa: PLC0415 - Rich is for people

    zone = place.zone
    decisions = explaining.decisions_report(views, zone)
    out(*explaining.ringing_report(facts, zone), *decisions, *explaining.put_off_report(facts, zone))
    out(*explaining.leaving_report(facts, zone))


def _facts(place: Place, call: str) -> "Sequence[Fact]":
    from callhandler.store.queries import facts_of, find_call  # noqa: PLC0415 - nothing else needs the journal
    from callhandler.store.sources import open_source  # noqa: PLC0415

    with open_source(place.database, place.directory) as source:
        found = facts_of(source, find_call(source, call).id)
    return [stored.fact for stored in found if stored.fact is not None]


def _decisions(facts: "Sequence[Fact]", call: str) -> Sequence[DecisionView]:
    from callhandler.core.events import RoutingDecided  # noqa: PLC0415 - nothing else needs routing
    from callhandler.core.explained import explained  # noqa: PLC0415

    try:
        return [explained(fact.snapshot) for fact in facts if isinstance(fact, RoutingDecided)]
    except ValueError as error:
        raise Refused(f"the decisions of call {call} can't be read: {error}") from None
