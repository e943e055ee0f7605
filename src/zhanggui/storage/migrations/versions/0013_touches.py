"""Touches, and contacts by touch and address. Each message of before becomes a touch of its run, and keeps its id.

Contacts of before count on; those whose message is gone have no address. Rows that wait leave once.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013_touches"
down_revision = "0012_people"

_CHUNK = 1_000
_OUTBOX = (
    "message_id",
    "touch_id",
    "customer_id",
    "run_id",
    "channel",
    "state",
    "reason",
    "document",
    "due_at",
    "ended_at",
)
_outbox = sa.table("outbox", *map(sa.column, _OUTBOX))
_old = sa.table("contacts_before", *map(sa.column, ("customer_id", "message_id", "channel", "purpose", "at")))


def upgrade() -> None:
    """Make the tables and fill them from what there is."""
    connection = op.get_bind()
    touches = op.create_table(
        "touches",
        sa.Column("touch_id", sa.String(40), primary_key=True),
        sa.Column("customer_id", sa.String(256), nullable=False),
        sa.Column("flow", sa.String(63), nullable=False),
        sa.Column("entry", sa.String(256), nullable=False),
        sa.Column("step", sa.String(63), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("customer_id", "flow", "entry", "step", name="uq_touches_customer_id"),
    )
    op.create_table(
        "channel_paces",
        sa.Column("channel", sa.String(63), primary_key=True),
        sa.Column("scope", sa.String(255), primary_key=True),
        sa.Column("next_at", sa.BigInteger, nullable=False),
    )
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("touch_id", sa.String(40), nullable=False, server_default=""))
        # What was being sent may have been handed over.
        outbox.add_column(sa.Column("handed", sa.Boolean, nullable=False, server_default=sa.true()))
        outbox.drop_constraint("uq_outbox_customer_id", type_="unique")
        outbox.drop_index("ix_outbox_state")
    for rows in _chunks(connection, sa.select(_outbox).order_by(_outbox.c.message_id), _outbox.c.message_id):
        planned: dict[str, dict[str, Any]] = {}
        for row in rows:
            touch = _touch(row)
            if planned.setdefault(touch["touch_id"], touch)["state"] != "sent" and touch["state"] == "sent":
                planned[touch["touch_id"]] = touch
            connection.execute(
                sa.update(_outbox).where(_outbox.c.message_id == row["message_id"]).values(touch_id=touch["touch_id"])
            )
        known = set(connection.scalars(sa.select(touches.c.touch_id).where(touches.c.touch_id.in_(list(planned)))))
        new = [touch for touch_id, touch in planned.items() if touch_id not in known]
        if new:
            connection.execute(sa.insert(touches), new)
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("touch_id", server_default=None)
        outbox.alter_column("handed", server_default=None)
        outbox.create_unique_constraint("uq_outbox_touch_id", ["touch_id", "channel"])
    for name, columns, where in (
        ("ix_outbox_due", ["run_id", "channel", "due_at", "customer_id"], "state = 'waiting'"),
        ("ix_outbox_lease", ["lease_until"], "state IN ('claimed', 'sending')"),
    ):
        op.create_index(name, "outbox", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
    _move_contacts(connection)


def _move_contacts(connection: sa.Connection) -> None:
    op.drop_index("ix_contacts_customer_id", "contacts")
    op.rename_table("contacts", "contacts_before")
    contacts = op.create_table(
        "contacts",
        sa.Column("touch_id", sa.String(40), primary_key=True),
        sa.Column("channel", sa.String(63), primary_key=True),
        sa.Column("customer_id", sa.String(256), nullable=False),
        sa.Column("address", sa.String(512), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    query = sa.select(_old, _outbox.c.touch_id, _outbox.c.document).outerjoin(
        _outbox, _outbox.c.message_id == _old.c.message_id
    )
    for rows in _chunks(connection, query, _old.c.customer_id, _old.c.message_id):
        moved = {}
        for row in rows:
            touch_id = row["touch_id"] or _hash(row["customer_id"], row["message_id"], "before", "message")
            moved[touch_id, row["channel"]] = {
                "touch_id": touch_id,
                "channel": row["channel"],
                "customer_id": row["customer_id"],
                "address": _normalised(row["channel"], json.loads(row["document"])["address"])
                if row["document"]
                else "",
                "purpose": _purpose(row["purpose"]),
                "at": row["at"],
            }
        if moved:
            connection.execute(sa.insert(contacts), list(moved.values()))
    op.drop_table("contacts_before")
    op.create_index("ix_contacts_customer_id", "contacts", ["customer_id", "at"])
    op.create_index("ix_contacts_address", "contacts", ["address", "at"])


def _chunks(connection: sa.Connection, query: sa.Select[Any], *key: sa.ColumnClause[Any]) -> Iterator[list[Any]]:
    """The rows of a query by its key, a chunk at a time: an outbox may be larger than memory."""
    last: tuple[Any, ...] | None = None
    while True:
        following = query if last is None else query.where(sa.tuple_(*key) > sa.tuple_(*last))
        rows = list(connection.execute(following.order_by(*key).limit(_CHUNK)).mappings())
        if not rows:
            return
        yield rows
        last = tuple(rows[-1][column.name] for column in key)


def _touch(row: Any) -> dict[str, Any]:
    message = json.loads(row["document"])
    state = row["state"]
    return {
        "touch_id": _hash(row["customer_id"], row["run_id"], "run", "message"),
        "customer_id": row["customer_id"],
        "flow": row["run_id"],
        "entry": "run",
        "step": "message",
        "purpose": _purpose(message.get("purpose", "marketing")),
        "state": "sent" if state == "sent" else "ended" if state in ("refused", "dead") else "open",
        "reason": row["reason"] if state in ("refused", "dead") else "",
        "at": row["ended_at"] or row["due_at"],
    }


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def _purpose(before: str) -> str:
    return "service" if before == "transactional" else before


def _normalised(channel: str, address: str) -> str:
    address = unicodedata.normalize("NFKC", address).strip()
    if channel == "email":
        return address.lower()
    if channel == "sms":
        number = re.sub(r"\(0\)|[\s().\-\u2010-\u2015/]", "", address)
        return f"+{number[2:]}" if number.startswith("00") else number
    return address
