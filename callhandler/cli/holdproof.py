"""`callhandler holdproof CALL`: read from the journal, whether the daemon is there or not."""

import time
from typing import Annotated

import typer

from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.cli.printing import out, out_json


def holdproof(
    call: Annotated[str, typer.Argument(metavar="CALL", help="The call's id or how it begins.", show_default=False)],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every word a waiting caller heard, every silence between them, every breach with its cause, and the verdict.

    Exit code 1 when the promise was broken.
    """
    from callhandler.core.kpi import proof  # noqa: PLC0415 - nothing else needs the journal
    from callhandler.store.queries import find_call  # noqa: PLC0415
    from callhandler.store.sources import open_source  # noqa: PLC0415
    from callhandler.store.waits import stays_of  # noqa: PLC0415

    place = find(site)
    with open_source(place.database, place.directory) as source:
        found = find_call(source, call)
        evidence = proof(found.id, stays_of(source, found.id), place.check_in_at_most, time.time())
    if as_json:
        out_json(evidence)
    else:
        from callhandler.report.waits import proof_report  # noqa: PLC0415 - Rich is for people

        out(*proof_report(evidence, place.zone))
    raise typer.Exit(0 if evidence.kept else 1)
