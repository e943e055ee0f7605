"""What the events of the Segment spec say of orders. Knows no table.

A public key stands in web pages: what it sends, anybody may have sent, and so it makes no order and changes none.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from zhanggui.money import Money, to_minor
from zhanggui.service import order_store
from zhanggui.service.order import Payment, Shipment
from zhanggui.service.order_facts import Statement, money_data, payment_field, shipment_field
from zhanggui.service.order_state import state_named

_RANKS = {"Order Completed": 0, "Order Updated": 1, "Order Refunded": 2, "Order Cancelled": 3}
_AT_ONCE = 500
_LONGEST = 1_000
_ADDRESS_PARTS = 20
_MOST_MONEY = 1e12


def hear(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what events just stored (rows of the log) say of orders, in their transaction.

    A part at a time: thousands of orders with their lines alive at once cost more in collecting garbage than in reading
    them. By order, so that whoever else writes orders waits in the same order.
    """
    telling = sorted((row for row in rows if _tells(row)), key=itemgetter("order_id"))
    for start in range(0, len(telling), _AT_ONCE):
        said = (statement(row) for row in telling[start : start + _AT_ONCE])
        order_store.record(connection, [one for one in said if one is not None])


def statement(row: Mapping[str, Any]) -> Statement | None:
    """What a row of the event log says of an order; None when it says nothing that counts."""
    name = row["name"]
    if not _tells(row):
        return None
    body = json.loads(row["body"])
    properties, currency = body["properties"], row["currency"]
    fields: dict[str, Any] = {}
    if name == "Order Refunded":
        amount = _refunded(row, _objects(properties.get("products")), currency)
        refund = Payment(payment_id=row["message_id"], kind="refund", amount=amount, at=row["timestamp"])
        fields |= [payment_field(refund)]
    elif name == "Order Cancelled":
        fields |= {"state": "cancelled", "cancel_reason": _text(properties.get("reason"))}
    else:
        fields |= _placed_or_updated(row, properties, currency)
        fields |= _reached_at(properties, body["context"])
    if name == "Order Completed":
        fields |= {
            "customer_id": row["user_id"] or row["anonymous_id"],
            "placed_at": row["timestamp"].isoformat(),
            "state": fields.get("state", "pending"),
        }
    # A clock that is ahead must not have the last word for ever.
    at = min(row["timestamp"], row["received_at"])
    return Statement(order_id=row["order_id"], at=at, source=row["message_id"], rank=_RANKS[name], fields=fields)


def _tells(row: Mapping[str, Any]) -> bool:
    return bool(row["type"] == "track" and row["name"] in _RANKS and row["trust"] != "write" and row["order_id"])


def _placed_or_updated(row: Mapping[str, Any], properties: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if isinstance(properties.get("products"), list):
        lines = [_line(line, currency) for line in _objects(properties["products"])]
        fields["lines"] = [line for line in lines if line["product_id"]]
    total = _money(properties.get("total"), currency)
    if total is None and row["revenue_minor"] is not None and currency:
        total = Money(currency=currency, minor=row["revenue_minor"])
    if total is not None:
        fields["total"] = money_data(total)
    if (state := state_named(_text(properties.get("status")))) is not None:
        fields["state"] = state
    if row["name"] == "Order Completed" and total is not None:
        method = _text(properties.get("payment_method"))
        payment = Payment(payment_id="placed", kind="payment", amount=total, method=method, at=row["timestamp"])
        fields |= [payment_field(payment)]
    if tracking := _text(properties.get("tracking_number") or properties.get("tracking_id")):
        carrier, url = _text(properties.get("carrier")), _text(properties.get("tracking_url"))
        fields |= [shipment_field(Shipment(tracking=tracking, carrier=carrier, url=url))]
    return fields


def _reached_at(properties: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Where the customer of the order can be reached, and where it goes."""
    traits = context.get("traits")
    said = {**traits, **properties} if isinstance(traits, Mapping) else properties
    fields: dict[str, Any] = {name: text for name in ("email", "phone") if (text := _text(said.get(name)))}
    address = properties.get("shipping_address")
    if isinstance(address, Mapping):
        parts = list(address.items())[:_ADDRESS_PARTS]
        fields["address"] = {_text(part): text for part, value in parts if (text := _text(value))}
    return fields


def _refunded(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], currency: str | None) -> Money | None:
    """How much a refund gives back: what it says, or else what its products cost; None for the whole order."""
    if row["revenue_minor"] is not None and currency:
        return Money(currency=currency, minor=row["revenue_minor"])
    if not lines or not currency:
        return None
    priced = json.loads(row["products"] or "[]")
    return Money(currency=currency, minor=sum(round((one["price_minor"] or 0) * one["quantity"]) for one in priced))


def _line(product: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    """A line as `line_data` has it, made at once: a bulk load reads a million of them."""
    product_id, sku = _text(product.get("product_id")), _text(product.get("sku"))
    options = {"variant": text} if (text := _text(product.get("variant"))) else {}
    quantity = product.get("quantity")
    price = _money(product.get("price"), currency)
    return {
        "product_id": product_id or sku,
        "variant_id": sku if product_id and sku != product_id else "",
        "title": _text(product.get("name")),
        "options": options,
        "price": (price.currency, price.minor) if price else None,
        "quantity": 1.0 if quantity is None or quantity == "" else float(quantity),
    }


def _objects(values: Any) -> list[Mapping[str, Any]]:
    return [one for one in values if isinstance(one, Mapping)] if isinstance(values, list) else []


def _money(value: Any, currency: str | None) -> Money | None:
    if not currency or isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _amount(value, currency)


@lru_cache(maxsize=1 << 14)
def _amount(value: str | int | float, currency: str) -> Money | None:
    try:
        return Money(currency=currency, minor=to_minor(value, currency)) if abs(float(value)) <= _MOST_MONEY else None
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    """A text or a number as one line of printable text."""
    if type(value) is str and value.isprintable() and " " not in value:
        return value[:_LONGEST]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = " ".join(str(value)[:_LONGEST].split())
    return text if text.isprintable() else "".join(sign for sign in text if sign.isprintable())
