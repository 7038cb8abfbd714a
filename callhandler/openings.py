"""Whether a dialled number is open, computed once for each change of its hours. Brings together the site file and the core's hours."""

from collections.abc import Callable

from callhandler.core.hours import Opening, opening
from callhandler.site.calendars import schedule
from callhandler.site.models import Site


class Openings:
    """The openings of a site's numbers; `site` returns the site file in force."""

    def __init__(self, site: Callable[[], Site]) -> None:
        self._site = site
        self._of: Site | None = None
        self._known: dict[str, Opening] = {}

    def of_number(self, number: str, now: float) -> Opening | None:
        """Return whether a number is open at `now` (seconds since the epoch); None where it has no hours."""
        site = self._site()
        if self._of is not site:
            self._of, self._known = site, {}
        table = site.numbers.get(number)
        if table is None or table.hours is None:
            return None
        known = self._known.get(table.hours)
        if known is None or (known.changes_at is not None and now >= known.changes_at):
            known = self._known[table.hours] = opening(schedule(site, table.hours, now), now)
        return known
