"""The SQL table of consents: append-only, one row a statement. Knows no rule."""

import sqlalchemy as sa

from zhanggui.storage.database import UtcTime, metadata

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("customer_id", sa.String(256), primary_key=True),
    sa.Column("channel", sa.String(63), primary_key=True),
    sa.Column("purpose", sa.String(63), primary_key=True),
    sa.Column("at", UtcTime, primary_key=True),
    sa.Column("granted", sa.Boolean, primary_key=True),
    sa.Column("address", sa.String(512), primary_key=True, server_default=""),  # normalised; empty: none was named
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("recorded_at", UtcTime, nullable=False),
    sa.Index("ix_consents_address", "channel", "address"),
)
