"""Wrong tries at proving whose an order is, counted in SQL: three for a visitor or for a number within 24 hours close it.

Counted under locks, so that two workers count together. Knows no order; of visitors and numbers it keeps hashes.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.storage.database import UtcTime, metadata
from zhanggui.storage.locks import hold

MOST = 3
WINDOW = timedelta(hours=24)
tries = sa.Table(
    "proof_tries",
    metadata,
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index("ix_proof_tries_subject", "subject", "at"),
)


def subjects(visitor_id: str, number: str) -> list[str]:
    """What a try of this visitor at this order number counts for."""
    named = [("visitor", visitor_id), ("order", number)]
    return [
        hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "backslashreplace")).hexdigest()
        for kind, name in named
        if name
    ]


def closed(connection: sa.Connection, of: Sequence[str], *, now: datetime) -> bool:
    """Whether one of these subjects has had its wrong tries; nobody else counts for them until the transaction ends."""
    hold(connection, [f"proof {subject}" for subject in of])
    query = sa.select(tries.c.subject).where(tries.c.subject.in_(of), tries.c.at > now - WINDOW)
    spent = sa.select(query.group_by(tries.c.subject).having(sa.func.count() >= MOST).exists())
    return bool(connection.scalar(spent))


def count_wrong(connection: sa.Connection, of: Sequence[str], *, now: datetime) -> None:
    """Count one wrong try for each of these subjects; those that count no more are forgotten."""
    connection.execute(sa.delete(tries).where(tries.c.subject.in_(of), tries.c.at <= now - WINDOW))
    connection.execute(sa.insert(tries), [{"subject": subject, "at": now} for subject in of])
