"""What was asked of the service desk, by whom, with which proof, and what became of it: one row a key. Judges nothing."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhanggui.errors import InputError
from zhanggui.money import Money
from zhanggui.service.desk import Action, Cancel, ChangeAddress, DeskReceipt, DeskRequest, ExchangeItems, ReturnItems
from zhanggui.service.order import Order
from zhanggui.service.order_facts import money_data
from zhanggui.storage.database import UtcTime, insert, metadata

KINDS: Mapping[type[Action], str] = {
    Cancel: "cancel",
    ChangeAddress: "change_address",
    ReturnItems: "return_items",
    ExchangeItems: "exchange_items",
}
"""What each action is called in the table and in webhooks."""
_LONGEST_KEY, _LONGEST_ID = 128, 256
actions = sa.Table(
    "desk_actions",
    metadata,
    sa.Column("key", sa.String(_LONGEST_KEY), primary_key=True),
    sa.Column("order_id", sa.String(_LONGEST_ID), nullable=False),
    sa.Column("customer_id", sa.String(_LONGEST_ID), nullable=False),
    sa.Column("visitor_id", sa.String(_LONGEST_ID), nullable=False),
    sa.Column("proof", sa.String(16), nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("balance", sa.Text),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("sent", sa.Integer, nullable=False),
    sa.Index("ix_desk_actions_order_id", "order_id", "asked_at"),
)


@dataclass(frozen=True, kw_only=True)
class DeskAction:
    """One request as it is written down."""

    key: str
    order_id: str
    customer_id: str
    visitor_id: str
    proof: str
    action: Mapping[str, Any]
    """Its kind, and what it names."""
    asked_at: datetime
    outcome: str
    """in_doubt from the moment it was taken up until its end is known."""
    reason: str
    balance: Money | None
    detail: str
    sent: int
    """How often the shop's own system was spoken to."""


def action_data(action: Action) -> dict[str, Any]:
    """An action as JSON knows it."""
    return {"kind": KINDS[type(action)], **asdict(action)}


def claim(connection: sa.Connection, request: DeskRequest, *, now: datetime) -> bool:
    """Write down that a request is taken up; whether its key is new. Who comes second waits until the first has committed.

    Raises InputError for a key that cannot be one.
    """
    if not request.key or len(request.key) > _LONGEST_KEY or not request.key.isprintable():
        raise InputError(f"it is no text of 1 to {_LONGEST_KEY} printable characters", field="key")
    row = {
        "key": request.key,
        "order_id": _cut(request.order_id),
        "customer_id": request.proof.customer_id,
        "visitor_id": _cut(request.proof.visitor_id),
        "proof": request.proof.kind,
        "action": _text(request.action),
        "asked_at": now,
        "outcome": "in_doubt",
        "reason": "",
        "detail": "",
        "sent": 0,
    }
    added = insert(connection, actions).values(row).on_conflict_do_nothing().returning(actions.c.key)
    return connection.execute(added).first() is not None


def finish(connection: sa.Connection, receipt: DeskReceipt, *, sent: int = 0) -> None:
    """Write down what became of a request."""
    balance = None if receipt.balance is None else json.dumps(money_data(receipt.balance))
    ended = sa.update(actions).where(actions.c.key == receipt.key)
    connection.execute(
        ended.values(
            order_id=_cut(receipt.order_id),
            outcome=receipt.outcome,
            reason=receipt.reason,
            balance=balance,
            detail=receipt.detail,
            sent=sent,
        )
    )


def receipt_of(connection: sa.Connection, request: DeskRequest, order: Order | None) -> DeskReceipt | None:
    """The receipt of a key that was seen before; `order` is the one that the proof opens now. Another request under the same
    key is refused.
    """
    row = connection.execute(sa.select(actions).where(actions.c.key == request.key)).first()
    if row is None:
        return None
    done = _of_row(row)
    order_id = order.order_id if order else _cut(request.order_id)
    if (done.order_id, row.action, done.customer_id) != (order_id, _text(request.action), request.proof.customer_id):
        return DeskReceipt(
            key=request.key, order_id=request.order_id, outcome="refused", reason="key_reused", order=order
        )
    return DeskReceipt(
        key=row.key,
        order_id=row.order_id,
        outcome=row.outcome,
        reason=row.reason,
        order=order,
        balance=done.balance,
        detail=row.detail,
    )


def of_order(connection: sa.Connection, order_id: str) -> list[DeskAction]:
    """What was asked for with an order, the earliest first."""
    query = sa.select(actions).where(actions.c.order_id == order_id)
    return [_of_row(row) for row in connection.execute(query.order_by(actions.c.asked_at, actions.c.key))]


def latest(connection: sa.Connection, *, limit: int) -> list[DeskAction]:
    """What was asked for last, the newest first."""
    query = sa.select(actions).order_by(actions.c.asked_at.desc(), actions.c.key).limit(limit)
    return [_of_row(row) for row in connection.execute(query)]


def _of_row(row: Any) -> DeskAction:
    currency, minor = json.loads(row.balance) if row.balance else ("", 0)
    balance = Money(currency=currency, minor=minor) if currency else None
    return DeskAction(**{**row._mapping, "action": json.loads(row.action), "balance": balance})


def _text(action: Action) -> str:
    return json.dumps(action_data(action), ensure_ascii=True, sort_keys=True)


def _cut(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())[:_LONGEST_ID]
