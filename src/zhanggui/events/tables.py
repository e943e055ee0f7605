"""The SQL tables of the event log. Knows no Parquet and no JSON."""

import sqlalchemy as sa

from zhanggui.storage.database import UtcTime, metadata

# Events not yet compacted. `seq` is the order of commits, so that a position means "everything up to here".
events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("user_id", sa.Text),
    sa.Column("anonymous_id", sa.Text),
    sa.Column("previous_id", sa.Text),
    sa.Column("timestamp", UtcTime, nullable=False),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("order_id", sa.Text),
    sa.Column("currency", sa.Text),
    sa.Column("revenue_minor", sa.BigInteger),
    sa.Column("discount_minor", sa.BigInteger),
    sa.Column("coupon", sa.Text),
    sa.Column("products", sa.Text),  # JSON list of the product structs
    sa.Column("channel", sa.Text),
    sa.Column("decision_id", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("trust", sa.Text, nullable=False, server_default="server"),
    sa.Index("ix_events_timestamp", "timestamp", "seq"),
)

# The messageIds of the dedupe window, hot or compacted.
event_ids = sa.Table(
    "event_ids",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("appended_at", UtcTime, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# For each user or anonymous id, the position of her latest event.
event_users = sa.Table(
    "event_users",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("last_seq", sa.BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# One row: the position of the log. Appending takes its lock, so appends commit in the order of positions.
event_position = sa.Table(
    "event_position",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
)

# The Parquet files that make up the log; a file on disk that is not listed does not exist for a reader.
event_files = sa.Table(
    "event_files",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),  # relative to the log's folder
    sa.Column("day", sa.Text, nullable=False),  # of the event time, UTC, ISO 8601
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("added_at", UtcTime, nullable=False),
    sa.Column("retired_at", UtcTime),  # when another file took its place
    sa.Column("format", sa.Integer, nullable=False, server_default="1"),  # 1: without the column `trust`
)
