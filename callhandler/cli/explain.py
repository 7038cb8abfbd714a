"""`callhandler explain CALL`: read from the journal, whether the daemon is there or not."""

from collections.abc import Sequence
from typing import Annotated

import typer

from callhandler.cli.place import JsonOption, Place, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.core.views import DecisionView
from callhandler.errors import Refused


def explain(
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call's id or how it begins.", show_default=False)],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why a call went where it went: each decision, its candidates, and whether it comes out the same when made again."""
    place = find(site)
    views = _decisions(place, call)
    if as_json:
        out_json(views)
        return
    from callhandler.report.explaining import decisions_report  # noqa: PLC0415 - Rich is for people

    out(*decisions_report(views, place.zone))


def _decisions(place: Place, call: str) -> Sequence[DecisionView]:
    from callhandler.core.explained import explained  # noqa: PLC0415 - nothing else needs routing
    from callhandler.store.queries import decisions_of, find_call  # noqa: PLC0415
    from callhandler.store.sources import open_source  # noqa: PLC0415

    with open_source(place.database, place.directory) as source:
        facts = decisions_of(source, find_call(source, call).id)
    try:
        return [explained(fact.snapshot) for fact in facts]
    except ValueError as error:
        raise Refused(f"the decisions of call {call} can't be read: {error}") from None
