"""Changes of products, for the search index to catch up with."""

import sqlalchemy as sa
from alembic import op

revision = "0020_product_changes"
down_revision = "0019_conversations"


def upgrade() -> None:
    """Create the table. Products of before are in the first index, which reads them all."""
    op.create_table(
        "product_changes",
        sa.Column("product_id", sa.String(256), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_product_changes_revision", "product_changes", ["revision"])
