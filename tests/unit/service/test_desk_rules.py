"""What may be done with an order in which state, what it costs, and how the order stands afterwards."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from zhanggui.catalog.product import Product, Variant
from zhanggui.money import Money
from zhanggui.service.desk import Action, Cancel, ChangeAddress, ExchangeItems, ReturnItems
from zhanggui.service.desk_rules import Ruling, items_of, rule
from zhanggui.service.order import Order, OrderLine, Payment, State

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def usd(amount: float) -> Money:
    return Money(currency="USD", minor=round(amount * 100))


def variant(name: str, price: float, *, stock: int | None = None, **options: str) -> Variant:
    return Variant(variant_id=name, options=options, price=usd(price), stock=stock)


CUP = Product(
    product_id="cup",
    titles={"en": "Cup"},
    price=usd(10),
    variants=(
        variant("cup-s", 10, size="S"),
        variant("cup-m", 12.5, size="M"),
        variant("cup-l", 9, size="L"),
        variant("cup-xl", 9, stock=0, size="XL"),
    ),
)
POT = Product(product_id="pot", titles={"en": "Pot"}, price=usd(40), variants=(variant("pot-1", 40, size="1 l"),))
EURO = replace(
    CUP, variants=(*CUP.variants, replace(CUP.variants[0], variant_id="cup-e", price=Money(currency="EUR", minor=1)))
)
PRODUCTS = {one.variant_id: product for product in (CUP, POT) for one in product.variants}
ORDER = Order(
    order_id="1",
    customer_id="c",
    state="pending",
    lines=(
        OrderLine(product_id="cup", variant_id="cup-s", title="Cup", options={"size": "S"}, price=usd(10), quantity=2),
        OrderLine(product_id="pot", variant_id="pot-1", title="Pot", price=usd(40)),
    ),
    total=usd(60),
    address={"street": "Main Street 1", "city": "Denver"},
    payments=(Payment(payment_id="1", kind="payment", amount=usd(60), method="PayPal", at=NOW),),
    placed_at=NOW,
    updated_at=NOW,
)
DELIVERED = replace(ORDER, state="delivered")
SWAP = ExchangeItems(item_ids=("cup-s",), new_item_ids=("cup-m",))
BACK = ReturnItems(item_ids=("cup-s", "pot-1"))
MOVE = ChangeAddress(address={"street": "Other Street 2", "city": "Denver"})


def ruled(order: Order, action: Action) -> Ruling:
    return rule(order, action, products=PRODUCTS, key="k", now=NOW)


@pytest.mark.parametrize(
    ("action", "states"),
    [
        (Cancel(), {"pending"}),
        (MOVE, {"pending"}),
        (BACK, {"delivered"}),
        (SWAP, {"pending", "delivered"}),
    ],
)
def test_each_action_is_possible_in_its_states_alone(action: Action, states: set[str]) -> None:
    possible = {state for state in get_args(State) if ruled(replace(ORDER, state=state), action).order is not None}
    assert possible == states
    reasons = {ruled(replace(ORDER, state=state), action).reason for state in set(get_args(State)) - states}
    assert reasons <= {"not_pending", "not_delivered"}


def test_a_cancelled_order_gives_back_what_was_paid_the_way_it_was_paid() -> None:
    ruling = ruled(ORDER, Cancel(reason="ordered by mistake"))
    assert ruling.order is not None
    assert (ruling.order.state, ruling.order.cancel_reason, ruling.balance) == (
        "cancelled",
        "ordered by mistake",
        usd(-60),
    )
    refund = ruling.order.payments[-1]
    assert (refund.kind, refund.amount, refund.method) == ("refund", usd(60), "PayPal")


def test_a_cancelled_order_gives_back_only_what_was_not_given_back_yet() -> None:
    card = Payment(payment_id="2", kind="payment", amount=usd(5), method="Visa", at=NOW)
    part = Payment(payment_id="3", kind="refund", amount=usd(20), method="PayPal", at=NOW)
    ruling = ruled(replace(ORDER, payments=(*ORDER.payments, card, part)), Cancel())
    assert ruling.order is not None
    assert [(one.method, one.amount) for one in ruling.order.payments[3:]] == [("PayPal", usd(40)), ("Visa", usd(5))]
    assert ruling.balance == usd(-45)
    assert ruled(replace(ORDER, payments=()), Cancel()).balance is None, "nobody knows what was paid"


def test_an_address_is_replaced_whole() -> None:
    ruling = ruled(ORDER, ChangeAddress(address={" street ": " Elm 3 ", "note": " "}))
    assert ruling.order is not None
    assert ruling.order.address == {"street": "Elm 3"}
    assert ruled(ORDER, ChangeAddress(address={"street": " "})).reason == "no_address"
    assert ruled(ORDER, ChangeAddress(address=dict(ORDER.address))).reason == "same_address"


def test_a_return_gives_back_what_the_items_cost() -> None:
    ruling = ruled(DELIVERED, BACK)
    assert ruling.order is not None
    assert (ruling.order.state, ruling.balance) == ("return requested", usd(-50))
    (asked,) = ruling.order.returns
    assert (asked.kind, asked.item_ids, asked.balance) == ("return", ("cup-s", "pot-1"), usd(-50))


@pytest.mark.parametrize("items", [(), ("cup-m",), ("cup-s",) * 3, ("pot-1", "pot-1")])
def test_only_what_was_bought_goes_back(items: tuple[str, ...]) -> None:
    assert ruled(DELIVERED, ReturnItems(item_ids=items)).reason == "no_such_item"


def test_part_of_a_kilogram_goes_back_for_what_was_paid() -> None:
    tea = OrderLine(product_id="tea", price=usd(100), quantity=0.4)
    assert ruled(replace(DELIVERED, lines=(tea,)), ReturnItems(item_ids=("tea",))).balance == usd(-40)


def test_an_exchange_before_packing_changes_the_line_and_settles_the_difference() -> None:
    ruling = ruled(ORDER, SWAP)
    after = ruling.order
    assert after is not None
    assert [(one.item_id, one.quantity, one.price) for one in after.lines] == [
        ("cup-s", 1, usd(10)),
        ("cup-m", 1, usd(12.5)),
        ("pot-1", 1, usd(40)),
    ]
    assert after.lines[1].options == {"size": "M"}
    assert (ruling.balance, after.total, after.state, after.returns) == (usd(2.5), usd(62.5), "pending", ())
    assert (after.payments[-1].kind, after.payments[-1].amount, after.payments[-1].method) == (
        "payment",
        usd(2.5),
        "PayPal",
    )


def test_a_cheaper_variant_gives_money_back() -> None:
    ruling = ruled(ORDER, ExchangeItems(item_ids=("cup-s", "cup-s"), new_item_ids=("cup-l", "cup-l")))
    assert ruling.order is not None
    assert [(one.item_id, one.quantity) for one in ruling.order.lines] == [("cup-l", 2), ("pot-1", 1)]
    assert (ruling.balance, ruling.order.payments[-1].kind, ruling.order.total) == (usd(-2), "refund", usd(58))


def test_an_exchange_after_delivery_is_asked_for() -> None:
    ruling = ruled(DELIVERED, SWAP)
    assert ruling.order is not None
    assert (ruling.order.state, ruling.order.lines, ruling.order.payments) == (
        "exchange requested",
        DELIVERED.lines,
        DELIVERED.payments,
    )
    (asked,) = ruling.order.returns
    assert (asked.kind, asked.item_ids, asked.new_item_ids, asked.balance) == (
        "exchange",
        ("cup-s",),
        ("cup-m",),
        usd(2.5),
    )


@pytest.mark.parametrize(
    ("items", "new", "reason"),
    [
        (("cup-s",), ("cup-xl",), "not_available"),
        (("cup-s",), ("cup-s",), "same_variant"),
        (("cup-s",), ("pot-1",), "other_product"),
        (("cup-s",), ("cup-9",), "no_such_variant"),
        (("cup-9",), ("cup-m",), "no_such_item"),
        (("cup-s",), (), "no_such_item"),
        ((), (), "no_such_item"),
        (("cup-s",) * 3, ("cup-m",) * 3, "no_such_item"),
    ],
)
def test_an_exchange_needs_a_variant_of_the_same_product_that_is_there(
    items: tuple[str, ...], new: tuple[str, ...], reason: str
) -> None:
    assert ruled(ORDER, ExchangeItems(item_ids=items, new_item_ids=new)).reason == reason


def test_a_product_without_variants_cannot_be_exchanged_and_currencies_do_not_mix() -> None:
    plain = replace(CUP, variants=())
    swap = ExchangeItems(item_ids=("cup-s",), new_item_ids=("cup",))
    assert rule(ORDER, swap, products={"cup": plain}, key="k", now=NOW).reason == "no_such_variant"
    swap = ExchangeItems(item_ids=("cup-s",), new_item_ids=("cup-e",))
    assert rule(ORDER, swap, products={"cup-e": EURO}, key="k", now=NOW).reason == "other_currency"


def test_a_line_that_names_a_variant_as_its_product_belongs_to_that_product() -> None:
    line = OrderLine(product_id="cup-s", price=usd(10))
    assert ruled(replace(ORDER, lines=(line,)), SWAP).balance == usd(2.5)


def test_the_items_of_an_action_are_those_it_names() -> None:
    assert items_of(SWAP) == ("cup-s", "cup-m")
    assert items_of(BACK) == ("cup-s", "pot-1")
    assert items_of(Cancel()) == ()
