"""Rows of orders: what is read, and what each bad row is told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from zhanggui.errors import OrderError
from zhanggui.money import Money
from zhanggui.service.order import Order
from zhanggui.service.order_facts import merged, order_of
from zhanggui.service.order_row import read

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ROW: dict[str, Any] = {
    "order_id": 1001,
    "customer_id": "c1",
    "state": "已发货",
    "currency": "usd",
    "total": "19.90",
    "email": "a@example.com",
    "phone": "+1 555 0100",
    "address": {"street": "Main  Street 1", "zip": 12345},
    "lines": [
        {"product_id": "p", "variant_id": "v", "title": "Tea", "options": {"size": "S"}, "price": 9.95, "quantity": 2}
    ],
    "payments": [{"amount": 19.9, "method": "PayPal"}, {"kind": "refund", "amount": 1, "payment_id": "r1"}],
    "shipments": [{"tracking": "SF1", "carrier": "SF", "url": "https://sf.example.com/SF1", "item_ids": ["v"]}],
    "placed_at": "2026-03-01T12:00:00+08:00",
}


def order(row: Any) -> Order:
    said = read(row, currency="CNY", now=NOW, source="1")
    made = order_of(said.order_id, merged({}, said))
    assert made is not None
    return made


def test_a_whole_row_is_a_whole_order() -> None:
    read_order = order(ROW)
    assert (read_order.order_id, read_order.state, read_order.customer_id) == ("1001", "shipped", "c1")
    assert read_order.total == Money(currency="USD", minor=1_990)
    assert read_order.lines[0].price == Money(currency="USD", minor=995)
    assert read_order.address == {"street": "Main Street 1", "zip": "12345"}
    assert [(one.payment_id, one.kind) for one in read_order.payments] == [("1", "payment"), ("r1", "refund")]
    assert read_order.shipments[0].item_ids == ("v",)
    assert (read_order.placed_at, read_order.updated_at) == (datetime(2026, 3, 1, 4, tzinfo=UTC), NOW)


def test_a_row_may_say_only_what_changed() -> None:
    said = read({"order_id": "1", "state": "delivered"}, currency="CNY", now=NOW, source="1")
    assert set(said.fields) == {"placed_at", "state"}
    assert order({"order_id": "1"}).state == "pending"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"order_id": " "}, "order_id"),
        ({"order_id": True}, "order_id"),
        ({"order_id": "x" * 300}, "order_id"),
        ({"customer_id": ["c"]}, "customer_id"),
        ({"state": "exploded"}, "state"),
        ({"currency": "dollars"}, "currency"),
        ({"total": "much"}, "total"),
        ({"total": -1}, "total"),
        ({"total": True}, "total"),
        ({"total": "1e999999999"}, "total"),
        ({"total": 10**400}, "total"),
        ({"updated_at": "9999-12-31T23:59:59.999999"}, "updated_at"),
        ({"order_id": "\ud800"}, "order_id"),
        ({"email": {}}, "email"),
        ({"phone": "1" * 2000}, "phone"),
        ({"address": "Main Street"}, "address"),
        ({"address": {"zip": []}}, "address.zip"),
        ({"lines": {}}, "lines"),
        ({"lines": ["p"]}, "lines[0]"),
        ({"lines": [{}]}, "lines[0].product_id"),
        ({"lines": [{"product_id": "p", "price": "x"}]}, "lines[0].price"),
        ({"lines": [{"product_id": "p", "quantity": 0}]}, "lines[0].quantity"),
        ({"lines": [{"product_id": "p", "quantity": float("nan")}]}, "lines[0].quantity"),
        ({"lines": [{"product_id": "p", "colour": "red"}]}, "lines[0].colour"),
        ({"payments": [{"kind": "gift", "amount": 1}]}, "payments[0].kind"),
        ({"payments": [{"kind": "refund"}]}, "payments[0].amount"),
        ({"shipments": [{"carrier": "SF"}]}, "shipments[0].tracking"),
        ({"shipments": [{"tracking": "1", "url": "javascript:alert(1)"}]}, "shipments[0].url"),
        ({"placed_at": "yesterday"}, "placed_at"),
        ({"updated_at": 7}, "updated_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_row_is_told_which_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(OrderError) as caught:
        order({**ROW, **change})
    assert caught.value.field == field


def test_a_row_that_is_no_object_is_told_so() -> None:
    with pytest.raises(OrderError, match="not an object"):
        order([ROW])
