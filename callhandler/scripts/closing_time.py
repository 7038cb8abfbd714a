"""How near closing time a caller is: whether an agent could still be there for them today, and how days are said."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from callhandler.core.checkins import Standing
from callhandler.core.hours import Opening
from callhandler.scripts.caller import Prompt
from callhandler.scripts.house import Session


def opening_of(session: Session) -> Opening | None:
    """Return whether the number that was dialled is open; None where it has no hours."""
    number = session.house.site.numbers.get(session.call.number)
    return None if number is None or number.hours is None else session.house.opening(number.hours)


def closes_first(session: Session, standing: Standing | None) -> bool:
    """Tell whether the number that was dialled is closed, or will be before the wait is over.

    The wait is what is estimated; where nothing is, a long one: as long as callbacks are offered for.
    """
    opening, rules = opening_of(session), session.house.site.callbacks
    if opening is None or rules is None:
        return False
    estimate = None if standing is None else standing.estimate
    wait = rules.offer_estimate if estimate is None else estimate.seconds
    return not opening.open or (standing is not None and opening.closing_within(wait, session.house.now()))


def day_of(session: Session, at: float) -> Prompt | None:
    """Return how the day of a time within a week is said; None today."""
    zone = ZoneInfo(session.house.site.company.time_zone)
    day = _day(at, zone)
    ahead = (day - _day(session.house.now(), zone)).days
    if ahead <= 0:
        return None
    return Prompt("std-cb-tomorrow" if ahead == 1 else f"std-cb-day-{day.isoweekday()}")


def _day(at: float, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).date()
