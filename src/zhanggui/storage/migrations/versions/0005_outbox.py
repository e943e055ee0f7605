"""The first tables of outbox."""

revision = "0005_outbox"
down_revision = "0004_contacts"


def upgrade() -> None:
    """Create the tables."""
