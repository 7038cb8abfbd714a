"""The site file as frozen models. Every field says its unit, its default and why; durations are in seconds.

docs/configuration.md and the JSON Schema are generated from here. What can be told from one value alone is checked
here; what needs the whole file (dangling references and the like) in `checking.py`, and what is unwise in `lint.py`.
The tables themselves stand in three files by subject; everybody imports them from here.
"""

from pydantic import Field

from callhandler.site.conversation import Choice, Hours, Menu, NumberTable, PromptTable, SpecialDay, Weekday
from callhandler.site.people import Agent, Codes, Offers, Phone, QueueTable, ServesRow, StepRow, Tier
from callhandler.site.standard import standard, standard_callbacks
from callhandler.site.technical import Asterisk, Daemon, Journal, Lookup, Mqtt, Speech, Tls, Trunk
from callhandler.site.values import (
    COUNTRY_PATTERN,
    LINE_PATTERN,
    Destination,
    Digits,
    Id,
    Key,
    Language,
    Level,
    Line,
    Number,
    Port,
    Seconds,
    Skill,
    Table,
    TimeRange,
)
from callhandler.site.waiting import Callbacks, Mail, Waiting

__all__ = [
    "Agent",
    "Asterisk",
    "Callbacks",
    "Choice",
    "Codes",
    "Company",
    "Daemon",
    "Destination",
    "Digits",
    "Hours",
    "Id",
    "Journal",
    "Key",
    "Language",
    "Level",
    "Lookup",
    "Mail",
    "Menu",
    "Mqtt",
    "NumberTable",
    "Offers",
    "Phone",
    "Port",
    "PromptTable",
    "QueueTable",
    "Seconds",
    "ServesRow",
    "Site",
    "Skill",
    "SpecialDay",
    "Speech",
    "StepRow",
    "Table",
    "Tier",
    "TimeRange",
    "Tls",
    "Trunk",
    "Waiting",
    "Weekday",
]


class Company(Table):
    """Who the callers reach."""

    name: str = Field(
        min_length=1,
        max_length=80,
        pattern=LINE_PATTERN,
        description="The company's name; shown on handsets and in reports.",
    )
    time_zone: Line = Field(default="UTC", description="IANA time zone in which hours are meant and times are shown.")
    country: str = Field(
        default="US",
        pattern=COUNTRY_PATTERN,
        description="ISO country, for reading phone numbers written without a prefix.",
    )
    languages: dict[Language, Skill] = Field(
        default={"en": "english"},
        min_length=1,
        description="Language codes callers can be spoken to in, each with the skill it makes a call want. "
        "The first is spoken by default.",
    )
    operator: Destination = Field(
        description="Where key 0 leads from anywhere: a person. Callers who can't reach one hang up for good."
    )


class Site(Table):
    """The whole site file."""

    company: Company
    asterisk: Asterisk
    tls: Tls | None = None
    daemon: Daemon = Daemon()
    journal: Journal = Journal()
    speech: Speech = Speech()
    lookup: Lookup | None = None
    mqtt: Mqtt | None = None
    codes: Codes = Codes()
    waiting: Waiting = Waiting()
    callbacks: Callbacks | None = None
    mail: Mail | None = None
    offers: Offers = Offers()
    trunks: dict[Id, Trunk] = Field(default={}, description="Lines to the outside.")
    phones: dict[Digits, Phone] = Field(default={}, description="Desk phones by extension.")
    agents: dict[Digits, Agent] = Field(default={}, description="Agents by id.")
    queues: dict[Id, QueueTable] = Field(default={}, description="Waiting lines.")
    tiers: dict[Id, Tier] = Field(default={}, description="Tiers of callers, as the lookup names them.")
    menus: dict[Id, Menu] = Field(default={}, description="Menus.")
    hours: dict[Id, Hours] = Field(default={}, description="Opening hours.")
    numbers: dict[Number, NumberTable] = Field(default={}, description="Which dialled number enters where.")
    prompts: dict[Id, PromptTable] = Field(default={}, description="What is said.")

    @property
    def default_language(self) -> str:
        """Return the language code spoken by default: the first of company.languages."""
        return next(iter(self.company.languages))

    def spoken(self) -> dict[str, PromptTable]:
        """Return all that is to be spoken: the prompts, the standard ones, and names: of agents as `agent-ID` for the directory, of queues
        as `queue-ID` for those who call back.
        """
        names = {f"agent-{agent}": PromptTable(text=table.name) for agent, table in self.agents.items()}
        if self.callbacks is not None:
            names |= {f"queue-{queue}": PromptTable(text=table.name) for queue, table in self.queues.items()}
            names |= standard_callbacks(self.company.name)
        return names | standard() | self.prompts
