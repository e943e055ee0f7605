"""Variants that a shopper means: their own price and stock, and a title that says which."""

from zhanggui.catalog.ontology import Ontology, build_ontology
from zhanggui.catalog.product import Product, Variant, with_variants
from zhanggui.conversation.state import BeliefState
from zhanggui.conversation.variants import named_values, narrowed
from zhanggui.money import Money

from .heard import heard


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


def test_the_variants_that_are_named_have_their_own_price_and_stock() -> None:
    blue = narrowed(SHIRT, {"colour": ["blue"]}, ONTOLOGY, "en")
    assert (blue.title("en"), blue.price, blue.stock) == ("Shirt (blue)", cny(109), 4)
    medium = narrowed(SHIRT, {"colour": ["blue"], "size": ["M"]}, ONTOLOGY, "zh")
    assert (medium.sold_out, medium.title("zh")) == (True, "衬衫（蓝色、中）")


def test_what_names_no_variant_leaves_the_product_as_it_is() -> None:
    assert narrowed(SHIRT, {}, ONTOLOGY, "en") is SHIRT
    assert narrowed(SHIRT, {"colour": ["green"]}, ONTOLOGY, "en") is SHIRT
    assert narrowed(SHIRT, {"material": ["silk"]}, ONTOLOGY, "en") is SHIRT


def test_what_is_said_now_wins_over_what_was_looked_for() -> None:
    state = BeliefState(wanted={"colour": ("red",)})
    assert named_values(state, heard("in blue?", "ask_stock", colour="blue"), ONTOLOGY) == {"colour": ["blue"]}
    assert named_values(state, heard("in stock?", "ask_stock"), ONTOLOGY) == {"colour": ("red",)}
