"""Public holidays by library `holidays`, and a site's hours as the core wants them. The only place that knows that library.

The library is imported on first use: it costs 100 ms, which commands that never ask for a holiday should not pay.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from callhandler.core.hours import Schedule, Span, SpecialDay
from callhandler.site.models import Site, Weekday


def calendar_problem(calendar: str) -> tuple[str, str] | None:
    """Return what is wrong with a calendar's name such as `US` or `DE-BE`, and what would be right; None when it is known."""
    import holidays  # noqa: PLC0415 - see the top

    country, _, state = calendar.partition("-")
    try:
        holidays.country_holidays(country, subdiv=state or None)
    except NotImplementedError:
        known = holidays.list_supported_countries(include_aliases=False)  # reads every country there is: 200 ms
    else:
        return None
    if country not in known:
        return (
            f"no holidays are known for `{country}`",
            "what is right: a country or a state of it, such as `US` or `DE-BE`",
        )
    states = ", ".join(f"{country}-{name}" for name in known[country][:12]) or f"only {country} as a whole"
    return f"`{country}` has no `{state}`", f"known here: {states}"


@lru_cache(maxsize=64)
def holidays_of(calendar: str, year: int) -> Mapping[date, str]:
    """Return the public holidays of a calendar from the year before to the year after `year`, by date."""
    import holidays  # noqa: PLC0415 - see the top

    country, _, state = calendar.partition("-")
    found = holidays.country_holidays(country, subdiv=state or None, years=range(year - 1, year + 2))
    return {day: str(name) for day, name in sorted(found.items())}


def schedule(site: Site, hours: str, now: float) -> Schedule:
    """Return the opening hours with id `hours` as they are good around `now` (seconds since the epoch, UTC)."""
    table = site.hours[hours]
    zone = ZoneInfo(site.company.time_zone)
    year = datetime.fromtimestamp(now, UTC).astimezone(zone).year
    return Schedule(
        zone=site.company.time_zone,
        weekly=tuple(_spans(table.weekly.get(day, [])) for day in Weekday),
        special={special.day: SpecialDay(special.name, _spans(special.open)) for special in table.special},
        holidays=holidays_of(table.holidays, year) if table.holidays else {},
    )


def _spans(ranges: list[str]) -> tuple[Span, ...]:
    return tuple(Span(*(_minutes(text) for text in each.split("-"))) for each in ranges)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
