"""What was said of an order comes out alike in whatever order and however often it arrives."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from zhanggui.money import Money
from zhanggui.service.order import Order, OrderLine, Payment, Return, Shipment
from zhanggui.service.order_facts import Facts, Statement, fields_of, merged, order_of

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def said(minutes: int, source: str = "a", *, rank: int = 1, **fields: Any) -> Statement:
    return Statement(order_id="1", at=NOW + timedelta(minutes=minutes), source=source, rank=rank, fields=fields)


def folded(statements: list[Statement]) -> Facts:
    facts: Facts = {}
    for statement in statements:
        facts = merged(facts, statement)
    return facts


STATEMENTS = st.lists(
    st.builds(
        said,
        st.integers(0, 3),
        st.sampled_from("abc"),
        rank=st.integers(0, 3),
        state=st.sampled_from(["pending", "shipped", "cancelled"]),
        customer_id=st.sampled_from(["one", "two"]),
    ),
    max_size=6,
    unique_by=lambda one: (one.at, one.rank, one.source),
)


@given(STATEMENTS, st.randoms())
@settings(max_examples=30, deadline=None)
def test_neither_order_nor_repetition_of_statements_matters(statements: list[Statement], random: Any) -> None:
    mixed = [*statements, *statements]
    random.shuffle(mixed)
    assert folded(mixed) == folded(statements)


def test_the_latest_state_holds_and_the_earliest_owner() -> None:
    facts = folded(
        [
            said(5, state="cancelled"),
            said(1, state="pending", customer_id="first", placed_at=NOW.isoformat()),
            said(3, state="shipped", customer_id="second"),
        ]
    )
    order = order_of("1", facts)
    assert order is not None
    assert (order.state, order.customer_id) == ("cancelled", "first")
    assert order.updated_at == NOW + timedelta(minutes=5)


def test_nobody_sees_an_order_of_which_only_a_change_is_known() -> None:
    assert order_of("1", folded([said(1, state="shipped")])) is None


def test_an_order_comes_back_whole_from_its_fields() -> None:
    amount = Money(currency="CNY", minor=1_900)
    order = Order(
        order_id="1",
        customer_id="c",
        state="return requested",
        lines=(
            OrderLine(product_id="p", variant_id="v", title="Tea", options={"size": "S"}, price=amount, quantity=2),
        ),
        total=amount,
        email="a@example.com",
        phone="+86 138",
        address={"city": "Hangzhou"},
        payments=(Payment(payment_id="1", kind="payment", amount=amount, method="PayPal", at=NOW),),
        shipments=(Shipment(tracking="SF1", carrier="SF", item_ids=("v",)),),
        returns=(Return(return_id="k", kind="return", item_ids=("v",), balance=amount, requested_at=NOW),),
        cancel_reason="",
        placed_at=NOW,
        updated_at=NOW,
    )
    stored = json.loads(json.dumps(fields_of(order)))
    assert order_of("1", folded([said(0, **stored)])) == order


def test_an_order_whose_money_went_back_is_refunded_unless_it_was_cancelled() -> None:
    paid = {
        "payment:1": {"payment_id": "1", "kind": "payment", "amount": ["CNY", 900], "method": "", "at": NOW.isoformat()}
    }
    part = {"payment:2": {**paid["payment:1"], "payment_id": "2", "kind": "refund", "amount": ["CNY", 400]}}
    whole = {"payment:3": {**paid["payment:1"], "payment_id": "3", "kind": "refund", "amount": None}}
    placed = said(0, placed_at=NOW.isoformat(), state="delivered", **paid)
    states = [
        order_of("1", folded([placed, *more])).state  # type: ignore[union-attr]
        for more in ([], [said(1, **part)], [said(1, **part), said(2, **whole)], [said(2, state="cancelled", **whole)])
    ]
    assert states == ["delivered", "delivered", "refunded", "cancelled"]


def test_a_cheaper_exchange_is_no_refund_of_the_order() -> None:
    one = {"payment_id": "1", "kind": "payment", "amount": ["CNY", 1000], "method": "", "at": NOW.isoformat()}
    back = {**one, "payment_id": "2", "kind": "refund", "amount": ["CNY", 700]}
    order = order_of(
        "1", folded([said(0, placed_at=NOW.isoformat(), total=["CNY", 300], **{"payment:1": one, "payment:2": back})])
    )
    assert order is not None
    assert order.state == "pending"
