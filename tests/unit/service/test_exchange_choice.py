"""Which variant is meant: what is not named stays as it was."""

from datetime import UTC, datetime

import pytest

from zhanggui.catalog.product import Product, Variant
from zhanggui.money import Money
from zhanggui.service.exchange_choice import choices
from zhanggui.service.order import Order, OrderLine

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PRICE = Money(currency="USD", minor=1_000)


def variant(name: str, *, stock: int | None = None, **options: str) -> Variant:
    return Variant(variant_id=name, options=options, price=PRICE, stock=stock)


BOTTLE = Product(
    product_id="bottle",
    titles={"en": "Water Bottle", "zh": "水杯"},
    price=PRICE,
    variants=(
        variant("b-1", capacity="500ml", color="red"),
        variant("b-2", capacity="500ml", color="blue"),
        variant("b-3", capacity="750ml", color="red"),
        variant("b-4", capacity="750ml", color="blue"),
        variant("b-5", capacity="500ml", color="black", stock=0),
        variant("b-7", capacity="500ml", color="green"),
        variant("b-6", capacity="1000ml", color="army-green"),
    ),
)
SHIRT = Product(
    product_id="shirt",
    titles={"en": "T-Shirt", "zh": "T恤"},
    price=PRICE,
    variants=(
        variant("s-1", 颜色="红色", 尺码="M"),
        variant("s-2", 颜色="蓝色", 尺码="M"),
        variant("s-3", 颜色="蓝色", 尺码="L"),
    ),
)
ORDER = Order(
    order_id="1",
    customer_id="c",
    state="pending",
    lines=(OrderLine(product_id="bottle", variant_id="b-1"), OrderLine(product_id="shirt", variant_id="s-1")),
    placed_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("exchange the water bottle for the blue one", [("b-1", ["b-2"])]),
        ("the Water Bottle in 750 ml please", []),
        ("the Water-Bottle in 750ml, blue", [("b-1", ["b-4"])]),
        ("not red but blue for the water bottle", [("b-1", ["b-2"])]),
        ("water bottle in black", []),  # sold out
        ("water bottle in green", [("b-1", ["b-7"])]),
        ("water bottle in army green", [("b-1", ["b-6"])]),
        ("I want it in blue", [("b-1", ["b-2"])]),
        ("水杯要 750ml 的", [("b-1", ["b-3"])]),
        ("T恤换成蓝色", [("s-1", ["s-2"])]),
        ("换成蓝色，L", [("s-1", ["s-3"])]),
        ("I want another one", []),
        ("red", []),
        ("", []),
    ],
)
def test_a_text_means_the_variant_that_it_names(text: str, meant: list[tuple[str, list[str]]]) -> None:
    found = choices(ORDER, text, {"bottle": BOTTLE, "shirt": SHIRT})
    assert [(one.line.item_id, [each.variant_id for each in one.variants]) for one in found] == meant


def test_what_may_mean_several_variants_gives_them_all() -> None:
    twice = Product(
        product_id="bottle",
        titles={"en": "Bottle"},
        price=PRICE,
        variants=(
            variant("b-1", color="red", lid="a"),
            variant("x", color="blue", lid="b"),
            variant("y", color="blue", lid="c"),
        ),
    )
    (choice,) = choices(ORDER, "blue", {"bottle": twice})
    assert [one.variant_id for one in choice.variants] == ["x", "y"]
