"""Persons, device links, the address of a consent, and by which kind of key an event came."""

revision = "0012_people"
down_revision = "0011_suppressed_numbers"


def upgrade() -> None:
    """Nothing yet."""
