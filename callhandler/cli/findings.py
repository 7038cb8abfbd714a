"""How what is found in a site file is shown: by `check`, and by a start, which goes on all the same. Knows no rule."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from callhandler.site.findings import Finding
    from callhandler.site.loading import LoadedSite


def shown(finding: "Finding") -> str:
    """Return a finding as a terminal shows it."""
    from callhandler.site.findings import Severity  # noqa: PLC0415 - other commands shouldn't pay for it

    colour = typer.colors.RED if finding.severity is Severity.ERROR else typer.colors.YELLOW
    return f"{typer.style(finding.severity.value, fg=colour)} {finding}"


def counted(errors: int, warnings: int) -> str:
    """Return how many there are, such as `1 error and 2 warnings`."""
    counts = ((errors, "error"), (warnings, "warning"))
    return " and ".join(f"{count} {name}{'s' if count > 1 else ''}" for count, name in counts if count)


def tell_at_start(loaded: "LoadedSite", errors_only: bool) -> None:
    """Say on standard error what `check` would: errors in full, for callers will run into them; of warnings how many there are."""
    from callhandler.site.findings import Severity  # noqa: PLC0415 - as above
    from callhandler.site.lint import lint  # noqa: PLC0415

    findings = lint(loaded)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    for finding in errors:
        typer.echo(shown(finding), err=True)
    if errors or (findings and not errors_only):
        count = counted(len(errors), len(findings) - len(errors))
        typer.echo(f"It starts with {count} in the site file: `callhandler check` shows all.", err=True)
