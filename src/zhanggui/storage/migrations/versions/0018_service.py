"""Orders as shoppers ask for them, wrong tries at proving whose they are, and what was done at the service desk."""

import sqlalchemy as sa
from alembic import op

revision = "0018_service"
down_revision = "0017_variants"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "orders",
        sa.Column("order_id", sa.String(256), primary_key=True),
        sa.Column("number", sa.String(256), nullable=False),
        sa.Column("customer_id", sa.String(256), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_index("ix_orders_number", "orders", ["number"])
    op.create_index("ix_orders_customer_id", "orders", ["customer_id"])
    op.create_table(
        "proof_tries",
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_proof_tries_subject", "proof_tries", ["subject", "at"])
    op.create_table(
        "desk_actions",
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("order_id", sa.String(256), nullable=False),
        sa.Column("customer_id", sa.String(256), nullable=False),
        sa.Column("visitor_id", sa.String(256), nullable=False),
        sa.Column("proof", sa.String(16), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("balance", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
    )
    op.create_index("ix_desk_actions_order_id", "desk_actions", ["order_id", "asked_at"])
