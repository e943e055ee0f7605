"""Suppressed telephone numbers as they are looked up from now on, without blanks and dashes; of two, the first one stays."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0011_suppressed_numbers"
down_revision = "0010_suppression_changes"

_shared = ("address", "channel", "reason", "at")
_suppressions = sa.table("suppressions", *map(sa.column, _shared))
_changes = sa.table("suppression_changes", *map(sa.column, (*_shared, "suppressed", "by")))


def upgrade() -> None:
    """Write each anew."""
    connection = op.get_bind()
    for table, key in ((_suppressions, ("address",)), (_changes, ("address", "at", "suppressed"))):
        numbers = table.c.channel == "sms"
        first: dict[object, dict[str, object]] = {}
        for row in connection.execute(sa.select(table).where(numbers).order_by(table.c.at)).mappings():
            kept = {**row, "address": _number(row["address"])}
            first.setdefault(tuple(kept[name] for name in key), kept)
        if first:
            connection.execute(sa.delete(table).where(numbers))
            connection.execute(sa.insert(table), list(first.values()))


def _number(address: str) -> str:
    found = re.sub(r"\(0\)|[\s().\-\u2010-\u2015/]", "", unicodedata.normalize("NFKC", address))
    return f"+{found[2:]}" if found.startswith("00") else found
