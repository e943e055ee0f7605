"""Conversations, stored by turn."""

revision = "0019_conversations"
down_revision = "0018_service"


def upgrade() -> None:
    """Create the tables."""
