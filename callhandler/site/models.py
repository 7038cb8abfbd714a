"""The site file as frozen models. Every field says its unit, its default and why; durations are in seconds.

docs/configuration.md and the JSON Schema are generated from here. What can be told from one value alone is checked here; what
needs the whole file (dangling references and the like) in `loading.py`, and what is unwise but possible in `lint.py`.
"""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from callhandler.core.model import Strategy

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}$")]
Skill = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Level = Annotated[int, Field(ge=1, le=10)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
Destination = Annotated[
    str,
    StringConstraints(pattern=r"^(queue|menu|agent|phone|say):[A-Za-z0-9][A-Za-z0-9_-]{0,31}$|^(operator|directory|extension|hangup)$"),
    Field(
        description="Where a call goes: `queue:ID`, `menu:ID`, `agent:ID`, `phone:ID`, `say:PROMPT` (say it, then hang up), "
        "`operator` (what company.operator names), `extension` (dial by extension), `directory` (agents read out), or `hangup`."
    ),
]
"""`queue:ID`, `menu:ID`, `agent:ID`, `phone:ID`, `say:PROMPT`, `operator`, `extension`, `directory` or `hangup`."""
TimeRange = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class Table(BaseModel):
    """A table of the site file: unknown keys are refused, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=10_000)


class Company(Table):
    """Who the callers reach."""

    name: str = Field(min_length=1, max_length=80, description="The company's name; shown on handsets and in reports.")
    time_zone: str = Field("UTC", description="IANA time zone in which hours are meant and times are shown.")
    country: str = Field("US", pattern=r"^[A-Z]{2}$", description="ISO country, for reading phone numbers written without a prefix.")
    languages: dict[str, Skill] = Field(
        default={"en": "english"},
        min_length=1,
        description="Language codes callers can be spoken to in, each with the skill it makes a call want. The first is spoken by default.",
    )
    operator: Destination = Field(description="Where key 0 leads from anywhere: a person. Callers who can't reach one hang up for good.")


class Asterisk(Table):
    """How to reach Asterisk, and with `callhandler up` how the private one is set up."""

    program: Path | None = Field(None, description="The asterisk program; by default the system's own, else the one unpacked privately.")
    node: Id = Field("pbx1", description="This Asterisk's name; part of every call's id, so that ids stay unique across machines.")
    ami_host: str = Field("127.0.0.1", description="Where AMI listens. Keep it on loopback: its secret travels in clear.")
    ami_port: Port = Field(5038, description="AMI's TCP port.")
    ami_user: Id = Field("callhandler", description="The AMI user, rendered with the least privileges that work.")
    ami_secret: SecretStr = Field(min_length=12, description="The AMI user's secret.")
    agi_host: str = Field("127.0.0.1", description="Where the daemon listens for FastAGI. Keep it on loopback.")
    agi_port: Port = Field(4573, description="The daemon's FastAGI TCP port.")
    sip_address: str = Field("0.0.0.0", description="The address the private Asterisk listens on for SIP (UDP and TCP).")  # noqa: S104
    sip_port: Port = Field(5060, description="The private Asterisk's SIP port.")
    rtp_first: Port = Field(10_000, description="First UDP port for audio.")
    rtp_last: Port = Field(10_999, description="Last UDP port for audio; two a call are used.")
    music: Path | None = Field(None, description="A folder of music to wait to; by default the distribution's.")
    ping: Seconds = Field(10.0, gt=0, description="How often the link is tried when nothing comes; dead after two without an answer.")


class Daemon(Table):
    """The daemon itself."""

    database: str = Field("sqlite+aiosqlite:///var/journal.db", description="SQLAlchemy URL of the journal; a relative path is the site's.")
    socket: Path = Field(Path("var/control.sock"), description="The control API's Unix socket, mode 0660.")
    log: Path = Field(Path("var/log/callhandler.log"), description="The daemon's log, one JSON object a line.")
    watchdog: Seconds = Field(10.0, gt=0, description="A daemon whose event loop hangs this long is replaced.")


class Speech(Table):
    """How prompt texts become speech."""

    command: list[str] = Field(
        default=["espeak-ng", "-v", "{language}", "-s", "150", "-w", "{file}", "--stdin"],
        min_length=1,
        description="The text-to-speech program; reads the text on standard input and writes a WAV to {file}.",
    )


class Lookup(Table):
    """The caller lookup before the menu. Fails open."""

    csv: Path = Field(description="CSV file with a header: number, name, tier, agent, language. Only number is needed.")
    deadline: Seconds = Field(1.5, gt=0, le=5, description="The caller waits no longer than this for it.")


class Mqtt(Table):
    """Events to an MQTT broker. A broker that is away delays no call."""

    host: str = Field("127.0.0.1", description="The broker's host.")
    port: Port = Field(1883, description="The broker's port.")
    user: str | None = Field(None, description="The user, if the broker wants one.")
    password: SecretStr | None = Field(None, description="The password, if the broker wants one.")
    topic: str = Field("callhandler", pattern=r"^[^+#]+$", description="The topic under which everything is published.")
    tls: bool = Field(False, description="Whether to connect with TLS.")
    queue: int = Field(10_000, ge=10, description="Events kept while the broker is away; beyond it the oldest are dropped and counted.")


class Trunk(Table):
    """A line to the outside, recognised by its address."""

    host: str = Field(description="The provider's address or network (CIDR) that calls come from.")
    port: Port = Field(5060, description="The provider's SIP port, for calls going out.")


class Phone(Table):
    """A desk phone. Its id is its extension and its SIP user."""

    name: str = Field("", max_length=80, description="What stands on it, such as a desk or a room.")
    password: SecretStr = Field(min_length=8, description="The SIP password the phone registers with.")


class ServesRow(Table):
    """One row of an agent's routing profile (field.md R8)."""

    queue: Id = Field(description="The queue served.")
    priority: int = Field(1, ge=1, le=99, description="Lower first; beats every other order.")
    delay: Seconds = Field(0.0, description="A call shows up for this agent only after waiting this long.")


class Agent(Table):
    """A person who takes calls, at any phone."""

    name: str = Field(min_length=1, max_length=80, description="The person's name.")
    pin: SecretStr = Field(min_length=4, max_length=12, pattern=r"^\d+$", description="The PIN for the feature codes; six digits or more resist guessing.")
    skills: dict[Skill, Level] = Field(default={}, description="Skills with levels 1 to 10. A missing skill is not zero: it never qualifies.")
    phone: Digits | None = Field(None, description="The agent's own desk phone: where the agent is logged in at the very first start, and by default.")
    serves: list[ServesRow] = Field(default=[], description="The queues served, with priority and delay; empty means every queue.")


class StepRow(Table):
    """One step of a queue's relaxing wants."""

    wants: str = Field("", description="Skills wanted, such as `billing >= 3 and (spanish or italian >= 2)`; empty means anyone.")
    seconds: Seconds | None = Field(None, alias="for", description="How long before the next step when nobody answered; the last step has none.")
    drop_call_wants: bool = Field(False, description="Whether this step lets go of what the call itself wants, such as its language.")


class QueueTable(Table):
    """A waiting line."""

    name: str = Field(min_length=1, max_length=40, description="Shown on handsets before the caller's name.")
    steps: list[StepRow] = Field(default=[StepRow()], min_length=1, max_length=10, description="What is wanted of agents, relaxing as time passes.")
    strategy: Strategy = Field(Strategy.LONGEST_IDLE, description="Which of several free, qualified agents is offered a call.")
    ring_best: int = Field(1, ge=1, le=20, description="How many agents ring at once with strategy `ring all`.")
    ring: Seconds = Field(15.0, ge=3, le=120, description="How long a phone rings for one offer: about three rings.")
    wrap_up: Seconds = Field(15.0, le=3600, description="Time to finish after a call before the next is offered.")
    priority: int = Field(5, ge=1, le=10, description="Class priority; 1 goes first.")
    bonus: Seconds = Field(0.0, description="Seconds by which callers count as having waited longer.")
    last_agent_window: Seconds = Field(86_400.0, description="Within this time the agent who last talked with the caller is tried first; 0 turns it off.")
    last_agent_wait: Seconds = Field(20.0, description="How long a caller waits for that agent alone when the agent is there but busy.")
    max_wait: Seconds | None = Field(None, description="Longest wait before the fallback; none by default.")
    max_length: int | None = Field(None, ge=1, description="Most callers in line; further ones go to the fallback at once.")
    music: str = Field("default", pattern=r"^[A-Za-z0-9_-]+$", description="The music class to wait to.")
    greeting: Id | None = Field(None, description="A prompt said once on entering the line.")
    fallback: Destination = Field(description="Where callers go when nobody logged in can help them, or at max_wait or max_length.")


class Choice(Table):
    """What a key does when it does more than lead somewhere."""

    to: Destination = Field(description="Where the key leads.")
    language: str | None = Field(None, description="The language chosen; it becomes a skill wanted.")
    reason: str | None = Field(None, max_length=60, description="Why the caller calls; stands on the call.")
    wants: str | None = Field(None, description="Skills the call wants from now on.")


class Menu(Table):
    """A menu: keep it short."""

    prompt: Id = Field(description="The prompt that names the keys.")
    keys: dict[Key, Destination | Choice] = Field(description="What each key does. 0 reaches company.operator unless it is named here.")
    timeout: Seconds = Field(5.0, ge=1, le=60, description="How long to wait for a key after the prompt.")
    tries: int = Field(3, ge=1, le=9, description="How often silent or wrong keys are met with the menu again.")
    invalid: Id | None = Field(None, description="Said after a key that means nothing here; a standard phrase by default.")
    silent: Id | None = Field(None, description="Said when no key came; a standard phrase by default.")
    fallback: Destination = Field("operator", description="Where a confused caller goes after all tries: never hung up on.")
    operator_key: bool = Field(True, description="Whether 0 reaches a person from here when it isn't named in keys.")


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

    day: date = Field(description="The day.")
    name: str = Field(min_length=1, max_length=60, description="What the day is called.")
    open: list[TimeRange] = Field(default=[], description="When it is open all the same; empty means closed.")


class Hours(Table):
    """Opening hours in the site's time zone. Special days beat holidays, holidays beat weekdays."""

    weekly: dict[Weekday, list[TimeRange]] = Field(description="Times open on each weekday, such as [\"09:00-12:00\", \"13:00-17:00\"]; a day left out is closed.")
    holidays: str | None = Field(None, pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", description="Public holidays of a country or state (library holidays), such as US or DE-BE: closed.")
    special: list[SpecialDay] = Field(default=[], description="Dates of your own.")


class NumberTable(Table):
    """A dialled number and where it enters."""

    enters: Destination = Field(description="Where calls to this number go.")
    greeting: Id | None = Field(None, description="A prompt said first.")
    hours: Id | None = Field(None, description="Opening hours; none means always open.")
    closed: Destination | None = Field(None, description="Where calls go when closed; needed with hours.")
    trunks: list[Id] | None = Field(None, description="Trunks this number may be dialled over; all by default.")
    phones: bool = Field(True, description="Whether desk phones may dial it.")


class PromptTable(Table):
    """A prompt: a text to be spoken, or a recording."""

    text: str | None = Field(None, min_length=1, max_length=2_000, description="Spoken by the speech program in the default language.")
    texts: dict[str, str] = Field(default={}, description="The text in further languages, by code.")
    file: Path | None = Field(None, description="A recording instead (WAV, any rate), relative to the site.")


class Codes(Table):
    """Feature codes dialled on a handset."""

    login: str = Field("*60", pattern=r"^[*#0-9]{2,6}$", description="Log in, with agent id and PIN.")
    logout: str = Field("*61", pattern=r"^[*#0-9]{2,6}$", description="Log out.")
    pause: str = Field("*62", pattern=r"^[*#0-9]{2,6}$", description="Go on break.")
    resume: str = Field("*63", pattern=r"^[*#0-9]{2,6}$", description="Be available again: ends a break, misses and wrap-up.")


class Offers(Table):
    """How agents are treated after offers that failed (field.md R9, R10)."""

    misses: int = Field(2, ge=1, le=10, description="Offers missed in a row before an agent counts as not answering.")
    back_off_refused: Seconds = Field(10.0, description="Rest after refusing.")
    back_off_busy: Seconds = Field(60.0, description="Rest after a busy signal.")
    back_off_no_answer: Seconds = Field(0.0, description="Rest after not answering, before misses count.")


class Site(Table):
    """The whole site file."""

    company: Company
    asterisk: Asterisk
    daemon: Daemon = Daemon()
    speech: Speech = Speech()
    lookup: Lookup | None = None
    mqtt: Mqtt | None = None
    codes: Codes = Codes()
    offers: Offers = Offers()
    trunks: dict[Id, Trunk] = Field(default={}, description="Lines to the outside.")
    phones: dict[Digits, Phone] = Field(default={}, description="Desk phones by extension.")
    agents: dict[Digits, Agent] = Field(default={}, description="Agents by id.")
    queues: dict[Id, QueueTable] = Field(default={}, description="Waiting lines.")
    menus: dict[Id, Menu] = Field(default={}, description="Menus.")
    hours: dict[Id, Hours] = Field(default={}, description="Opening hours.")
    numbers: dict[Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{2,15}$")], NumberTable] = Field(default={}, description="Which dialled number enters where.")
    prompts: dict[Id, PromptTable] = Field(default={}, description="What is said.")
