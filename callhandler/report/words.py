"""Times, durations and numbers as people read them; every text from outside is made harmless here."""

from datetime import datetime
from zoneinfo import ZoneInfo

from callhandler.core.plain import printable

_MINUTE = 60
_HOUR = 3600
_WANTED = {"login": "log in", "logout": "log out", "pause": "go on break", "resume": "be available again"}
SHORTEST_RING = 0.5
"""Seconds of ringing that nobody notices."""
LACKING = {True: "no time", False: "no room", None: "no time or no room"}
"""What a machine had not for a caller who was kept ringing, by whether it was late (CallKeptRinging)."""


def clock(at: float | None, zone: ZoneInfo) -> str:
    """Return a moment's time of day in the site's zone; "" for none. Seconds since the epoch in."""
    return "" if at is None else f"{datetime.fromtimestamp(at, zone):%H:%M:%S}"


def moment(at: float | None, zone: ZoneInfo) -> str:
    """Return a moment's date and time in the site's zone; "" for none."""
    return "" if at is None else f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M:%S}"


def clock_or_day(at: float | None, zone: ZoneInfo, now: float) -> str:
    """Return a moment's time of day, with the date in front of it unless that is today's; "" for none."""
    if at is None:
        return ""
    there, today = (datetime.fromtimestamp(when, zone).date() for when in (at, now))
    return clock(at, zone) if there == today else f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"


def span(seconds: float | None) -> str:
    """Return a duration, such as 0:07, 12:30 or 1:02:03; "" for none. Negative ones, from clocks set back, count as 0."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, _MINUTE)
    if whole < _HOUR:
        return f"{minutes}:{rest:02}"
    return f"{minutes // _MINUTE}:{minutes % _MINUTE:02}:{rest:02}"


def ring(seconds: float) -> str:
    """Return for how long somebody was kept ringing: who is let in at once hears none of it, and 0:00 would look like a mistake."""
    return span(seconds) if seconds >= SHORTEST_RING else "<0:01"


def handset(code: str, agent: str | None, reason: str) -> str:
    """Return what somebody wanted by a feature code, and what came of it."""
    return f"to {_WANTED.get(code, code)}{f' as agent {agent}' if agent else ''}: {reason}"


def caller(number: str, name: str) -> str:
    """Return who calls: the name before the number, or whichever is known."""
    shown, named = printable(number, 40) or "unknown", printable(name, 40)
    return f"{named} {shown}" if named and named != shown else shown
