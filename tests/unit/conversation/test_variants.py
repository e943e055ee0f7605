"""Variants that a shopper means: their own price and stock, and a title that says which."""

from datetime import UTC, datetime
from typing import Any

from zhanggui.catalog.ontology import Ontology, build_ontology
from zhanggui.catalog.product import Language, Product, Variant, with_variants
from zhanggui.catalog.search import Query
from zhanggui.conversation.state import BeliefState
from zhanggui.conversation.variants import named_values, narrowed, priced_variant
from zhanggui.money import Money

from .heard import heard

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def cny(amount: int) -> Money:
    return Money(currency="CNY", minor=amount * 100)


def variant(colour: str, size: str, price: int, stock: int) -> Variant:
    return Variant(
        variant_id=f"{colour}-{size}", options={"colour": colour, "size": size}, price=cny(price), stock=stock
    )


SHIRT = with_variants(
    Product(product_id="shirt", titles={"en": "Shirt", "zh": "衬衫"}, price=cny(1)),
    [variant("blue", "M", 99, 0), variant("blue", "L", 109, 4), variant("red", "M", 89, 7)],
)
ONTOLOGY: Ontology = build_ontology([SHIRT])


def meant(language: Language = "en", **asked: Any) -> Product:
    return narrowed(SHIRT, Query(**asked), ONTOLOGY, language, now=NOW)


def test_the_variants_that_are_named_have_their_own_price_and_stock() -> None:
    blue = meant(wanted={"colour": ("blue",)})
    assert (blue.title("en"), blue.price, blue.stock) == ("Shirt (blue)", cny(109), 4)
    medium = meant("zh", wanted={"colour": ("blue",), "size": ("M",)})
    assert (medium.sold_out, medium.title("zh")) == (True, "衬衫（蓝色、中）")


def test_a_bound_leaves_the_variants_that_cost_so_much_and_says_which() -> None:
    cheap = meant(price_max=cny(100))
    assert (cheap.title("en"), cheap.price, cheap.price_range_at(NOW)[1]) == ("Shirt (red, M)", cny(89), cny(89))
    assert meant(unwanted={"colour": ("red",)}).price == cny(109)


def test_the_variant_whose_price_was_told_is_known() -> None:
    assert priced_variant(SHIRT, meant(wanted={"colour": ("blue",)}), now=NOW) == "blue-L"
    assert priced_variant(SHIRT, SHIRT, now=NOW) == ""


def test_what_names_no_variant_leaves_the_product_as_it_is() -> None:
    assert meant() is SHIRT
    assert meant(wanted={"colour": ("green",)}) is SHIRT
    assert meant(wanted={"material": ("silk",)}) is SHIRT


def test_what_is_said_now_wins_over_what_was_looked_for() -> None:
    state = BeliefState(wanted={"colour": ("red",)})
    assert named_values(state, heard("in blue?", "ask_stock", colour="blue"), ONTOLOGY) == {"colour": ("blue",)}
    assert named_values(state, heard("in stock?", "ask_stock"), ONTOLOGY) == {"colour": ("red",)}
