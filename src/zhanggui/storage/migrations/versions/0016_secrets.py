"""Secrets of the shop's own making: what signs unsubscribe links rests where every worker finds it."""

import sqlalchemy as sa
from alembic import op

revision = "0016_secrets"
down_revision = "0015_access"


def upgrade() -> None:
    """Create the table. A key file beside the data enters it when the shop is opened next."""
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("value", sa.String(255), nullable=False),
    )
