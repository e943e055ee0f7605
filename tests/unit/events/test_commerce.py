"""E-commerce properties as typed columns."""

from typing import Any

import pytest

from zhanggui.errors import EventError
from zhanggui.events.commerce import Commerce, read


def test_an_order_is_read_in_minor_units_of_its_currency() -> None:
    commerce = read(
        "Order Completed",
        {
            "order_id": 50314,
            "currency": "usd",
            "total": "27.50",
            "revenue": 25.005,
            "discount": 2.5,
            "coupon": "hi",
            "products": [
                {"product_id": "p1", "price": 19, "quantity": 1, "category": "Games", "brand": "B"},
                {"sku": "s2", "price": 3.0},
            ],
        },
        currency="CNY",
    )
    assert commerce.order_id == "50314"
    assert (commerce.currency, commerce.revenue_minor, commerce.discount_minor) == ("USD", 2501, 250)
    assert commerce.coupon == "hi"
    assert commerce.products == [
        {"product_id": "p1", "category": "Games", "brand": "B", "price_minor": 1900, "quantity": 1.0},
        {"product_id": "s2", "category": None, "brand": None, "price_minor": 300, "quantity": 1.0},
    ]


def test_total_stands_in_for_revenue_and_the_shops_currency_for_none() -> None:
    commerce = read("Order Completed", {"total": 100}, currency="JPY")
    assert (commerce.revenue_minor, commerce.currency) == (100, "JPY")


def test_a_single_product_is_a_list_of_one() -> None:
    commerce = read("Product Viewed", {"product_id": "p1", "price": 1}, currency="CNY")
    assert commerce.products is not None
    assert [line["price_minor"] for line in commerce.products] == [100]


def test_an_engagement_event_keeps_its_channel_and_decision() -> None:
    commerce = read("Email Opened", {"channel": "email", "decision_id": "d1"}, currency="CNY")
    assert commerce == Commerce(channel="email", decision_id="d1")


def test_an_event_of_ones_own_is_not_held_to_the_spec() -> None:
    assert read("Our Event", {"products": 12, "channel": "email"}, currency="CNY") == Commerce(channel="email")


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"revenue": -1}, "properties.revenue"),
        ({"discount": "-0.01"}, "properties.discount"),
        ({"total": "12,50"}, "properties.total"),
        ({"total": True}, "properties.total"),
        ({"total": "nan"}, "properties.total"),
        ({"total": 1e300}, "properties.total"),
        ({"total": "1e999999999"}, "properties.total"),
        ({"total": 10**400}, "properties.total"),
        ({"currency": "dollars"}, "properties.currency"),
        ({"currency": 5}, "properties.currency"),
        ({"products": {"product_id": 1}}, "properties.products"),
        ({"products": ["p1"]}, "properties.products[0]"),
        ({"products": [{"price": -1}]}, "properties.products[0].price"),
        ({"products": [{}, {"quantity": -1}]}, "properties.products[1].quantity"),
        ({"products": [{"quantity": "many"}]}, "properties.products[0].quantity"),
        ({"products": [{"quantity": float("inf")}]}, "properties.products[0].quantity"),
        ({"products": [{"product_id": ["p"]}]}, "properties.products[0].product_id"),
        ({"order_id": {"a": 1}}, "properties.order_id"),
        ({"coupon": "c" * 300}, "properties.coupon"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_field(properties: dict[str, Any], field: str) -> None:
    with pytest.raises(EventError) as caught:
        read("Order Completed", properties, currency="CNY")
    assert caught.value.field == field


def test_what_is_refunded_may_be_written_with_a_minus() -> None:
    line = {"product_id": "p", "price": -20, "quantity": "-1"}
    commerce = read("Order Refunded", {"order_id": "1", "total": "-15", "products": [line]}, currency="CNY")
    assert commerce.revenue_minor == 1500
    assert commerce.products is not None
    assert [(line["price_minor"], line["quantity"]) for line in commerce.products] == [(2000, 1.0)]
    assert read("Order Refunded", {"total": -15.5}, currency="CNY").revenue_minor == 1550
    with pytest.raises(EventError):
        read("Order Refunded", {"total": True}, currency="CNY")


@pytest.mark.parametrize(
    ("properties", "minor"),
    [
        ({"amount": 15}, 1500),
        ({"value": "-15"}, 1500),
        ({"amount": "", "value": 7}, 700),
        ({"amount": 1, "value": 2}, 100),
        ({"total": 3, "amount": 4}, 300),
        ({"revenue": 5, "value": 6}, 500),
        ({"amount": None}, None),
    ],
)
def test_a_refund_with_an_amount_is_no_refund_of_the_whole_order(
    properties: dict[str, object], minor: int | None
) -> None:
    assert read("Order Refunded", properties, currency="CNY").revenue_minor == minor
    assert read("Order Completed", {"amount": 15, "value": 15}, currency="CNY").revenue_minor is None


def test_an_amount_of_a_refund_that_is_none_is_refused() -> None:
    with pytest.raises(EventError):
        read("Order Refunded", {"order_id": "1", "amount": "much"}, currency="CNY")


def test_the_renminbi_is_one_currency_under_both_its_names() -> None:
    assert read("Order Completed", {"revenue": 1, "currency": "rmb"}, currency="CNY").currency == "CNY"
