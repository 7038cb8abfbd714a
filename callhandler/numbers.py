"""Which telephone numbers the house may call: the guard against toll fraud, and against calling people at night.

Built on the library `phonenumbers`; its number plans say what is a premium number, which country a number is in (+1 246 is Barbados, not
the United States), and what time it is there. Knows no callback and no call.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType
from phonenumbers.shortnumberinfo import is_emergency_number
from phonenumbers.timezone import time_zones_for_number

from callhandler.core.hours import Opening, opening
from callhandler.errors import Refused
from callhandler.site.calendars import schedule
from callhandler.site.models import Site

_DRESSING = str.maketrans("", "", " ()-./")
_LONGEST = 17
"""Digits as they may be written, with a prefix for calls abroad."""
_LONGEST_E164 = 15
"""Digits of an international number (ITU-T E.164, 6.2.1); some number plans know longer ones, which nobody else can dial."""
_DEAR = {
    PhoneNumberType.PREMIUM_RATE: "a premium number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.UAN: "a company-wide access number",
    PhoneNumberType.VOICEMAIL: "a voicemail number",
}
"""Kinds of numbers that can cost anything, or can't be a person's own."""


class SiteNumbers:
    """The numbers of one site file; implements core.callbacks.NumberGuard."""

    def __init__(self, site: Site) -> None:
        self._site = site
        callbacks = site.callbacks
        self._countries: Collection[str] = (callbacks.countries if callbacks else ()) or (site.company.country,)
        self._prefixes: Collection[str] = callbacks.prefixes if callbacks else ()
        self._refused: Collection[str] = callbacks.refuse if callbacks else ()
        shown = [callbacks.caller_number] if callbacks and callbacks.caller_number else []
        own = [_parsed(number, site.company.country) for number in (*site.numbers, *shown)]
        self._own = {_international(number) for number in own if number is not None}

    def judged(self, number: str) -> str:
        """Return a number in international form (E.164), however it is written.

        Raises:
            Refused: with a sentence, when it is no number or may not be called.
        """
        site, plain = self._site, number.translate(_DRESSING)
        digits = plain.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            wrong = f"{number[:40]!r} is no telephone number: digits are, with + before a country's code"
            raise Refused(wrong if digits else "no number is known")
        if len(digits) > _LONGEST:
            raise Refused("that is no telephone number")
        if plain in site.phones or plain in site.agents or plain in site.numbers:
            raise Refused(f"{plain} is one of our own numbers")
        if any(is_emergency_number(plain, country) for country in (*self._countries, site.company.country)):
            raise Refused(f"{plain} is an emergency number")
        found = _parsed(plain, site.company.country)
        if found is None:
            hint = "" if plain[0] == "+" else f" in {site.company.country}: those of elsewhere begin with +"
            raise Refused(f"{plain} is no telephone number{hint}")
        return self._allowed(found)

    def opening(self, number: str, now: float) -> Opening | None:
        """Return whether it is within calling hours where a number is, by the clock there; None when there are no such hours."""
        hours = self._site.callbacks.hours if self._site.callbacks else None
        if hours is None:
            return None
        here = schedule(self._site, hours, now)
        return opening(replace(here, zone=self._zone(number)), now)

    def house(self, dialled: str, now: float) -> Opening | None:
        """Return whether one of our own numbers is open; None when it has no hours, or is none."""
        table = self._site.numbers.get(dialled)
        if table is None or table.hours is None:
            return None
        return opening(schedule(self._site, table.hours, now), now)

    def clock(self, at: float) -> str:
        """Return a time as the site's clock shows it: `2026-11-23 09:00`, as the command line takes it."""
        return self._shown(at).strftime("%Y-%m-%d %H:%M")

    def comes_twice(self, at: float) -> bool:
        """Tell whether the site's clock shows this time twice."""
        shown = self._shown(at)
        return shown.replace(fold=0).timestamp() != shown.replace(fold=1).timestamp()

    def _shown(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, ZoneInfo(self._site.company.time_zone))

    def _allowed(self, number: PhoneNumber) -> str:
        text = _international(number)
        if len(text) > len("+") + _LONGEST_E164:
            raise Refused(f"{text} is longer than a telephone number can be")
        country = phonenumbers.region_code_for_number(number)
        if country not in self._countries:
            raise Refused(f"{text} is not in a country that is called ({', '.join(self._countries)})")
        kind = _DEAR.get(phonenumbers.number_type(number))
        if kind is not None:
            raise Refused(f"{text} is {kind}")
        if text in self._own:
            raise Refused(f"{text} is one of our own numbers")
        if self._prefixes and not text.startswith(tuple(self._prefixes)):
            raise Refused(f"{text} is not among the numbers that are called ({', '.join(self._prefixes)})")
        for prefix in self._refused:
            if text.startswith(prefix):
                raise Refused(f"numbers that begin with {prefix} are not called")
        return text

    def _zone(self, number: str) -> str:
        """Return the time zone of a number: the site's own where the number may be in it, else the first it may be in."""
        own = self._site.company.time_zone
        parsed = _parsed(number, self._site.company.country)
        zones = time_zones_for_number(parsed) if parsed is not None else ()
        return own if own in zones else next((zone for zone in zones if _is_zone(zone)), own)


def _parsed(number: str, country: str) -> PhoneNumber | None:
    """Return a number that exists, read as one of `country`, or as an international one that lost its plus on the way; else None."""
    for text in (number, f"+{number.lstrip('+0')}"):
        try:
            found = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(found):
            return found
    return None


def _international(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError):
        return False
    return True
