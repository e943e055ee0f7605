"""When something other than a web page last sent with a write key; of a write key from before server keys, that is now."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0015_access"
down_revision = "0014_flows"


def upgrade() -> None:
    """Add the column. A server may send with an older write key: until now there was no other kind for it."""
    op.add_column("api_keys", sa.Column("server_use_at", sa.BigInteger))
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    keys = sa.table("api_keys", sa.column("scope"), sa.column("server_use_at"))
    op.execute(sa.update(keys).where(keys.c.scope == "write").values(server_use_at=now))
