"""Variants of products: which product a variant's id belongs to."""

revision = "0017_variants"
down_revision = "0016_secrets"


def upgrade() -> None:
    """Create the tables."""
