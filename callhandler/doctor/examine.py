"""From a site's folder to verdicts: read the site file, gather evidence, judge. The one thing that others call."""

from pathlib import Path

from callhandler.doctor.verdict import State, Verdict, error
from callhandler.errors import SiteError
from callhandler.site.loading import load


def examine(directory: Path) -> list[Verdict]:
    """Look at the site in `directory` and at all it needs; returns verdicts in the order of a repair. Never raises for what it finds."""
    try:
        loaded = load(directory)
    except SiteError as mistakes:
        first = str(mistakes).splitlines()[0]
        count = len(str(mistakes).splitlines())
        more = f" (and {count - 1} more lines)" if count > 1 else ""
        sentence = f"can't be used, and nothing else was looked at: {first}{more}"
        return [error("site file", sentence, f"callhandler check --site {directory}")]
    from callhandler.doctor.checks import CHECKS  # noqa: PLC0415 - a site file that can't be used is told at once
    from callhandler.doctor.gather import gather  # noqa: PLC0415

    seen = gather(loaded)
    return [check(seen) for check in CHECKS]


def is_ok(verdicts: list[Verdict]) -> bool:
    """Tell whether nothing is in error; warnings and what wasn't seen don't count."""
    return not any(verdict.state is State.ERROR for verdict in verdicts)
