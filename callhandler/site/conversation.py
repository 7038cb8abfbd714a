"""The site file's tables about what callers meet: menus, hours, numbers, prompts."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, Tag

from callhandler.site.values import (
    CALENDAR_PATTERN,
    LINE_PATTERN,
    LONG,
    SHORT,
    Destination,
    Id,
    Key,
    Language,
    Seconds,
    Table,
    TimeRange,
    Whole,
    short_or_long,
)


class Choice(Table):
    """What a key does when it does more than lead somewhere."""

    to: Destination = Field(description="Where the key leads.")
    language: Language | None = Field(default=None, description="The language chosen; it becomes a skill wanted.")
    reason: str | None = Field(
        default=None, max_length=60, pattern=LINE_PATTERN, description="Why the caller calls; stands on the call."
    )
    wants: str | None = Field(default=None, description="Skills the call wants from now on.")


class Menu(Table):
    """A menu: keep it short."""

    prompt: Id = Field(description="The prompt that names the keys.")
    keys: dict[Key, Annotated[Annotated[Destination, Tag(SHORT)] | Annotated[Choice, Tag(LONG)], short_or_long]] = (
        Field(min_length=1, description="What each key does. 0 reaches company.operator unless it is named here.")
    )
    timeout: Seconds = Field(default=5.0, ge=1, le=60, description="How long to wait for a key after the prompt.")
    tries: Whole = Field(
        default=3, ge=1, le=9, description="How often silent or wrong keys are met with the menu again."
    )
    invalid: Id | None = Field(
        default=None, description="Said after a key that means nothing here; a standard phrase by default."
    )
    silent: Id | None = Field(default=None, description="Said when no key came; a standard phrase by default.")
    fallback: Destination = Field(
        default="operator", description="Where a confused caller goes after all tries: never hung up on."
    )
    operator_key: bool = Field(
        default=True, strict=True, description="Whether 0 reaches a person from here when it isn't named in keys."
    )


class Weekday(StrEnum):
    """Days as the hours name them."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class SpecialDay(Table):
    """A date that is unlike its weekday."""

    day: date = Field(description="The day, such as 2030-12-24 (without quotes).")
    name: str = Field(min_length=1, max_length=60, pattern=LINE_PATTERN, description="What the day is called.")
    open: list[TimeRange] = Field(default=[], description="When it is open all the same; empty means closed.")


class Hours(Table):
    """Opening hours in the site's time zone. Special days beat holidays, holidays beat weekdays."""

    weekly: dict[Weekday, list[TimeRange]] = Field(
        description='Times open on each weekday, such as ["09:00-12:00", "13:00-17:00"]; a day left out is closed.'
    )
    holidays: str | None = Field(
        default=None,
        pattern=CALENDAR_PATTERN,
        description="Public holidays of a country or state (library holidays), such as US or DE-BE: closed.",
    )
    special: list[SpecialDay] = Field(default=[], description="Dates of your own.")


class NumberTable(Table):
    """A dialled number and where it enters."""

    enters: Destination = Field(description="Where calls to this number go.")
    greeting: Id | None = Field(default=None, description="A prompt said first.")
    hours: Id | None = Field(default=None, description="Opening hours; none means always open.")
    closed: Destination | None = Field(
        default=None,
        description="Where calls go when closed; needed with hours. `callback:QUEUE` offers a time of the next opening. "
        "In an emergency too, after a word; without it they are let go then.",
    )
    trunks: list[Id] | None = Field(default=None, description="Trunks this number may be dialled over; all by default.")
    phones: bool = Field(default=True, strict=True, description="Whether desk phones may dial it.")


class PromptTable(Table):
    """A prompt: a text to be spoken, or a recording. One called `agent-ID` is said instead of that agent's name."""

    text: str | None = Field(
        default=None,
        min_length=1,
        max_length=2_000,
        description="Spoken by the speech program in the default language.",
    )
    texts: dict[Language, Annotated[str, Field(min_length=1, max_length=2_000)]] = Field(
        default={}, description="The text in further languages, by code."
    )
    file: Path | None = Field(default=None, description="A recording instead (WAV, any rate), relative to the site.")
