"""Writes down what the other side said to a message: once, under the locks of person and address, in one transaction.

The order is locks, outbox, flow, event log. Sends nothing.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from zhanggui.delivery import claims, outbox, pace
from zhanggui.delivery.channel import Receipt
from zhanggui.delivery.claims import Claimed
from zhanggui.delivery.outbox import DeliverySettings
from zhanggui.events.event import Event
from zhanggui.events.log import EventLog
from zhanggui.touches import contacts, flows, touch


def record(
    connection: sa.Connection,
    claimed: Claimed,
    receipt: Receipt,
    events: EventLog,
    *,
    now: datetime,
    jitter: float,
    settings: DeliverySettings,
) -> str | None:
    """End, postpone or repeat a message by its receipt; its new state, or None when there was nothing left to say."""
    message = claimed.message
    if receipt.outcome == "accepted":
        if not claims.accept(connection, message.message_id, detail=receipt.detail, now=now):
            return None
        touch.sent(connection, message.touch.touch_id, at=now)
        flows.accepted(connection, message.run_id)
        events.append(connection, [delivered(claimed, now)], now=now)
        return "sent"
    state = claims.fail(connection, claimed, receipt, now=now, jitter=jitter, settings=settings)
    if state is None:
        return None
    if receipt.outcome in ("retry", "rejected") and not claimed.in_doubt:
        contacts.forget(connection, [message.touch.touch_id], channel=message.channel)
    if receipt.bad_address:
        contacts.suppress(connection, channel=message.channel, address=message.address, reason=receipt.detail, at=now)
    if receipt.slow_down_seconds is not None:
        pace.rest(connection, message.channel, until=now + timedelta(seconds=receipt.slow_down_seconds))
    end_touch(connection, claimed, state, receipt.detail, now=now)
    if receipt.policy and flows.rejected(connection, message.run_id) >= settings.policy_rejects:
        flows.pause(
            connection, message.run_id, f"{settings.policy_rejects} refusals of the shop itself: {receipt.detail}"
        )
    return state


def end_touch(connection: sa.Connection, claimed: Claimed, state: str, reason: str, *, now: datetime) -> None:
    """End a message's touch with it, unless another message of the touch may still leave."""
    touch_id = claimed.message.touch.touch_id
    if state in outbox.ENDED and not outbox.is_open(connection, touch_id):
        touch.end(connection, [touch_id], "in_doubt" if state == "in_doubt" else reason, at=now)


def delivered(claimed: Claimed, at: datetime) -> Event:
    """What the event log says of a message that was taken."""
    message = claimed.message
    return Event(
        message_id=f"delivered-{message.message_id}",
        type="track",
        name="Message Delivered",
        user_id=message.customer_id,
        timestamp=at,
        received_at=at,
        properties={"channel": message.channel, "decision_id": message.decision_id, "message_id": message.message_id},
    )
