"""`callhandler reload`."""

from typing import Annotated

import typer

from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.cli.printing import out, out_json
from callhandler.control.client import Client
from callhandler.control.desk import ReloadResult
from callhandler.errors import Refused


def reload(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the differences.")] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the site file again: show the differences, new warnings among them, and apply them.

    The old one stays in force when `check` finds an error in the new one, or anything else fails.
    """
    result = Client(find(site).socket).reload(dry_run)
    if not as_json:
        out(*(f"  {line}" for line in result.differences))
    if result.error is not None:
        raise Refused(_refusal(result.error, dry_run))
    if as_json:
        out_json(result)
    else:
        out(_verdict(result))


def _refusal(error: str, dry_run: bool) -> str:
    """Say first that nothing has changed; below it what is wrong, when that is more than one line."""
    what = "the reload would be refused" if dry_run else "the reload is refused, the site stays as it was"
    return f"{what}:\n{error}" if "\n" in error else f"{what}: {error}"


def _verdict(result: ReloadResult) -> str:
    if not result.differences:
        return "nothing has changed in the site file"
    return "in force now" if result.applied else "not applied"
