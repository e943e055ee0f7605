"""What was said of an order, kept so that it comes out alike in whatever order and however often it arrives.

Of each field the latest statement holds; who placed an order, and when, the earliest. Knows no event and no table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from zhanggui.money import Money
from zhanggui.service.order import Order, OrderLine, Payment, Return, Shipment, State

Facts = Mapping[str, tuple[int, int, str, Any]]
"""Field -> when it was said (microseconds since 1970), its rank, its source, and the value as JSON knows it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = frozenset({"customer_id", "placed_at"})
_LISTS = ("payment", "shipment", "return")
"""Fields of which an order has several: each is named KIND:ID."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What one source said of an order at one moment."""

    order_id: str
    at: datetime
    source: str
    """Its id: of an event, a row, a request."""
    rank: int = 1
    """Of two statements of one moment the higher holds."""
    fields: Mapping[str, Any]


def merged(facts: Facts, statement: Statement) -> Facts:
    """The facts with one more statement."""
    stamp = ((statement.at - _EPOCH) // _MICROSECOND, statement.rank, statement.source)
    told = dict(facts)
    for field, value in statement.fields.items():
        before = facts.get(field)
        wins = before is None or (stamp < before[:3] if field in _FIRST else stamp > before[:3])
        if wins:
            told[field] = (*stamp, value)
    return told


def order_of(order_id: str, facts: Facts) -> Order | None:
    """The order as the facts have it; None while nobody has said that it was placed."""
    if "placed_at" not in facts:
        return None
    value = {field: fact[3] for field, fact in facts.items()}
    payments, shipments, returns = ([value[name] for name in _named(facts, kind)] for kind in _LISTS)
    order = Order(
        order_id=order_id,
        customer_id=value.get("customer_id", ""),
        state=value.get("state", "pending"),
        lines=tuple(_line(line) for line in value.get("lines", ())),
        total=_money(value.get("total")),
        email=value.get("email", ""),
        phone=value.get("phone", ""),
        address=value.get("address", {}),
        payments=tuple(
            Payment(**{**one, "amount": _money(one["amount"]), "at": datetime.fromisoformat(one["at"])})
            for one in payments
        ),
        shipments=tuple(Shipment(**{**one, "item_ids": tuple(one["item_ids"])}) for one in shipments),
        returns=tuple(_return(one) for one in returns),
        cancel_reason=value.get("cancel_reason", ""),
        placed_at=datetime.fromisoformat(value["placed_at"]),
        updated_at=_EPOCH + max(fact[0] for fact in facts.values()) * _MICROSECOND,
    )
    return replace(order, state="refunded") if _paid_back(order) else order


def fields_of(order: Order) -> dict[str, Any]:
    """The fields that say all of an order."""
    fields: dict[str, Any] = {
        "customer_id": order.customer_id,
        "state": order.state,
        "lines": [line_data(line) for line in order.lines],
        "total": money_data(order.total),
        "email": order.email,
        "phone": order.phone,
        "address": dict(order.address),
        "cancel_reason": order.cancel_reason,
        "placed_at": order.placed_at.isoformat(),
    }
    return (
        fields
        | dict(payment_field(one) for one in order.payments)
        | dict(shipment_field(one) for one in order.shipments)
        | dict(return_field(one) for one in order.returns)
    )


def line_data(line: OrderLine) -> dict[str, Any]:
    """A line as JSON knows it."""
    return {
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "title": line.title,
        "options": dict(line.options),
        "price": money_data(line.price),
        "quantity": line.quantity,
    }


def payment_field(payment: Payment) -> tuple[str, dict[str, Any]]:
    """The field that a payment is, and its value."""
    value = {**vars(payment), "amount": money_data(payment.amount), "at": payment.at.isoformat()}
    return f"payment:{payment.payment_id}", value


def shipment_field(shipment: Shipment) -> tuple[str, dict[str, Any]]:
    """The field that a shipment is, and its value."""
    return f"shipment:{shipment.tracking}", {**vars(shipment), "item_ids": list(shipment.item_ids)}


def return_field(one: Return) -> tuple[str, dict[str, Any]]:
    """The field that a return is, and its value."""
    value = {
        **vars(one),
        "item_ids": list(one.item_ids),
        "new_item_ids": list(one.new_item_ids),
        "balance": money_data(one.balance),
        "requested_at": one.requested_at.isoformat(),
    }
    return f"return:{one.return_id}", value


def money_data(amount: Money | None) -> list[Any] | None:
    """An amount as JSON knows it."""
    return None if amount is None else [amount.currency, amount.minor]


def _named(facts: Facts, kind: str) -> list[str]:
    """The fields of one kind, as they were first said."""
    return sorted(
        (field for field in facts if field.startswith(f"{kind}:")), key=lambda field: (facts[field][:3], field)
    )


def _line(value: Mapping[str, Any]) -> OrderLine:
    return OrderLine(**{**value, "price": _money(value["price"])})


def _return(value: Mapping[str, Any]) -> Return:
    return Return(
        **{
            **value,
            "item_ids": tuple(value["item_ids"]),
            "new_item_ids": tuple(value["new_item_ids"]),
            "balance": _money(value["balance"]),
            "requested_at": datetime.fromisoformat(value["requested_at"]),
        }
    )


def _money(value: Any) -> Money | None:
    return None if value is None else Money(currency=value[0], minor=value[1])


_OVER: frozenset[State] = frozenset({"cancelled", "returned"})


def _paid_back(order: Order) -> bool:
    """Whether all the money went back without the order being over for another reason."""
    refunds = [one.amount for one in order.payments if one.kind == "refund"]
    if not refunds or order.state in _OVER:
        return False
    paid = [one.amount for one in order.payments if one.kind == "payment"] or [order.total]
    return None in refunds or 0 < sum(map(_minor, paid)) <= sum(map(_minor, refunds))


def _minor(amount: Money | None) -> int:
    return 0 if amount is None else amount.minor
