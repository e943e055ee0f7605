"""The first table of delivery: the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0005_outbox"
down_revision = "0004_contacts"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(256), nullable=False),
        sa.Column("run_id", sa.String(63), nullable=False),
        sa.Column("channel", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("in_doubt", sa.Integer, nullable=False),
        sa.Column("claim", sa.String(32)),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("customer_id", "run_id", "channel", name="uq_outbox_customer_id"),
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_run_id", "outbox", ["run_id", "state"])
