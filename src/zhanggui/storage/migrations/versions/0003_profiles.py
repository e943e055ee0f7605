"""The first tables of profiles: who is who, where they can be reached, what they agreed to."""

import sqlalchemy as sa
from alembic import op

revision = "0003_profiles"
down_revision = "0002_catalog"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "identities",
        sa.Column("from_id", sa.String(256), primary_key=True),
        sa.Column("to_id", sa.String(256), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "contact_points",
        sa.Column("customer_id", sa.String(256), primary_key=True),
        sa.Column("channel", sa.String(63), primary_key=True),
        sa.Column("address", sa.String(512), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_contact_points_address", "contact_points", ["address"])
    op.create_table(
        "consents",
        sa.Column("customer_id", sa.String(256), primary_key=True),
        sa.Column("channel", sa.String(63), primary_key=True),
        sa.Column("purpose", sa.String(63), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("granted", sa.Boolean, primary_key=True),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
    )
