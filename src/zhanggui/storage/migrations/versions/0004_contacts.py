"""The first tables of decisioning: whom we contacted when, and addresses that must not be used."""

import sqlalchemy as sa
from alembic import op

revision = "0004_contacts"
down_revision = "0003_profiles"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "contacts",
        sa.Column("customer_id", sa.String(256), primary_key=True),
        sa.Column("message_id", sa.String(128), primary_key=True),
        sa.Column("channel", sa.String(63), nullable=False),
        sa.Column("purpose", sa.String(63), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_contacts_customer_id", "contacts", ["customer_id", "at"])
    op.create_table(
        "suppressions",
        sa.Column("address", sa.String(512), primary_key=True),
        sa.Column("channel", sa.String(63), primary_key=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
