"""The first tables of access."""

revision = "0007_access"
down_revision = "0006_campaigns"


def upgrade() -> None:
    """Create the tables."""
