"""The first tables of events."""

import sqlalchemy as sa
from alembic import op

revision = "0001_events"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("user_id", sa.Text),
        sa.Column("anonymous_id", sa.Text),
        sa.Column("previous_id", sa.Text),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.Text),
        sa.Column("currency", sa.Text),
        sa.Column("revenue_minor", sa.BigInteger),
        sa.Column("discount_minor", sa.BigInteger),
        sa.Column("coupon", sa.Text),
        sa.Column("products", sa.Text),
        sa.Column("channel", sa.Text),
        sa.Column("decision_id", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
    )
    op.create_index("ix_events_timestamp", "events", ["timestamp", "seq"])
    op.create_table(
        "event_ids",
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("appended_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_event_ids"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_ids_appended_at", "event_ids", ["appended_at"])
    op.create_table(
        "event_users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_users"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_users_last_seq", "event_users", ["last_seq"])
    position = op.create_table(
        "event_position",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_position"),
    )
    op.bulk_insert(position, [{"id": 1, "position": 0}])
    op.create_table(
        "event_files",
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("retired_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("path", name="pk_event_files"),
    )
