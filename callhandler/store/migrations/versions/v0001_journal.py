"""The journal's first shape: facts, calls computed from them, site files by digest."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "fact",
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("call", sa.Text()),
        sa.Column("leg", sa.Text()),
        sa.Column("agent", sa.Text()),
        sa.Column("queue", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("details", sa.Text(), nullable=False),
    )
    op.create_index("ix_fact_call", "fact", ["call", "seq"])
    op.create_index("ix_fact_agent_kind", "fact", ["agent", "kind", "seq"])
    op.create_index("ix_fact_kind_at", "fact", ["kind", "at", "agent"])
    op.create_table(
        "call",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("arrived", _BIG, nullable=False),
        sa.Column("ended", _BIG),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("caller_number", sa.Text(), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text()),
        sa.Column("agent", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("waited", sa.Integer(), nullable=False),
        sa.Column("talked", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("talked_until", _BIG),
        sa.Column("record", sa.Text(), nullable=False),
    )
    op.create_index("ix_call_arrived", "call", ["arrived"])
    op.create_index("ix_call_ended", "call", ["ended"])
    op.create_index("ix_call_talks", "call", ["talked_until", "caller_number", "agent"])
    op.create_table(
        "site",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("site", "call", "fact"):
        op.drop_table(table)
