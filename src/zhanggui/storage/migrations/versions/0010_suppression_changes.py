"""Who suppressed an address or lifted that, when and why; what is suppressed already begins the record."""

import sqlalchemy as sa
from alembic import op

revision = "0010_suppression_changes"
down_revision = "0009_run_failure"


def upgrade() -> None:
    """Create the table and take over what stands in `suppressions`."""
    op.create_table(
        "suppression_changes",
        sa.Column("address", sa.String(512), primary_key=True),
        sa.Column("channel", sa.String(63), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("suppressed", sa.Boolean, primary_key=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("by", sa.String(300), nullable=False),
    )
    op.execute(
        "INSERT INTO suppression_changes (address, channel, at, suppressed, reason, by) "
        "SELECT address, channel, at, TRUE, reason, 'delivery' FROM suppressions"
    )
