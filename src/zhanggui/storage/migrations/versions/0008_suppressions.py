"""Suppressed e-mail addresses in small letters, as they are looked up from now on; of two, the first one stays."""

import sqlalchemy as sa
from alembic import op

revision = "0008_suppressions"
down_revision = "0007_access"

_suppressions = sa.table(
    "suppressions",
    sa.column("address", sa.String),
    sa.column("channel", sa.String),
    sa.column("reason", sa.String),
    sa.column("at", sa.BigInteger),
)


def upgrade() -> None:
    """Write each anew. In Python, since SQLite's lower() knows ASCII only."""
    connection = op.get_bind()
    mail = _suppressions.c.channel == "email"
    first: dict[str, dict[str, object]] = {}
    for row in connection.execute(sa.select(_suppressions).where(mail).order_by(_suppressions.c.at)).mappings():
        first.setdefault(row["address"].lower(), dict(row))
    if first:
        connection.execute(sa.delete(_suppressions).where(mail))
        connection.execute(sa.insert(_suppressions), [{**row, "address": key} for key, row in first.items()])
