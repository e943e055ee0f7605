"""The outbox: one row a touch and channel, sent once. Owns its table; decides nothing about consent.

A row waits, is claimed for a while, is marked `sending` in the transaction that permits it, leaves, and is recorded
(`claims`). Cut off between leaving and recording, it is in doubt: tried once more, later, with the same Message-ID.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhanggui.content.message import Message, to_data
from zhanggui.storage.database import UtcTime, insert, metadata
from zhanggui.touches import touch

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("message_id", sa.String(64), primary_key=True),
    sa.Column("touch_id", sa.String(40), nullable=False),
    sa.Column("customer_id", sa.String(256), nullable=False),
    sa.Column("run_id", sa.String(63), nullable=False),
    sa.Column("channel", sa.String(63), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("in_doubt", sa.Integer, nullable=False),
    sa.Column("handed", sa.Boolean, nullable=False, default=False),
    sa.Column("claim", sa.String(32)),
    sa.Column("lease_until", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.UniqueConstraint("touch_id", "channel"),
    sa.Index("ix_outbox_run_id", "run_id", "state"),
)
# Conditions in plain words, not parameters: only so do both databases see that a partial index answers.
WAITING = sa.text("outbox.state = 'waiting'")
HELD = sa.text("outbox.state IN ('claimed', 'sending')")
sa.Index(
    "ix_outbox_due",
    outbox.c.run_id,
    outbox.c.channel,
    outbox.c.due_at,
    outbox.c.customer_id,
    postgresql_where=sa.text("state = 'waiting'"),
    sqlite_where=sa.text("state = 'waiting'"),
)
sa.Index(
    "ix_outbox_lease",
    outbox.c.lease_until,
    postgresql_where=sa.text("state IN ('claimed', 'sending')"),
    sqlite_where=sa.text("state IN ('claimed', 'sending')"),
)
_CHUNK = 1_000
ENDED = ("sent", "refused", "dead", "in_doubt")
"""in_doubt: twice cut off, or twice unanswered, so that nobody knows whether it was taken."""


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """How the outbox is worked off."""

    batch: int = 50
    """Messages claimed at a time, by the connections of a channel together."""
    lease_seconds: float = 60.0
    """A claim is given up when its worker has not been heard of for so long; a worker renews it all the while."""
    attempts: int = 12
    """After this many failed attempts a message is dead: with this backoff, about half a day of trying."""
    backoff_seconds: float = 30.0
    """Longest wait before the second attempt; it doubles with each, with full jitter."""
    in_doubt_minutes: float = 15.0
    """A message that may have been taken, since its answer was cut off, is tried once more after so long."""
    policy_rejects: int = 5
    """After so many refusals of the shop itself, without an acceptance between, the run pauses."""
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
    """Attempts that were cut off before they could be recorded, so that the message may have been taken."""


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


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The waiting messages of a run on a channel, and when the first of them is due."""

    run_id: str
    channel: str
    due_at: datetime


def enqueue(
    connection: sa.Connection, messages: Sequence[Message], *, now: datetime, refused: Mapping[str, str] | None = None
) -> int:
    """Put messages and their touches in; returns how many were new. One that is there already stays as it is.

    `refused` are the reasons, by message id, of messages that end at once.
    """
    new, reasons = 0, refused or {}
    touch.plan(connection, [message.touch for message in messages], now=now)
    for start in range(0, len(messages), _CHUNK):
        rows = [
            {
                "message_id": message.message_id,
                "touch_id": message.touch.touch_id,
                "customer_id": message.customer_id,
                "run_id": message.run_id,
                "channel": message.channel,
                "state": "refused" if message.message_id in reasons else "waiting",
                "due_at": message.send_at or now,
                "ended_at": now if message.message_id in reasons else None,
                "attempts": 0,
                "in_doubt": 0,
                "reason": reasons.get(message.message_id, "")[:500],
                "document": document(message),
            }
            for message in messages[start : start + _CHUNK]
        ]
        added = insert(connection, outbox).on_conflict_do_nothing().returning(outbox.c.message_id)
        new += len(connection.execute(added, rows).all())
    for message in messages:
        if message.message_id in reasons:
            touch.end(connection, [message.touch.touch_id], reasons[message.message_id], at=now)
    return new


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
    """Let the dead letters of a run be tried afresh, and at once what waits after a failed attempt; returns how many.

    What may not leave any more is then refused. What may have been taken keeps its time.
    """
    failed = sa.and_(outbox.c.state == "waiting", outbox.c.attempts > 0, outbox.c.in_doubt == 0)
    again = sa.update(outbox).where(outbox.c.run_id == run_id, sa.or_(outbox.c.state == "dead", failed))
    again = again.values(state="waiting", due_at=now, attempts=0, ended_at=None, reason="")
    touch_ids = connection.execute(again.returning(outbox.c.touch_id)).scalars().all()
    touch.reopen(connection, touch_ids, at=now)
    return len(touch_ids)


def lanes(connection: sa.Connection, run_id: str | None = None) -> Iterator[Lane]:
    """The lanes of a run, or of all, by run and channel. Costs one look into an index a lane, however many wait in it."""
    after = (run_id or "", "")
    while True:
        row = connection.execute(next_lane(*after)).first()
        if row is None or (run_id is not None and row.run_id != run_id):
            return
        yield Lane(run_id=row.run_id, channel=row.channel, due_at=row.due_at)
        after = (row.run_id, row.channel)


def cancel(connection: sa.Connection, run_id: str, *, now: datetime) -> int:
    """End the messages of a run that are not on their way, and their touches; returns how many. What may have been taken before
    ends in doubt.
    """
    unsent = sa.and_(outbox.c.run_id == run_id, outbox.c.state.in_(("waiting", "claimed")))
    state = sa.case((outbox.c.in_doubt > 0, "in_doubt"), else_="refused")
    values = {"state": state, "reason": "cancelled", "ended_at": now, "claim": None, "lease_until": None}
    update = sa.update(outbox).where(unsent).values(values)
    touch_ids = connection.execute(update.returning(outbox.c.touch_id)).scalars().all()
    touch.end(connection, touch_ids, "cancelled", at=now)
    return len(touch_ids)


def next_lane(run_id: str, channel: str) -> sa.Select[tuple[str, str, datetime]]:
    """The query for the lane that follows one, with the moment of its first message."""
    return (
        sa.select(outbox.c.run_id, outbox.c.channel, outbox.c.due_at)
        .where(WAITING, sa.tuple_(outbox.c.run_id, outbox.c.channel) > sa.tuple_(run_id, channel))
        .order_by(outbox.c.run_id, outbox.c.channel, outbox.c.due_at)
        .limit(1)
    )


def next_due(connection: sa.Connection, run_id: str) -> datetime | None:
    """When the next message of a run is due, or its worker given up; None when all have ended."""
    query = sa.select(outbox.c.lease_until).where(HELD, outbox.c.run_id == run_id).order_by(outbox.c.lease_until)
    lost = connection.execute(query.limit(1)).scalar()
    moments = [lane.due_at for lane in lanes(connection, run_id)] + ([] if lost is None else [lost])
    return min(moments, default=None)


def runs_due(connection: sa.Connection, *, now: datetime) -> list[str]:
    """Runs with a message that is due, or whose worker has let its lease pass."""
    late = sa.select(outbox.c.run_id).where(HELD, outbox.c.lease_until <= now).distinct()
    due = {lane.run_id for lane in lanes(connection) if lane.due_at <= now}
    return sorted(due.union(connection.execute(late).scalars()))


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


def is_open(connection: sa.Connection, touch_id: str) -> bool:
    """Whether any message of a touch may still leave."""
    query = sa.select(outbox.c.message_id).where(outbox.c.touch_id == touch_id, outbox.c.state.not_in(ENDED))
    return connection.execute(query.limit(1)).first() is not None


def document(message: Message) -> str:
    """A message as a row holds it."""
    return json.dumps(to_data(message), ensure_ascii=False)


def read(text: str) -> Message:
    """The message that a row holds."""
    data = json.loads(text)
    moments = {name: data[name] and datetime.fromisoformat(data[name]) for name in ("send_at", "expires_at")}
    return Message(**{**data, **moments})
