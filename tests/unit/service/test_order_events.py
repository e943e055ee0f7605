"""What events say of orders; what a public key sends says nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhanggui.errors import EventError
from zhanggui.events.commerce import read
from zhanggui.events.event import Event
from zhanggui.events.rows import row
from zhanggui.money import Money
from zhanggui.service.order import Order, OrderLine
from zhanggui.service.order_events import statement
from zhanggui.service.order_facts import Facts, line_data, merged, order_of

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def event(
    name: str, minutes: int = 0, *, trust: str = "server", user: str | None = "c1", **more: Any
) -> dict[str, Any]:
    properties = {"order_id": "1001", "currency": "CNY", **more.pop("properties", {})}
    moment = NOW + timedelta(minutes=minutes)
    made = Event(
        message_id=f"{name} {minutes}",
        type="track",
        name=name,
        timestamp=moment,
        received_at=moment,
        user_id=user,
        anonymous_id="device",
        properties=properties,
        trust=trust,  # type: ignore[arg-type]
        **more,
    )
    return row(made, read(name, properties, currency="CNY"))


PLACED = event(
    "Order Completed",
    properties={
        "total": 52.5,
        "revenue": 50,
        "payment_method": "Alipay",
        "email": "a@example.com",
        "shipping_address": {"city": "杭州", "street": "西湖路 1 号", "empty": ""},
        "products": [
            {"product_id": "p1", "sku": "p1-s", "name": "Cup", "variant": "small", "price": 25, "quantity": 2}
        ],
    },
)


def order(*rows: dict[str, Any]) -> Order:
    facts: Facts = {}
    for one in rows:
        said = statement(one)
        assert said is not None
        facts = merged(facts, said)
    made = order_of("1001", json.loads(json.dumps(facts)))
    assert made is not None
    return made


def test_a_completed_order_says_who_bought_what_for_how_much() -> None:
    placed = order(PLACED)
    (line,) = placed.lines
    assert (placed.customer_id, placed.state, placed.placed_at) == ("c1", "pending", NOW)
    assert (line.product_id, line.variant_id, line.title, line.quantity) == ("p1", "p1-s", "Cup", 2)
    assert line.options == {"variant": "small"}
    assert line.price == Money(currency="CNY", minor=2_500)
    assert placed.total == Money(currency="CNY", minor=5_250), "what was paid, shipping and all"
    assert [(one.kind, one.method) for one in placed.payments] == [("payment", "Alipay")]
    assert placed.address == {"city": "杭州", "street": "西湖路 1 号"}
    assert placed.email == "a@example.com"


def test_a_guest_is_the_device() -> None:
    assert order({**PLACED, "user_id": None}).customer_id == "device"


def test_an_update_brings_state_parcel_and_contact() -> None:
    sent = {"status": "In transit", "tracking_number": "SF1", "carrier": "SF", "phone": "138 0000 0000"}
    updated = order(PLACED, event("Order Updated", 5, user="back office", properties=sent))
    assert (updated.state, updated.customer_id, updated.phone) == ("shipped", "c1", "138 0000 0000")
    assert [(one.tracking, one.carrier) for one in updated.shipments] == [("SF1", "SF")]
    assert updated.lines == order(PLACED).lines, "what it does not say stays"


def test_a_cancellation_that_comes_before_the_order_holds() -> None:
    cancelled = event("Order Cancelled", 5, properties={"reason": "too slow"})
    assert order(cancelled, PLACED) == order(PLACED, cancelled)
    assert (order(cancelled, PLACED).state, order(cancelled, PLACED).cancel_reason) == ("cancelled", "too slow")


def test_of_one_moment_a_cancellation_counts_above_the_order() -> None:
    assert order(event("Order Cancelled"), PLACED).state == "cancelled"


def test_refunds_are_payments_back_and_a_whole_one_ends_the_order() -> None:
    part = order(PLACED, event("Order Refunded", 5, properties={"amount": "-20"}))
    assert (part.state, part.payments[-1].kind, part.payments[-1].amount) == (
        "pending",
        "refund",
        Money(currency="CNY", minor=2_000),
    )
    assert order(PLACED, event("Order Refunded", 5)).state == "refunded"
    cup = {"products": [{"product_id": "p1", "price": 25, "quantity": 1}]}
    assert order(PLACED, event("Order Refunded", 5, properties=cup)).payments[-1].amount == Money(
        currency="CNY", minor=2_500
    )


def test_the_same_order_said_by_page_and_server_is_paid_once() -> None:
    again = {**PLACED, "message_id": "again"}
    assert len(order(PLACED, again).payments) == 1


@pytest.mark.parametrize(
    "row",
    [
        {**PLACED, "trust": "write"},
        {**PLACED, "name": "Order Viewed"},
        {**PLACED, "order_id": None},
        {**PLACED, "type": "page"},
    ],
)
def test_a_public_key_and_other_events_say_nothing_of_orders(row: dict[str, Any]) -> None:
    assert statement(row) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1e999999", "9" * 99]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("status", "total", "revenue", "amount", "products", "email", "shipping_address", "tracking_number", "reason")


@given(st.sampled_from(["Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"]), st.data())
@settings(max_examples=40, deadline=None)
def test_no_event_that_the_log_takes_stops_the_others(name: str, data: st.DataObject) -> None:
    properties = data.draw(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
    lines = st.fixed_dictionaries({}, optional=dict.fromkeys(("product_id", "sku", "name", "price", "quantity"), JSON))
    if data.draw(st.booleans()):
        properties["products"] = data.draw(st.lists(lines, max_size=2))
    try:
        row = event(name, properties=properties, context={"traits": data.draw(JSON)})
    except EventError:
        return
    said = statement(row)
    assert said is not None
    order_of("1001", json.loads(json.dumps(merged({}, said))))


def test_a_clock_that_is_ahead_has_not_the_last_word() -> None:
    late = event("Order Updated", 10**9 // 60, properties={"status": "shipped"}) | {"received_at": NOW}
    assert order(PLACED, late, event("Order Cancelled", 5)).state == "cancelled"


def test_hostile_properties_are_left_out_or_made_plain() -> None:
    properties = {
        "status": "exploded",
        "total": "NaN",
        "shipping_address": {"city": "a\0b\ud800\n\nc", "x": {"y": 1}},
        "email": ["a@example.com"],
        "tracking_number": {"no": 1},
        "products": [{"product_id": "p", "name": "\u202ex" * 9, "price": 1}, {"name": "no id"}],
    }
    row = {**PLACED, "body": json.dumps({"properties": properties, "context": {"traits": "no"}})}
    placed = order(row)
    assert (placed.state, placed.email, placed.shipments) == ("pending", "", ())
    assert placed.address == {"city": "ab c"}
    assert [line.title for line in placed.lines] == ["x" * 9]


def test_a_line_of_an_event_is_kept_as_any_line_is() -> None:
    said = statement(PLACED)
    assert said is not None
    line = OrderLine(
        product_id="p1",
        variant_id="p1-s",
        title="Cup",
        options={"variant": "small"},
        price=Money(currency="CNY", minor=2_500),
        quantity=2.0,
    )
    assert json.loads(json.dumps(said.fields["lines"])) == [line_data(line)]
