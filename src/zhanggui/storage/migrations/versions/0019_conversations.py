"""Conversations, stored by turn, and the inbox of those that a person is to answer."""

import sqlalchemy as sa
from alembic import op

revision = "0019_conversations"
down_revision = "0018_service"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.String(40), primary_key=True),
        sa.Column("visitor_id", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.String(256), nullable=False),
        sa.Column("door", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("seed", sa.String(32), nullable=False),
        sa.Column("turns", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_conversations_customer_id", "conversations", ["customer_id"])
    op.create_index("ix_conversations_last_at", "conversations", ["last_at"])
    op.create_table(
        "conversation_turns",
        sa.Column("conversation_id", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("author", sa.String(16), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("heard", sa.Text, nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("acts", sa.Text, nullable=False),
        sa.Column("impressions", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("conversation_id", "key", name="uq_conversation_turns_conversation_id"),
    )
    op.create_table(
        "hand_overs",
        sa.Column("conversation_id", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("told", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_hand_overs_state", "hand_overs", ["state", "asked_at"])
    op.create_index("ix_hand_overs_told", "hand_overs", ["told", "due_at"])
