"""Who is on the way through a journey: one row a customer and event by which the customer came in. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhanggui.campaigns.journey import Journey
from zhanggui.campaigns.journey_signals import Signal
from zhanggui.profiles import identity
from zhanggui.storage.database import UtcTime, insert, metadata

entries = sa.Table(
    "journey_entries",
    metadata,
    sa.Column("flow_id", sa.String(63), primary_key=True),
    sa.Column("entry", sa.String(256), primary_key=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("product_id", sa.Text),
    sa.Column("entered_at", UtcTime, nullable=False),
    sa.Column("step", sa.String(63), nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("batch", sa.String(63)),
    sa.Index("ix_journey_entries_state", "flow_id", "state", "due_at"),
    sa.Index("ix_journey_entries_customer_id", "customer_id"),
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A customer on the way through a journey. `step` is the next one; `batch` names the decisions that are being made."""

    entry: str
    customer_id: str
    product_id: str | None
    entered_at: datetime
    step: str
    due_at: datetime
    state: str
    reason: str
    batch: str | None


def enter(connection: sa.Connection, flow_id: str, journey: Journey, signal: Signal) -> bool:
    """Let a customer begin the journey, once by the same event; whether that is new."""
    step = journey.begin()
    row = {
        "flow_id": flow_id,
        "entry": signal.entry,
        "customer_id": signal.customer_id,
        "product_id": signal.product_ids[0] if signal.product_ids else None,
        "entered_at": signal.at,
        "step": step.name,
        "due_at": signal.at + step.after,
        "state": "open",
        "reason": "",
    }
    added = insert(connection, entries).values(row).on_conflict_do_nothing().returning(entries.c.entry)
    return connection.execute(added).first() is not None


def open_of(connection: sa.Connection, flow_id: str, customer_ids: Sequence[str]) -> list[Entry]:
    """The entries of these ids that are on the way, the earliest first."""
    query = sa.select(entries).where(
        entries.c.flow_id == flow_id, entries.c.state == "open", entries.c.customer_id.in_(customer_ids)
    )
    return [_entry(row) for row in connection.execute(query.order_by(entries.c.entered_at, entries.c.entry))]


def of_entry(connection: sa.Connection, flow_id: str, entry: str) -> Entry | None:
    """One entry, whether it is on the way or has ended."""
    query = sa.select(entries).where(entries.c.flow_id == flow_id, entries.c.entry == entry)
    row = connection.execute(query).first()
    return None if row is None else _entry(row)


def due(connection: sa.Connection, flow_id: str, *, now: datetime, limit: int) -> list[Entry]:
    """Entries whose next step is due and in no batch yet, the longest due first."""
    query = sa.select(entries).where(
        entries.c.flow_id == flow_id, entries.c.state == "open", entries.c.due_at <= now, entries.c.batch.is_(None)
    )
    return [_entry(row) for row in connection.execute(query.order_by(entries.c.due_at, entries.c.entry).limit(limit))]


def in_a_batch(connection: sa.Connection, flow_id: str) -> list[Entry]:
    """Entries of a batch that was begun and not ended."""
    query = sa.select(entries).where(
        entries.c.flow_id == flow_id, entries.c.state == "open", entries.c.batch.is_not(None)
    )
    return [_entry(row) for row in connection.execute(query.order_by(entries.c.batch, entries.c.entry))]


def change(connection: sa.Connection, flow_id: str, entry: str, **values: Any) -> None:
    """Write down where an entry stands."""
    connection.execute(sa.update(entries).where(entries.c.flow_id == flow_id, entries.c.entry == entry).values(values))


def standing(connection: sa.Connection, flow_id: str) -> dict[str, int]:
    """How many are on the way ("open"), and how many have ended, by reason."""
    code = sa.case((entries.c.state == "open", "open"), else_=entries.c.reason)
    query = sa.select(code, sa.func.count()).where(entries.c.flow_id == flow_id).group_by(code).order_by(code)
    return {str(reason): int(count) for reason, count in connection.execute(query)}


def ids_of(connection: sa.Connection, customer_id: str) -> tuple[str, list[str]]:
    """The person behind an id, and every id that the person has been seen under, devices included."""
    person = identity.find(connection, customer_id)
    members = identity.members_of(connection, [person])[person]
    devices = identity.device_owners(connection, members)
    return person, sorted({customer_id, *members, *devices})


def _entry(row: Any) -> Entry:
    return Entry(
        entry=row.entry,
        customer_id=row.customer_id,
        product_id=row.product_id,
        entered_at=row.entered_at,
        step=row.step,
        due_at=row.due_at,
        state=row.state,
        reason=row.reason,
        batch=row.batch,
    )
