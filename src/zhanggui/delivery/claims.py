"""Rows of the outbox in the hands of a worker: claimed, renewed, begun, ended, given back or lost.

A claim is a token with a lease. Every change names the token, so that a late worker touches nobody else's; but for an
acceptance, which is true whoever holds the row by then. Of those permitted together each is noted as it is handed over.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.content.message import Message
from zhanggui.delivery import outbox as rows
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.outbox import HELD, WAITING, DeliverySettings, outbox
from zhanggui.touches import contacts, flows

CUT_OFF = "the worker was cut off while it was being sent; it may have been taken"
STOPPED: tuple[str | None, ...] = ("paused", "cancelled")
"""States of a flow in which nothing begins."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A message in the hands of a worker."""

    message: Message
    token: str
    attempts: int
    """Before this one."""
    in_doubt: int
    """Of them, those after which nobody knew whether it was taken."""


def take(
    connection: sa.Connection, *, channel: str, now: datetime, settings: DeliverySettings, run_id: str | None = None
) -> list[Claimed]:
    """Claim up to a batch of due messages on a channel, of one run; without `run_id`, of the first run that has some.

    Nothing of a flow that is paused or cancelled. Of equal moments the smaller customer id comes first.
    """
    give_up_lost(connection, now=now, settings=settings)
    for run in _runs(connection, channel, now, run_id):
        claimed = _take(connection, run, channel, now, settings)
        if claimed:
            return claimed
    return []


def _runs(connection: sa.Connection, channel: str, now: datetime, run_id: str | None) -> list[str]:
    if run_id is not None:
        return [] if flows.state(connection, run_id) in STOPPED else [run_id]
    halted: set[str] = set(connection.scalars(flows.halted()))
    return [
        lane.run_id
        for lane in rows.lanes(connection)
        if lane.channel == channel and lane.due_at <= now and lane.run_id not in halted
    ]


def due(run_id: str, channel: str, now: datetime, most: int) -> sa.Select[tuple[str]]:
    """The query for the first due messages of a run on a channel that nobody else is taking."""
    return (
        sa.select(outbox.c.message_id)
        .where(WAITING, outbox.c.run_id == run_id, outbox.c.channel == channel, outbox.c.due_at <= now)
        .order_by(outbox.c.due_at, outbox.c.customer_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )


def _take(
    connection: sa.Connection, run_id: str, channel: str, now: datetime, settings: DeliverySettings
) -> list[Claimed]:
    message_ids = connection.execute(due(run_id, channel, now, settings.batch)).scalars().all()
    if not message_ids:
        return []
    token = secrets.token_hex(8)
    columns = (
        outbox.c.message_id,
        outbox.c.document,
        outbox.c.attempts,
        outbox.c.in_doubt,
        outbox.c.due_at,
        outbox.c.customer_id,
    )
    update = (
        sa.update(outbox)
        .where(outbox.c.message_id.in_(message_ids))
        .values(state="claimed", claim=token, lease_until=now + timedelta(seconds=settings.lease_seconds))
        .returning(*columns)
    )
    found = sorted(connection.execute(update).all(), key=lambda row: (row.due_at, row.customer_id))
    return [
        Claimed(message=rows.read(row.document), token=token, attempts=row.attempts, in_doubt=row.in_doubt)
        for row in found
    ]


def lost(now: datetime) -> sa.Select[tuple[str, str, str, str, bool, int, datetime]]:
    """The query for messages whose worker has not been heard of for its lease."""
    columns = (outbox.c.message_id, outbox.c.touch_id, outbox.c.channel, outbox.c.state, outbox.c.handed)
    return (
        sa.select(*columns, outbox.c.in_doubt, outbox.c.lease_until)
        .where(HELD, outbox.c.lease_until < now)
        .with_for_update(skip_locked=True)
    )


def give_up_lost(connection: sa.Connection, *, now: datetime, settings: DeliverySettings) -> None:
    """What a lost worker had claimed waits again; what it had handed over is in doubt, from when it was last heard of."""
    for row in connection.execute(lost(now)).all():
        here = sa.update(outbox).where(outbox.c.message_id == row.message_id).values(claim=None, lease_until=None)
        if row.state == "sending" and row.handed:
            heard = row.lease_until - timedelta(seconds=settings.lease_seconds)
            connection.execute(here.values(_in_doubt(row.in_doubt, CUT_OFF, since=heard, now=now, settings=settings)))
            continue
        connection.execute(here.values(state="waiting"))
        if row.state == "sending" and not row.in_doubt:
            contacts.forget(connection, [row.touch_id], channel=row.channel)


def _in_doubt(
    before: int, reason: str, *, since: datetime, now: datetime, settings: DeliverySettings
) -> dict[str, object]:
    """Of a message that may have been taken: once more, later; then it ends so."""
    if before:
        return {"state": "in_doubt", "in_doubt": before + 1, "ended_at": now, "reason": _words(reason)}
    later = since + timedelta(minutes=settings.in_doubt_minutes)
    return {"state": "waiting", "in_doubt": 1, "due_at": later, "reason": _words(reason)}


def renew(connection: sa.Connection, tokens: Iterable[str], *, now: datetime, settings: DeliverySettings) -> None:
    """Make claims last for a lease from now; of a lost one nothing is left to renew."""
    lease = now + timedelta(seconds=settings.lease_seconds)
    connection.execute(sa.update(outbox).where(HELD, outbox.c.claim.in_(list(tokens))).values(lease_until=lease))


def give_back(connection: sa.Connection, token: str) -> None:
    """Let what a claim has not handed over be taken by others at once."""
    _forget_unhanded(connection, token)
    unhanded = sa.and_(HELD, outbox.c.claim == token, _UNHANDED)
    connection.execute(sa.update(outbox).where(unhanded).values(state="waiting", claim=None, lease_until=None))


def put_back(connection: sa.Connection, token: str) -> None:
    """Let what was permitted and not handed over be asked for again, by the same claim."""
    _forget_unhanded(connection, token)
    unhanded = sa.and_(outbox.c.claim == token, outbox.c.state == "sending", sa.not_(outbox.c.handed))
    connection.execute(sa.update(outbox).where(HELD, unhanded).values(state="claimed"))


def _forget_unhanded(connection: sa.Connection, token: str) -> None:
    """What was permitted and never handed over was no contact, unless an earlier attempt may have been one."""
    permitted = sa.select(outbox.c.touch_id, outbox.c.channel).where(
        HELD, outbox.c.claim == token, outbox.c.state == "sending", sa.not_(outbox.c.handed), outbox.c.in_doubt == 0
    )
    for row in connection.execute(permitted).all():
        contacts.forget(connection, [row.touch_id], channel=row.channel)


def begin(
    connection: sa.Connection, claimed: Sequence[Claimed], *, now: datetime, settings: DeliverySettings
) -> set[str]:
    """Mark messages of one claim, as they are now, as about to leave; the ids of those that the claim still held.

    A single one is handed over with that; of several, `hand_over` is told of each.
    """
    alone = len(claimed) == 1
    begun = {
        "of_messages": [one.message.message_id for one in claimed],
        "of_claim": claimed[0].token,
        "alone": alone,
        "tries": int(alone),
        "lease": now + timedelta(seconds=settings.lease_seconds),
    }
    return set(connection.execute(_BEGIN, begun).scalars())


def hand_over(connection: sa.Connection, claimed: Claimed) -> bool:
    """Note, before the network is spoken to, that a message leaves now. False when the claim was lost or its flow stopped."""
    mine = {"of_message": claimed.message.message_id, "of_claim": claimed.token}
    return bool(connection.execute(_HAND_OVER, mine).rowcount)


def rewrite(connection: sa.Connection, claimed: Claimed) -> None:
    """Keep a message as it leaves, where that is not as it was planned; a retry takes these words."""
    connection.execute(_mine(claimed).values(document=rows.document(claimed.message)))


def postpone(connection: sa.Connection, claimed: Claimed, *, until: datetime) -> None:
    """Give a message back until a later moment; this was no attempt."""
    connection.execute(_mine(claimed).values(state="waiting", due_at=until, claim=None, lease_until=None))


def end(connection: sa.Connection, claimed: Claimed, *, state: str, reason: str, now: datetime) -> bool:
    """End a message that does not leave; false when the claim was lost."""
    values = {"state": state, "reason": _words(reason), "ended_at": now, "claim": None, "lease_until": None}
    return bool(connection.execute(_mine(claimed).values(values)).rowcount)


def accept(connection: sa.Connection, message_id: str, *, detail: str, now: datetime) -> bool:
    """The other side took a message, whoever holds it by now and however it had ended; false when that was known."""
    taken = {"of_message": message_id, "words": _words(detail), "moment": now}
    return bool(connection.execute(_ACCEPT, taken).rowcount)


def fail(
    connection: sa.Connection,
    claimed: Claimed,
    receipt: Receipt,
    *,
    now: datetime,
    jitter: float,
    settings: DeliverySettings,
) -> str | None:
    """Write down an attempt that was not accepted; returns the new state, None when the claim was lost.

    `jitter` is a uniform number in [0, 1).
    """
    attempts = claimed.attempts + 1
    values: dict[str, object]
    if receipt.outcome == "in_doubt":
        values = _in_doubt(claimed.in_doubt, receipt.detail, since=now, now=now, settings=settings)
    elif receipt.outcome == "rejected" or attempts >= settings.attempts:
        values = {"state": "dead", "ended_at": now, "reason": _words(receipt.detail)}
    else:
        wait = max(settings.backoff_seconds * 2 ** (attempts - 1) * jitter, receipt.slow_down_seconds or 0.0)
        values = {"state": "waiting", "due_at": now + timedelta(seconds=wait), "reason": _words(receipt.detail)}
    held = connection.execute(_mine(claimed).values(values | {"claim": None, "lease_until": None})).rowcount
    return str(values["state"]) if held else None


def _mine(claimed: Claimed) -> sa.Update:
    return sa.update(outbox).where(outbox.c.message_id == claimed.message.message_id, outbox.c.claim == claimed.token)


_UNHANDED = sa.or_(outbox.c.state == "claimed", sa.not_(outbox.c.handed))
# What every message costs is built once.
_OF_MESSAGE = outbox.c.message_id == sa.bindparam("of_message")
_BEGIN = (
    sa.update(outbox)
    .where(outbox.c.message_id.in_(sa.bindparam("of_messages")), outbox.c.claim == sa.bindparam("of_claim"))
    .where(outbox.c.state == "claimed")
    .values(
        state="sending",
        handed=sa.bindparam("alone"),
        attempts=outbox.c.attempts + sa.bindparam("tries"),
        lease_until=sa.bindparam("lease"),
    )
    .returning(outbox.c.message_id)
)
_HAND_OVER = (
    sa.update(outbox)
    .where(_OF_MESSAGE, outbox.c.claim == sa.bindparam("of_claim"))
    .where(outbox.c.state == "sending", sa.not_(outbox.c.handed), outbox.c.run_id.not_in(flows.halted()))
    .values(handed=True, attempts=outbox.c.attempts + 1)
)
_ACCEPT = (
    sa.update(outbox)
    .where(_OF_MESSAGE, outbox.c.state != "sent")
    .values(
        state="sent",
        reason=sa.bindparam("words"),
        ended_at=sa.bindparam("moment"),
        claim=sa.null(),
        lease_until=sa.null(),
    )
)


def _words(reason: str) -> str:
    """A reason as every database keeps it: the other side may say anything."""
    return reason.encode("utf-8", "replace").decode().replace("\0", " ")[:500]
