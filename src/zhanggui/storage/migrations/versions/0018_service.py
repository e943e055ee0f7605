"""Orders as shoppers ask for them, policy pages, and what was done at the service desk."""

revision = "0018_service"
down_revision = "0017_variants"


def upgrade() -> None:
    """Create the tables."""
