"""`callhandler daemon`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from callhandler.cli.place import SiteOption, find

if TYPE_CHECKING:
    from callhandler.site.loading import LoadedSite

Attach = Annotated[
    bool,
    typer.Option(
        "--attach/--no-attach",
        help="Write the files that the Asterisk beside is to include, and say how (the default).",
    ),
]


def daemon(site: SiteOption = None, attach: Attach = True) -> None:
    """Run the daemon in the foreground, beside an Asterisk that runs already."""
    place = find(site)
    from callhandler.daemon import main  # noqa: PLC0415 - the whole house, which no other command needs

    raise typer.Exit(main(place.directory, attach=_attach if attach else None))


def _attach(loaded: "LoadedSite") -> None:
    from callhandler.asterisk.lacking import ANY_VERSION  # noqa: PLC0415 - as above
    from callhandler.asterisk.pbx.prepare import attach as write  # noqa: PLC0415 - as above
    from callhandler.cli.findings import tell_at_start  # noqa: PLC0415 - as above
    from callhandler.cli.up import refuse_beside  # noqa: PLC0415 - as above

    refuse_beside(loaded.directory)
    tell_at_start(loaded, errors_only=True)
    done = write(loaded, ANY_VERSION)
    if done.changed:
        sys.stderr.write(f"New in {done.folder}: {', '.join(done.changed)}. Asterisk takes them up with:\n")
        sys.stderr.writelines(f"  {command}\n" for command in done.commands)
