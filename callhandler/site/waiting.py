"""The site file's tables about waiting well: check-ins, holds, callbacks, messages."""

from enum import StrEnum

from pydantic import Field

from callhandler.core.model import First
from callhandler.site.values import (
    NUMBER_PATTERN,
    Country,
    Digits,
    Host,
    Id,
    Line,
    Mailbox,
    Mailboxes,
    Port,
    Prefix,
    Seconds,
    SecretLine,
    Table,
    Whole,
)


class Encryption(StrEnum):
    """How a connection to a mail server is encrypted."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Waiting(Table):
    """What everyone who waits is promised, in line and on hold."""

    check_in_at_most: Seconds = Field(
        default=90.0, ge=5, description="Nobody who waits goes without a spoken word for longer than this."
    )
    check_in_aim: Seconds = Field(
        default=60.0,
        ge=2,
        description="When the next word is aimed at, from the end of the last: early enough for a slow machine.",
    )
    hold_remind: Seconds = Field(
        default=45.0, ge=1, description="A caller on hold: the agent's phone is rung as a reminder."
    )
    hold_check_in: Seconds = Field(default=60.0, ge=1, description="A caller on hold is spoken to.")
    hold_alert: Seconds = Field(default=120.0, ge=1, description="A caller on hold: an alarm is raised.")
    redial: Seconds = Field(
        default=300.0, description="Who calls again within this time takes up the old place and answers."
    )
    away_ring_after: Seconds = Field(
        default=120.0, ge=10, description="The daemon away for this long: away_phones are rung by Asterisk itself."
    )
    away_phones: list[Digits] = Field(
        default=[], description="Phones that ring when the daemon is away; none: callers wait on."
    )
    away_message_after: Seconds | None = Field(
        default=None,
        ge=10,
        description="The daemon away for this long: Asterisk itself takes a message; never by default.",
    )


class Callbacks(Table):
    """Calling callers back who keep their place in line. Without this table nobody is called back."""

    trunk: Id = Field(description="The trunk that customers are called over.")
    caller_number: str | None = Field(
        default=None,
        pattern=NUMBER_PATTERN,
        description="The number shown to customers; none: `asterisk`, which is none.",
    )
    first: First = Field(
        default=First.AGENT,
        description="Who is called first: the agent, who then waits for the customer; or the customer, who then waits for an agent.",
    )
    customer_waits: Seconds = Field(
        default=60.0,
        ge=10,
        le=300,
        description="How long a customer who said yes waits for an agent at the most; then they are told so, and called again.",
    )
    offer_after: Seconds = Field(default=60.0, description="Offered to callers who have waited this long.")
    offer_estimate: Seconds = Field(default=180.0, description="Offered at once when the estimated wait is this long.")
    automatic_after: Seconds | None = Field(
        default=None,
        description="Who gave up after waiting this long is called back without asking; nobody by default.",
    )
    attempts: Whole = Field(default=3, ge=1, le=10, description="Attempts to reach a customer.")
    spacing: Seconds = Field(default=600.0, ge=1, description="Time between attempts.")
    ring: Seconds = Field(default=30.0, ge=5, le=120, description="How long the customer's phone rings.")
    expires: Seconds = Field(
        default=86_400.0,
        ge=60,
        description="A callback not made by then has expired; where that is outside the calling hours, by the end of the next ones.",
    )
    hours: Id | None = Field(
        default=None, description="Opening hours within which customers are called; always by default."
    )
    countries: list[Country] = Field(
        default=[], description="Countries that may be called (ISO codes); company.country by default."
    )
    prefixes: list[Prefix] = Field(
        default=[],
        description="Only numbers that begin with one of these are called, in international form such as +4930; "
        "all of the countries by default.",
    )
    refuse: list[Prefix] = Field(
        default=[], description="Prefixes that are never called, in international form such as +49900."
    )
    per_number: Whole = Field(
        default=2, ge=1, description="Callbacks to one number within a day; one when the number was not confirmed."
    )
    per_hour: Whole = Field(default=60, ge=1, description="Calls out in one hour.")
    per_day: Whole = Field(default=500, ge=1, description="Calls out in one day.")
    at_once: Whole = Field(default=5, ge=1, description="Calls out at one time.")
    minutes: Whole = Field(default=60, ge=1, description="Longest callback conversation, in minutes.")
    minutes_per_day: Whole = Field(
        default=1_000, ge=1, description="Minutes talked out in one day before no more calls are made."
    )
    amd: bool = Field(
        default=False,
        description="Asterisk listens whether a machine answers a callback (AMD), which is then an attempt that failed at once.",
    )
    message: Id | None = Field(
        default=None, description="A prompt left when nobody accepts the last attempt; none by default."
    )
    slot_capacity: Whole = Field(
        default=2,
        ge=1,
        le=100,
        description="Callbacks promised for one quarter of an hour, those of `callbacks add --at` among them.",
    )
    slots_ahead: Whole = Field(
        default=8,
        ge=1,
        le=96,
        description="How many slots are offered: the next ones within `hours` and those of the number dialled that have room, "
        "within six days.",
    )


class Mail(Table):
    """Where messages are mailed to, over SMTP."""

    host: Host = Field(default="127.0.0.1", description="The mail server.")
    port: Port = Field(default=25, description="Its port.")
    tls: Encryption = Field(default=Encryption.STARTTLS, description="How the connection is encrypted.")
    user: Line | None = Field(default=None, description="The user, if the server wants one.")
    password: SecretLine | None = Field(default=None, description="The password, if the server wants one.")
    sender: Mailbox = Field(description="The sender's address.")
    to: Mailboxes = Field(description="Who gets messages of queues that name nobody.")
