"""Variants of products: which product a variant's id belongs to. The edited ontology, and the catalogue's revision."""

import sqlalchemy as sa
from alembic import op

revision = "0017_variants"
down_revision = "0016_secrets"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "product_variants",
        sa.Column("variant_id", sa.String(256), primary_key=True),
        sa.Column("product_id", sa.String(256), nullable=False),
    )
    op.create_index("ix_product_variants_product_id", "product_variants", ["product_id"])
    op.create_table(
        "ontologies",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "catalog_revisions",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
