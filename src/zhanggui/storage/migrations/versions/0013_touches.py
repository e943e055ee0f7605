"""Touches, and contacts by touch and address."""

revision = "0013_touches"
down_revision = "0012_people"


def upgrade() -> None:
    """Nothing yet."""
