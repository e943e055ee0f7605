"""An order as the Universal Commerce Protocol shows it. Where it is sent and how it was paid stay with the shop.

Knows no proof: it shows what it is given.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from zhanggui.catalog.commerce_shapes import Json, link, plain
from zhanggui.money import Money
from zhanggui.service.order import Order, OrderLine, Return

_FULFILLED = ("delivered", "return requested", "exchange requested", "returned", "refunded")
_TEXT = 200


def order_view(order: Order, *, shop_url: str, currency: str) -> Json:
    """A snapshot of the order. The shop knows no checkout and no page of an order of its own: the order's number and the
    shop's site stand for them.
    """
    return {
        "id": order.order_id,
        "label": order.order_id,
        "checkout_id": order.order_id,
        "permalink_url": shop_url,
        "currency": order.total.currency if order.total else currency,
        "line_items": [_line(order, line, number) for number, line in enumerate(order.lines, 1)],
        "fulfillment": {"expectations": [], "events": _events(order)},
        "adjustments": [_return(order, one) for one in order.returns] + _refunds(order) + _cancellation(order),
        "totals": _totals(order.total),
        "metadata": {"state": order.state, "placed_at": _moment(order.placed_at)},
    }


def _line(order: Order, line: OrderLine, number: int) -> Json:
    quantity = max(1, int(line.quantity))
    total = 0 if order.state == "cancelled" else quantity
    fulfilled = quantity if order.state in _FULFILLED else 0
    return {
        "id": f"line-{number}",
        "item": {
            "id": line.item_id,
            "title": plain(line.title, _TEXT) or line.item_id,
            **({"price": line.price.minor} if line.price else {}),
        },
        "quantity": {"original": quantity, "total": total, "fulfilled": fulfilled},
        "totals": _totals(
            Money(currency=line.price.currency, minor=line.price.minor * quantity) if line.price else None
        ),
        "status": "removed" if not total else "fulfilled" if fulfilled else "processing",
    }


def _events(order: Order) -> list[Json]:
    kind = "delivered" if order.state in _FULFILLED else "shipped"
    return [
        {
            "id": f"parcel-{number}",
            "occurred_at": _moment(order.updated_at),
            "type": kind,
            "line_items": _lines_of(order, parcel.item_ids or [line.item_id for line in order.lines]),
            "tracking_number": plain(parcel.tracking, _TEXT),
            **({"tracking_url": parcel.url} if link(parcel.url) else {}),
            **({"carrier": plain(parcel.carrier, _TEXT)} if parcel.carrier else {}),
        }
        for number, parcel in enumerate(order.shipments, 1)
    ]


def _return(order: Order, returned: Return) -> Json:
    return {
        "id": returned.return_id,
        "type": returned.kind,
        "occurred_at": _moment(returned.requested_at),
        "status": "completed" if order.state in ("returned", "refunded") else "pending",
        "line_items": _lines_of(order, returned.item_ids, sign=-1),
        **({"totals": _totals(returned.balance)} if returned.balance else {}),
    }


def _refunds(order: Order) -> list[Json]:
    return [
        {
            "id": payment.payment_id,
            "type": "refund",
            "occurred_at": _moment(payment.at),
            "status": "completed",
            "totals": [{"type": "total", "amount": -payment.amount.minor}] if payment.amount else [],
        }
        for payment in order.payments
        if payment.kind == "refund"
    ]


def _cancellation(order: Order) -> list[Json]:
    if order.state != "cancelled":
        return []
    moment = _moment(order.updated_at)
    return [{"id": "cancellation", "type": "cancellation", "occurred_at": moment, "status": "completed"}]


def _lines_of(order: Order, item_ids: Iterable[str], *, sign: int = 1) -> list[Json]:
    numbers = {line.item_id: f"line-{number}" for number, line in enumerate(order.lines, 1)}
    counts: dict[str, int] = {}
    for item_id in item_ids:
        if item_id in numbers:
            counts[numbers[item_id]] = counts.get(numbers[item_id], 0) + 1
    return [{"id": line, "quantity": sign * count} for line, count in counts.items()]


def _totals(amount: Money | None) -> list[Json]:
    return [{"type": "total", "amount": amount.minor}] if amount else []


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
