"""`callhandler daemon`."""

import typer

from callhandler.cli.place import SiteOption, find


def daemon(site: SiteOption = None) -> None:
    """Run the daemon in the foreground, beside an Asterisk that runs already."""
    place = find(site)
    from callhandler.daemon import main  # noqa: PLC0415 - the whole house, which no other command needs

    raise typer.Exit(main(place.directory))
