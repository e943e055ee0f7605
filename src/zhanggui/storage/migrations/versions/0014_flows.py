"""Flows with their state and owner; steps that a run has finished."""

revision = "0014_flows"
down_revision = "0013_touches"


def upgrade() -> None:
    """Nothing yet."""
