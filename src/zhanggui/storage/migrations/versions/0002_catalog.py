"""The first table of catalog."""

import sqlalchemy as sa
from alembic import op

revision = "0002_catalog"
down_revision = "0001_events"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "products",
        sa.Column("product_id", sa.String(256), primary_key=True),
        sa.Column("category", sa.String(512), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_products_category", "products", ["category"])
