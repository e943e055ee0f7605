"""Why a run failed, kept with the run."""

import sqlalchemy as sa
from alembic import op

revision = "0009_run_failure"
down_revision = "0008_suppressions"


def upgrade() -> None:
    """Add the column; runs from before have not failed as far as we know."""
    op.add_column("runs", sa.Column("failure", sa.Text, nullable=False, server_default=""))
