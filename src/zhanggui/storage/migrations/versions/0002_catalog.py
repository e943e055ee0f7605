"""The first tables of catalog."""

revision = "0002_catalog"
down_revision = "0001_events"


def upgrade() -> None:
    """Create the tables."""
