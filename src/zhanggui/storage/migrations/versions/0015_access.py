"""Server keys."""

revision = "0015_access"
down_revision = "0014_flows"


def upgrade() -> None:
    """Nothing yet."""
