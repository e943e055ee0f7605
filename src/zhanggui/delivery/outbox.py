"""The outbox: one row a run, customer and channel, sent once. Owns its table; decides nothing about consent.

A row waits, is claimed with a lease, is marked `sending` in the transaction that permits it, leaves, and is recorded.
A crash between leaving and recording puts it in doubt: it is sent again with the same Message-ID (at least once).
"""

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from zhanggui.content.message import Message, to_data
from zhanggui.delivery.channel import Receipt
from zhanggui.storage.database import UtcTime, insert, metadata

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("customer_id", sa.String(256), nullable=False),
    sa.Column("run_id", sa.String(63), nullable=False),
    sa.Column("channel", sa.String(63), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("in_doubt", sa.Integer, nullable=False),
    sa.Column("claim", sa.String(32)),
    sa.Column("lease_until", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.UniqueConstraint("customer_id", "run_id", "channel"),
    sa.Index("ix_outbox_state", "state", "due_at"),
    sa.Index("ix_outbox_run_id", "run_id", "state"),
)
_CHUNK = 1_000
ENDED = ("sent", "refused", "dead")


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """How the outbox is worked off."""

    batch: int = 50
    """Messages claimed at a time."""
    lease_seconds: float = 60.0
    """A claim is given up when its worker has not been heard of for so long."""
    attempts: int = 12
    """After this many failed attempts a message is dead: with this backoff, about half a day of trying."""
    backoff_seconds: float = 30.0
    """Longest wait before the second attempt; it doubles with each, with full jitter."""
    max_wait_seconds: float = 90.0
    """A run waits so long for a message to become due, such as a retry; later ones are left to `zhanggui serve` or
    `zhanggui campaign deliver`."""
    expire_hours: float = 48.0
    """A message that could not leave for so long after it was due is refused as expired."""


@dataclass(frozen=True, kw_only=True)
class RunCounts:
    """Where the messages of a run stand."""

    states: Mapping[str, int]
    refused: Mapping[str, int]
    """By reason."""
    dead: Mapping[str, int]
    """By reason."""
    in_doubt: int
    """Attempts that were cut off before they could be recorded, so that the message was sent again."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A message that the other side took."""

    message_id: str
    customer_id: str
    channel: str
    decision_id: str | None
    sent_at: datetime
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message that could not be delivered and is not tried again by itself."""

    message_id: str
    customer_id: str
    channel: str
    address: str
    attempts: int
    ended_at: datetime
    reason: str
    """What the other side said last."""


def enqueue(connection: sa.Connection, messages: Sequence[Message], *, now: datetime) -> int:
    """Put messages in; returns how many were new. One that is there already stays as it is."""
    new = 0
    for start in range(0, len(messages), _CHUNK):
        rows = [
            {
                "message_id": one.message_id,
                "customer_id": one.customer_id,
                "run_id": one.run_id,
                "channel": one.channel,
                "state": "waiting",
                "due_at": one.send_at or now,
                "attempts": 0,
                "in_doubt": 0,
                "reason": "",
                "document": _document(one),
            }
            for one in messages[start : start + _CHUNK]
        ]
        before = connection.execute(sa.select(sa.func.count()).select_from(outbox)).scalar_one()
        connection.execute(insert(connection, outbox).on_conflict_do_nothing(), rows)
        new += connection.execute(sa.select(sa.func.count()).select_from(outbox)).scalar_one() - before
    return new


def claim(
    connection: sa.Connection,
    *,
    now: datetime,
    settings: DeliverySettings,
    channels: Sequence[str],
    run_id: str | None = None,
) -> tuple[str, list[Message]]:
    """Take up to a batch of due messages, and those whose worker has died. Returns the claim and the messages."""
    token = secrets.token_hex(8)
    lost = sa.and_(outbox.c.state.in_(("claimed", "sending")), outbox.c.lease_until < now)
    due = sa.and_(outbox.c.state == "waiting", outbox.c.due_at <= now)
    query = sa.select(outbox.c.message_id, outbox.c.state).where(sa.or_(due, lost), outbox.c.channel.in_(channels))
    if run_id is not None:
        query = query.where(outbox.c.run_id == run_id)
    query = query.order_by(outbox.c.due_at, outbox.c.message_id).limit(settings.batch)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    ids = [row.message_id for row in rows]
    if not ids:
        return token, []
    doubtful = [row.message_id for row in rows if row.state == "sending"]
    if doubtful:
        connection.execute(
            sa.update(outbox).where(outbox.c.message_id.in_(doubtful)).values(in_doubt=outbox.c.in_doubt + 1)
        )
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.message_id.in_(ids))
        .values(state="claimed", claim=token, lease_until=now + timedelta(seconds=settings.lease_seconds))
    )
    found = connection.execute(
        sa.select(outbox.c.document).where(outbox.c.message_id.in_(ids)).order_by(outbox.c.due_at, outbox.c.message_id)
    )
    return token, [_from_data(json.loads(row.document)) for row in found]


def begin(
    connection: sa.Connection, message: Message, token: str, *, now: datetime, settings: DeliverySettings
) -> bool:
    """Mark a claimed message as about to leave, and renew the whole claim's lease. False when the claim was lost."""
    lease = now + timedelta(seconds=settings.lease_seconds)
    held = connection.execute(
        sa.update(outbox)
        .where(outbox.c.message_id == message.message_id, outbox.c.claim == token, outbox.c.state == "claimed")
        .values(state="sending", attempts=outbox.c.attempts + 1, lease_until=lease)
    ).rowcount
    connection.execute(
        sa.update(outbox).where(outbox.c.claim == token, outbox.c.state == "claimed").values(lease_until=lease)
    )
    return bool(held)


def rewrite(connection: sa.Connection, message: Message, token: str) -> None:
    """Keep a claimed message as it leaves, where that is not as it was planned; a retry takes these words."""
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.message_id == message.message_id, outbox.c.claim == token)
        .values(document=_document(message))
    )


def refuse(connection: sa.Connection, message: Message, token: str, *, reason: str, now: datetime) -> None:
    """End a claimed message that may not be sent."""
    _end(connection, message.message_id, token, state="refused", reason=reason, now=now)


def postpone(connection: sa.Connection, message: Message, token: str, *, until: datetime) -> None:
    """Give a claimed message back until a later moment; this was no attempt."""
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.message_id == message.message_id, outbox.c.claim == token)
        .values(state="waiting", due_at=until, claim=None, lease_until=None)
    )


def record(
    connection: sa.Connection,
    message: Message,
    token: str,
    receipt: Receipt,
    *,
    now: datetime,
    jitter: float,
    settings: DeliverySettings,
) -> str:
    """Write down what the other side said; returns the new state. `jitter` is a uniform number in [0, 1)."""
    if receipt.outcome == "accepted":
        return _end(connection, message.message_id, token, state="sent", reason=receipt.detail, now=now)
    attempts = connection.execute(
        sa.select(outbox.c.attempts).where(outbox.c.message_id == message.message_id)
    ).scalar_one()
    if receipt.outcome == "rejected" or attempts >= settings.attempts:
        return _end(connection, message.message_id, token, state="dead", reason=receipt.detail, now=now)
    wait = settings.backoff_seconds * 2 ** (attempts - 1) * jitter
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.message_id == message.message_id, outbox.c.claim == token)
        .values(
            state="waiting",
            due_at=now + timedelta(seconds=wait),
            claim=None,
            lease_until=None,
            reason=receipt.detail[:500],
            in_doubt=outbox.c.in_doubt + int(receipt.outcome == "in_doubt"),
        )
    )
    return "waiting"


def dead(connection: sa.Connection, run_id: str) -> list[DeadLetter]:
    """The dead letters of a run, by the moment of their end."""
    query = sa.select(outbox).where(outbox.c.run_id == run_id, outbox.c.state == "dead")
    return [
        DeadLetter(
            message_id=row.message_id,
            customer_id=row.customer_id,
            channel=row.channel,
            address=json.loads(row.document)["address"],
            attempts=row.attempts,
            ended_at=row.ended_at,
            reason=row.reason,
        )
        for row in connection.execute(query.order_by(outbox.c.ended_at, outbox.c.message_id))
    ]


def requeue(connection: sa.Connection, run_id: str, *, now: datetime) -> int:
    """Let the dead letters of a run be tried afresh; returns how many. What may not leave any more is then refused."""
    done = connection.execute(
        sa.update(outbox)
        .where(outbox.c.run_id == run_id, outbox.c.state == "dead")
        .values(state="waiting", due_at=now, attempts=0, ended_at=None, reason="")
    )
    return int(done.rowcount)


def cancel(connection: sa.Connection, run_id: str, *, now: datetime) -> int:
    """End the messages of a run that have not begun to leave; returns how many."""
    done = connection.execute(
        sa.update(outbox)
        .where(outbox.c.run_id == run_id, outbox.c.state.in_(("waiting", "claimed")))
        .values(state="refused", reason="cancelled", ended_at=now, claim=None, lease_until=None)
    )
    return int(done.rowcount)


def next_due(connection: sa.Connection, run_id: str) -> datetime | None:
    """When the next message of a run is due; None when all have ended."""
    query = sa.select(
        sa.func.min(
            sa.case(
                (outbox.c.state == "waiting", sa.type_coerce(outbox.c.due_at, sa.BigInteger)),
                else_=sa.type_coerce(outbox.c.lease_until, sa.BigInteger),
            )
        )
    ).where(outbox.c.run_id == run_id, outbox.c.state.not_in(ENDED))
    value = connection.execute(query).scalar_one()
    return None if value is None else UtcTime().process_result_value(value, connection.dialect)


def runs_due(connection: sa.Connection, *, now: datetime) -> list[str]:
    """Runs with a message that is due, or whose worker has let its lease pass."""
    late = sa.or_(
        sa.and_(outbox.c.state == "waiting", outbox.c.due_at <= now),
        sa.and_(outbox.c.state.not_in((*ENDED, "waiting")), outbox.c.lease_until <= now),
    )
    return list(connection.scalars(sa.select(outbox.c.run_id).where(late).distinct().order_by(outbox.c.run_id)))


def counts(connection: sa.Connection, run_id: str) -> RunCounts:
    """Where the messages of a run stand."""
    rows = connection.execute(
        sa.select(
            outbox.c.state, outbox.c.reason, sa.func.count().label("n"), sa.func.sum(outbox.c.in_doubt).label("d")
        )
        .where(outbox.c.run_id == run_id)
        .group_by(outbox.c.state, outbox.c.reason)
    ).all()
    states: Counter[str] = Counter()
    by_reason: dict[str, Counter[str]] = {"refused": Counter(), "dead": Counter()}
    for row in rows:
        states[row.state] += row.n
        if row.state in by_reason:
            by_reason[row.state][row.reason] += row.n
    return RunCounts(
        states=dict(states),
        refused=dict(by_reason["refused"]),
        dead=dict(by_reason["dead"]),
        in_doubt=sum(int(row.d) for row in rows),
    )


def sent(connection: sa.Connection, run_id: str) -> list[Sent]:
    """The messages of a run that were accepted, by message id."""
    query = sa.select(outbox).where(outbox.c.run_id == run_id, outbox.c.state == "sent").order_by(outbox.c.message_id)
    found = []
    for row in connection.execute(query):
        document = json.loads(row.document)
        found.append(
            Sent(
                message_id=row.message_id,
                customer_id=row.customer_id,
                channel=row.channel,
                decision_id=document["decision_id"],
                sent_at=row.ended_at,
                document=document,
            )
        )
    return found


def _end(connection: sa.Connection, message_id: str, token: str, *, state: str, reason: str, now: datetime) -> str:
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.message_id == message_id, outbox.c.claim == token)
        .values(state=state, reason=reason[:500], ended_at=now, claim=None, lease_until=None)
    )
    return state


def _document(message: Message) -> str:
    return json.dumps(to_data(message), ensure_ascii=False)


def _from_data(data: Mapping[str, Any]) -> Message:
    moments = {name: data[name] and datetime.fromisoformat(data[name]) for name in ("send_at", "expires_at")}
    return Message(**{**data, **moments})
