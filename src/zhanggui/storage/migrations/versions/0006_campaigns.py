"""The first tables of campaigns."""

revision = "0006_campaigns"
down_revision = "0005_outbox"


def upgrade() -> None:
    """Create the tables."""
