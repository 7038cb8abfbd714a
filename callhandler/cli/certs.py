"""`callhandler certs`: certificates for SIP over TLS. Parse, ask, print; no rules here."""

import json
import socket
from typing import Annotated

import typer

from callhandler.cli.place import JsonOption, SiteOption, find


def certs(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Host names and addresses by which phones reach this machine; by default its own.",
            show_default=False,
        ),
    ] = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the certificate that phones are shown over TLS, signed by an authority of the site's own, which phones are told to trust."""
    from callhandler.asterisk.pbx.certificates import DAYS, make  # noqa: PLC0415 - other commands shouldn't pay for it
    from callhandler.cli.up import address  # noqa: PLC0415
    from callhandler.errors import Refused  # noqa: PLC0415
    from callhandler.site.loading import load  # noqa: PLC0415
    from callhandler.site.technical import Tls  # noqa: PLC0415

    loaded = load(find(site).directory)
    tls, usual = loaded.site.tls or Tls(), Tls()
    if (tls.certificate, tls.key) != (usual.certificate, usual.key):
        raise Refused(f"{loaded.path.name} names a certificate of your own under [tls]: nothing was made")
    wanted = names or list(dict.fromkeys([address(tls.address), socket.getfqdn()]))
    made = make(loaded.directory / "var" / "tls", loaded.inside(tls.certificate), loaded.inside(tls.key), wanted)
    if as_json:
        paths = {"authority": made.authority, "certificate": made.certificate, "key": made.key}
        typer.echo(json.dumps({"names": made.names} | {name: str(path) for name, path in paths.items()}, indent=2))
        return
    typer.echo(f"A certificate for {', '.join(made.names)}, good for {DAYS} days, is in {made.certificate}.")
    typer.echo(f"Phones are to trust {made.authority}.")
    if loaded.site.tls is None:
        typer.echo(
            f"Add the table [tls] to {loaded.path}, and `encrypted = true` to phones; then start callhandler again."
        )
    else:
        typer.echo("It is shown to phones from callhandler's next start on.")
