"""`callhandler doctor`."""

import typer

from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.doctor.examine import examine, is_ok


def doctor(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Look at the whole set-up from outside, with the command that mends each trouble. Exit code 1 when an error is found."""
    verdicts = examine(find(site).directory)
    if as_json:
        out_json({"verdicts": verdicts, "ok": is_ok(verdicts)})
    else:
        from callhandler.doctor.showing import shown  # noqa: PLC0415 - Rich is for people

        out(*shown(verdicts))
    raise typer.Exit(0 if is_ok(verdicts) else 1)
