"""A shop of cups and scarves in all colours and sizes, for tests of simulated shoppers."""

from datetime import UTC, datetime
from itertools import product as every

from zhanggui.catalog.ontology import build_ontology
from zhanggui.catalog.product import Product
from zhanggui.evaluation.shop_world import ShopWorld, shop_world
from zhanggui.money import Money

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def products(*, price: int = 1_000, **changed) -> list[Product]:
    combined = every(("Cups", "Scarves"), ("red", "blue", "green"), ("small", "large"))
    return [
        Product(
            product_id=f"p{number}",
            titles={"en": f"{colour} thing"},
            price=Money(currency="CNY", minor=price * (number + 1)),
            category=category,
            attributes={"colour": colour, "size": size},
            **changed,
        )
        for number, (category, colour, size) in enumerate(combined)
    ]


def world(**changed) -> ShopWorld:
    things = products(**changed)
    return shop_world(things, build_ontology(things), now=NOW)
