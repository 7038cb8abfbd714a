"""`init`, `check`, `config schema`: the commands about a site file. They need no daemon. Parse, ask, print; no rules here."""

import json
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callhandler.cli.amounts import whole
from callhandler.cli.findings import counted, shown
from callhandler.cli.place import JsonOption, SiteOption, find
from callhandler.site.new import HIGHEST_BASE_PORT, LOWEST_BASE_PORT

if TYPE_CHECKING:
    from callhandler.site.findings import Finding
    from callhandler.site.loading import LoadedSite


def init(
    directory: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Where to write the new site; made when it isn't there.", show_default=False
        ),
    ],
    base_port: Annotated[
        int | None,
        typer.Option(
            "--base-port",
            parser=whole(LOWEST_BASE_PORT, HIGHEST_BASE_PORT),
            metavar="PORT",
            help="Count all ports from this one, so that several sites run side by side. 5060 by default.",
            show_default=False,
        ),
    ] = None,
    company: Annotated[
        str | None, typer.Option("--company", metavar="NAME", help="The company's name.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a new site: four agents, their phones, four queues and two menus, with passwords of its own."""
    from callhandler.site.describing import describe  # noqa: PLC0415 - other commands shouldn't pay for it
    from callhandler.site.new import BadOption  # noqa: PLC0415
    from callhandler.site.new import init as new_site  # noqa: PLC0415

    if not directory:
        raise typer.BadParameter("it is empty; name a folder, such as `.` for the one here", param_hint="DIR")
    try:
        result = new_site(Path(directory), base_port, company)
    except BadOption as error:
        raise typer.BadParameter(str(error), param_hint=error.option) from None
    if as_json:
        typer.echo(json.dumps(describe(result.loaded), indent=2, ensure_ascii=False))
        return
    place = f" --site {shlex.quote(directory)}"
    typer.echo(f"A new site is in {result.loaded.directory}.")
    typer.echo(f"Read its {result.loaded.path.name}, then start it:  callhandler up{place}")


def check(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Find mistakes in the site file, and what callers would run into. Exit code 1 when there are errors: `reload` refuses them."""
    from callhandler.site.findings import Severity, SiteMistakes  # noqa: PLC0415
    from callhandler.site.lint import lint  # noqa: PLC0415
    from callhandler.site.loading import load  # noqa: PLC0415

    findings: list[Finding]
    try:
        loaded = load(site if site and site.is_file() else find(site).directory)
        findings = [*lint(loaded), *_owed(loaded), *_lacking(loaded)]
    except SiteMistakes as mistakes:
        findings = list(mistakes.findings)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    if as_json:
        rows = [asdict(finding) for finding in findings]
        typer.echo(json.dumps({"errors": errors, "warnings": warnings, "findings": rows}, indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(shown(finding))
        typer.echo(_summary(errors, warnings))
    raise typer.Exit(1 if errors else 0)


def _owed(loaded: "LoadedSite") -> "list[Finding]":
    """Find callbacks in the journal that nobody could make by this file; none where there is no journal that can be read."""
    from callhandler.errors import Refused  # noqa: PLC0415 - as above
    from callhandler.site.findings import Severity, found  # noqa: PLC0415
    from callhandler.site.owed import owed  # noqa: PLC0415
    from callhandler.store.callbacks import open_callbacks  # noqa: PLC0415
    from callhandler.store.sources import open_source  # noqa: PLC0415

    try:
        with open_source(loaded.site.daemon.database, loaded.directory) as source:
            queues = [one.queue for one in open_callbacks(source, time.time())]
    except (Refused, OSError):
        return []
    return [found(Severity.WARNING, problem, loaded.places) for problem in owed(loaded.site, queues)]


def _lacking(loaded: "LoadedSite") -> "list[Finding]":
    """Find what the Asterisk that is here lacks; none is fetched for it."""
    from callhandler.asterisk.pbx.get import find_asterisk  # noqa: PLC0415 - as above
    from callhandler.doctor.files import mode_of  # noqa: PLC0415
    from callhandler.doctor.seen import Mode  # noqa: PLC0415
    from callhandler.site.findings import Problem, Severity, found  # noqa: PLC0415

    program = find_asterisk(loaded.site.asterisk.program)
    remedy = "install a newer Asterisk, or name one here"
    if program is None:
        return []
    try:
        private = mode_of(loaded) is Mode.PRIVATE
    except OSError:  # `var` is another user's: whose Asterisk it is can't be seen
        return []
    lacks = program.lacks if private else program.lacks_beside
    problems = [Problem(("asterisk", "program"), sentence, remedy) for sentence in lacks]
    return [found(Severity.WARNING, problem, loaded.places) for problem in problems]


def config_schema(as_json: JsonOption = False) -> None:
    """Print the JSON Schema of the site file, for editors that know it; JSON with `--json` and without."""
    from callhandler.site.schema import json_schema  # noqa: PLC0415

    typer.echo(json_schema())


def _summary(errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return "No mistakes found."
    return counted(errors, warnings) + ("." if errors else "; the site can be used.")
