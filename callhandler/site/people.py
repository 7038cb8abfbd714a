"""The site file's tables about who takes calls: phones, agents, queues, feature codes, and how offers are made."""

from pydantic import Field

from callhandler.core.model import Strategy
from callhandler.site.values import (
    LINE_PATTERN,
    Code,
    Destination,
    Digits,
    Id,
    Level,
    Mailboxes,
    Seconds,
    SecretDigits,
    SecretLine,
    Skill,
    Table,
    Whole,
)


class Phone(Table):
    """A desk phone. Its id is its extension and its SIP user."""

    name: str = Field(
        default="", max_length=80, pattern=LINE_PATTERN, description="What stands on it, such as a desk or a room."
    )
    password: SecretLine = Field(min_length=8, description="The SIP password the phone registers with.")
    encrypted: bool = Field(
        default=False,
        strict=True,
        description="Whether its calls are SIP over TLS and SRTP, and nothing else. Needs [tls].",
    )


class ServesRow(Table):
    """One row of an agent's routing profile."""

    queue: Id = Field(description="The queue served.")
    priority: Whole = Field(default=1, ge=1, le=99, description="Lower first; beats every other order.")
    delay: Seconds = Field(default=0.0, description="A call shows up for this agent only after waiting this long.")


class Agent(Table):
    """A person who takes calls, at any phone."""

    name: str = Field(min_length=1, max_length=80, pattern=LINE_PATTERN, description="The person's name.")
    pin: SecretDigits = Field(
        min_length=4,
        max_length=12,
        description="The PIN for the feature codes; six digits or more resist guessing.",
    )
    skills: dict[Skill, Level] = Field(
        default={}, description="Skills with levels 1 to 10. A missing skill is not zero: it never qualifies."
    )
    phone: Digits | None = Field(
        default=None,
        description="The agent's own desk phone: where the agent is logged in at the very first start, and by default.",
    )
    serves: list[ServesRow] = Field(
        default=[], description="The queues served, with priority and delay; empty means every queue."
    )


class StepRow(Table):
    """One step of a queue's relaxing wants."""

    wants: str = Field(
        default="",
        description="Skills wanted, such as `billing >= 3 and (spanish or italian >= 2)`; empty means anyone.",
    )
    seconds: Seconds | None = Field(
        default=None,
        alias="for",
        description="How long before the next step when nobody answered; the last step has none.",
    )
    drop_call_wants: bool = Field(
        default=False,
        strict=True,
        description="Whether this step lets go of what the call itself wants, such as its language.",
    )


class QueueTable(Table):
    """A waiting line."""

    name: str = Field(
        min_length=1, max_length=40, pattern=LINE_PATTERN, description="Shown on handsets before the caller's name."
    )
    steps: list[StepRow] = Field(
        default=[StepRow()],
        min_length=1,
        max_length=10,
        description="What is wanted of agents, relaxing as time passes.",
    )
    strategy: Strategy = Field(
        default=Strategy.LONGEST_IDLE, description="Which of several free, qualified agents is offered a call."
    )
    ring_best: Whole = Field(
        default=1, ge=1, le=20, description="How many agents ring at once with strategy `ring all`."
    )
    ring: Seconds = Field(
        default=15.0, ge=3, le=120, description="How long a phone rings for one offer: about three rings."
    )
    wrap_up: Seconds = Field(
        default=15.0, le=3600, description="Time to finish after a call before the next is offered."
    )
    priority: Whole = Field(default=5, ge=1, le=10, description="Class priority; 1 goes first.")
    bonus: Seconds = Field(default=0.0, description="Seconds by which callers count as having waited longer.")
    last_agent_window: Seconds = Field(
        default=86_400.0,
        description="Within this time the agent who last talked with the caller is tried first; 0 turns it off.",
    )
    last_agent_wait: Seconds = Field(
        default=20.0, description="How long a caller waits for that agent alone when the agent is there but busy."
    )
    max_wait: Seconds | None = Field(default=None, description="Longest wait before the fallback; none by default.")
    max_length: Whole | None = Field(
        default=None, ge=1, description="Most callers in line; further ones go to the fallback at once."
    )
    music: Id = Field(default="default", description="The music class to wait to.")
    greeting: Id | None = Field(default=None, description="A prompt said once on entering the line.")
    fallback: Destination = Field(
        description="Where callers go when nobody here can help them, or at max_wait or max_length."
    )
    on_nobody: Destination | None = Field(default=None, description="Instead of fallback, when nobody can help them.")
    on_timeout: Destination | None = Field(default=None, description="Instead of fallback, at max_wait.")
    on_full: Destination | None = Field(default=None, description="Instead of fallback, at max_length.")
    on_closing: Destination | None = Field(
        default=None, description="Instead of fallback, for those who still wait when the number they dialled closes."
    )
    callback: bool = Field(default=True, strict=True, description="Whether callers can ask to be called back (key 1).")
    messages: bool = Field(default=True, strict=True, description="Whether callers can leave a message (key 2).")
    mail: Mailboxes | None = Field(
        default=None, description="Who gets this queue's messages by mail; mail.to by default."
    )


class Tier(Table):
    """What a tier that the lookup names (or a menu) means for the order of calls: every queue's own values are the default."""

    priority: Whole | None = Field(
        default=None, ge=1, le=10, description="Class priority instead of the queue's; 1 goes first."
    )
    bonus: Seconds = Field(default=0.0, description="Seconds by which these callers count as having waited longer.")


class Codes(Table):
    """Feature codes dialled on a handset."""

    login: Code = Field(default="*60", description="Log in, with agent id and PIN.")
    logout: Code = Field(default="*61", description="Log out.")
    pause: Code = Field(default="*62", description="Go on break.")
    resume: Code = Field(default="*63", description="Be available again: ends a break, misses and wrap-up.")

    def meaning(self, dialled: str) -> str | None:
        """Return what a dialled code does (the name of its field), None when it is no code."""
        return next((name for name, code in self if code == dialled), None)


class Offers(Table):
    """How agents are treated after offers that failed."""

    misses: Whole = Field(
        default=2, ge=1, le=10, description="Offers missed in a row before an agent counts as not answering."
    )
    back_off_refused: Seconds = Field(default=10.0, description="Rest after refusing.")
    back_off_busy: Seconds = Field(default=60.0, description="Rest after a busy signal.")
    back_off_no_answer: Seconds = Field(default=0.0, description="Rest after not answering, before misses count.")
