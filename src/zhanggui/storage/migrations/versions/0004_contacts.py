"""The first tables of contacts."""

revision = "0004_contacts"
down_revision = "0003_profiles"


def upgrade() -> None:
    """Create the tables."""
