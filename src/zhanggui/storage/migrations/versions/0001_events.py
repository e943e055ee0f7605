"""The first tables of events."""

revision = "0001_events"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
