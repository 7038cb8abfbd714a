"""The tables of the journal: the only SQLModel rows of the house. Heavy to import; readers use `queries.py` and plain SQL.

A change here needs a migration in `migrations/versions`; a test compares the two. docs/journal.md says what each column means.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Text
from sqlmodel import Field, SQLModel

_BIG = BigInteger().with_variant(
    Integer(), "sqlite"
)  # SQLite counts rows by INTEGER only; everywhere else 32 bits are too few


class FactRow(SQLModel, table=True):
    """What happened, in the order it was written. Rows are added, never changed."""

    __tablename__ = "fact"
    __table_args__ = (
        Index("ix_fact_call", "call", "seq"),
        Index("ix_fact_agent_kind", "agent", "kind", "seq"),
        Index("ix_fact_kind_at", "kind", "at", "agent"),
    )

    seq: int | None = Field(default=None, sa_column=Column(_BIG, primary_key=True, autoincrement=False))
    at: int = Field(sa_type=_BIG)
    kind: str = Field(sa_type=Text)
    version: int
    node: str = Field(sa_type=Text)
    call: str | None = Field(default=None, sa_type=Text)
    leg: str | None = Field(default=None, sa_type=Text)
    agent: str | None = Field(default=None, sa_type=Text)
    queue: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    details: str = Field(sa_type=Text)


class CallRow(SQLModel, table=True):
    """One call, computed from its facts: can be dropped and made again. `ended` is null while the call lasts."""

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_arrived", "arrived"),
        Index("ix_call_ended", "ended"),
        Index("ix_call_talks", "talked_until", "caller_number", "agent"),
    )

    id: str = Field(sa_type=Text, primary_key=True)
    node: str = Field(sa_type=Text)
    arrived: int = Field(sa_type=_BIG)
    ended: int | None = Field(default=None, sa_type=_BIG)
    number: str = Field(sa_type=Text)
    caller_number: str = Field(sa_type=Text)
    caller_name: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    queue: str | None = Field(default=None, sa_type=Text)
    agent: str | None = Field(default=None, sa_type=Text)
    outcome: str | None = Field(default=None, sa_type=Text)
    reason: str = Field(sa_type=Text)
    waited: int
    talked: int
    held: int
    talked_until: int | None = Field(default=None, sa_type=_BIG)
    record: str = Field(sa_type=Text)


class SiteRow(SQLModel, table=True):
    """A site file that was in force, by the digest that `SiteLoaded` names. Secrets are masked."""

    __tablename__ = "site"

    digest: str = Field(sa_type=Text, primary_key=True)
    at: int = Field(sa_type=_BIG)
    text: str = Field(sa_type=Text)
