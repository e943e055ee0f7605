"""The events that journeys wait for, noted as they are stored, so that nobody reads the log to find them.

Owns their table, and how far each journey has listened. Knows not what a journey does about them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from zhanggui.campaigns.journey import Journey
from zhanggui.campaigns.journey_store import waited_for
from zhanggui.storage.database import UtcTime, insert, metadata

signals = sa.Table(
    "journey_signals",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, index=True),
    sa.Column("anonymous_id", sa.Text, index=True),
    sa.Column("product_ids", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False, index=True),
)
positions = sa.Table(
    "journey_positions",
    metadata,
    sa.Column("flow_id", sa.String(63), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Signal:
    """An event that some journey waits for."""

    seq: int
    message_id: str
    name: str
    customer_id: str
    """The user's id, or else the device's."""
    product_ids: tuple[str, ...]
    at: datetime

    @property
    def entry(self) -> str:
        """What a customer who enters by it is on the way by."""
        return self.message_id if len(self.message_id) <= 256 else hashlib.sha256(self.message_id.encode()).hexdigest()


def hear(connection: sa.Connection, rows: Sequence[Mapping[str, Any]], *, now: datetime, late: timedelta) -> None:
    """Note what journeys wait for among events just stored (rows of the log). What happened longer ago than `late` before a last
    step would have been due is left out: its message would come too late.
    """
    longest = waited_for(connection)
    noted = [
        {
            "seq": row["seq"],
            "message_id": row["message_id"],
            "name": row["name"],
            "user_id": row["user_id"],
            "anonymous_id": row["anonymous_id"],
            "product_ids": json.dumps([line["product_id"] for line in json.loads(row["products"] or "[]")]),
            "at": row["timestamp"],
        }
        for row in rows
        if row["type"] == "track" and row["name"] in longest and row["timestamp"] > now - longest[row["name"]] - late
    ]
    if noted:
        connection.execute(sa.insert(signals), noted)


def position(connection: sa.Connection, flow_id: str) -> int:
    """How far a journey has listened."""
    return connection.scalar(sa.select(positions.c.seq).where(positions.c.flow_id == flow_id)) or 0


def listened(connection: sa.Connection, flow_id: str, seq: int) -> None:
    """Write down how far a journey has listened."""
    upsert = insert(connection, positions).values(flow_id=flow_id, seq=seq)
    connection.execute(upsert.on_conflict_do_update(index_elements=["flow_id"], set_={"seq": seq}))


def last(connection: sa.Connection) -> int:
    """How far there is something to listen to."""
    return connection.scalar(sa.select(sa.func.max(signals.c.seq))) or 0


def after(connection: sa.Connection, seq: int, *, limit: int) -> list[Signal]:
    """What was noted after a position, in order."""
    query = sa.select(signals).where(signals.c.seq > seq).order_by(signals.c.seq).limit(limit)
    return [_signal(row) for row in connection.execute(query)]


def forget(connection: sa.Connection, *, before: datetime) -> int:
    """Delete what nobody waits for any more; returns how many."""
    return connection.execute(sa.delete(signals).where(signals.c.at < before)).rowcount


def ended_by(
    connection: sa.Connection, journey: Journey, customer_ids: Sequence[str], product_id: str | None, since: datetime
) -> str | None:
    """The name of an event of these ids that has ended the journey since a moment; None when none has."""
    of_them = sa.or_(
        signals.c.user_id.in_(customer_ids),
        sa.and_(signals.c.user_id.is_(None), signals.c.anonymous_id.in_(customer_ids)),
    )
    names = (*journey.ends, *journey.ends_for_product)
    query = sa.select(signals).where(of_them, signals.c.at >= since, signals.c.name.in_(names))
    for row in connection.execute(query.order_by(signals.c.seq)):
        if row.name in journey.ends or product_id in json.loads(row.product_ids):
            return str(row.name)
    return None


def _signal(row: Any) -> Signal:
    return Signal(
        seq=row.seq,
        message_id=row.message_id,
        name=row.name,
        customer_id=row.user_id or row.anonymous_id,
        product_ids=tuple(product_id for product_id in json.loads(row.product_ids) if product_id),
        at=row.at,
    )
