from datetime import UTC, datetime

from zhanggui.mcp.order_view import order_view
from zhanggui.money import Money
from zhanggui.service.order import Order, OrderLine, Payment, Return, Shipment

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def usd(minor: int) -> Money:
    return Money(currency="USD", minor=minor)


def order(**changes) -> Order:
    return Order(
        **{
            "order_id": "W1",
            "customer_id": "mia",
            "state": "pending",
            "lines": (OrderLine(product_id="cup", variant_id="cup-red", title="Cup", price=usd(900), quantity=2),),
            "total": usd(1800),
            "email": "mia@example.com",
            "phone": "+1 555 0100",
            "address": {"street": "12 Hidden Lane"},
            "placed_at": NOON,
            "updated_at": NOON,
        }
        | changes
    )


def view(**changes) -> dict:
    return dict(order_view(order(**changes), shop_url="https://shop.example.com", currency="USD"))


def test_every_field_that_the_protocol_requires_is_there() -> None:
    told = view()
    required = {"id", "checkout_id", "permalink_url", "line_items", "fulfillment", "currency", "totals"}
    assert required <= set(told)
    assert set(told["fulfillment"]) == {"expectations", "events"}
    (line,) = told["line_items"]
    assert line["item"] == {"id": "cup-red", "title": "Cup", "price": 900}
    assert line["totals"] == [{"type": "total", "amount": 1800}]


def test_the_status_of_a_line_follows_its_quantities() -> None:
    lines = {state: view(state=state)["line_items"][0] for state in ("pending", "shipped", "delivered", "cancelled")}
    assert {state: line["status"] for state, line in lines.items()} == {
        "pending": "processing",
        "shipped": "processing",
        "delivered": "fulfilled",
        "cancelled": "removed",
    }
    assert lines["cancelled"]["quantity"] == {"original": 2, "total": 0, "fulfilled": 0}


def test_address_telephone_and_payment_stay_with_the_shop() -> None:
    paid = Payment(payment_id="p1", kind="payment", amount=usd(1800), method="visa 4242", at=NOON)
    told = str(view(payments=(paid,)))
    for private in ("Hidden Lane", "mia", "555 0100", "4242"):
        assert private not in told


def test_parcels_returns_and_refunds_are_events_and_adjustments() -> None:
    told = view(
        state="return requested",
        shipments=(Shipment(tracking="1Z", carrier="UPS", url="javascript:alert(1)"),),
        returns=(Return(return_id="r1", kind="return", item_ids=("cup-red",), requested_at=NOON),),
        payments=(Payment(payment_id="p2", kind="refund", amount=usd(900), at=NOON),),
    )
    (event,) = told["fulfillment"]["events"]
    assert event["tracking_number"] == "1Z"
    assert event["line_items"] == [{"id": "line-1", "quantity": 1}]
    assert "tracking_url" not in event
    returned, refund = told["adjustments"]
    assert (returned["status"], returned["line_items"]) == ("pending", [{"id": "line-1", "quantity": -1}])
    assert refund["totals"] == [{"type": "total", "amount": -900}]
