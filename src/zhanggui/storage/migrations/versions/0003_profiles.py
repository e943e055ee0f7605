"""The first tables of profiles."""

revision = "0003_profiles"
down_revision = "0002_catalog"


def upgrade() -> None:
    """Create the tables."""
