"""Which variants of a product are all that a query asks for at once: red, in M and below 200. Knows no index.

A product whose red M costs more is no match, though it comes in red, in M and, in blue, for less.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhanggui.catalog.ontology import Ontology, aspect_values
from zhanggui.catalog.ontology.build import variant_values
from zhanggui.catalog.product import Product
from zhanggui.catalog.search.query import Query


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A variant as a filter sees it."""

    variant_id: str
    values: Mapping[str, frozenset[str]]
    """Of the aspects in which variants of its product differ: canonical values, with those they are kinds of."""
    sold_out: bool
    price: int
    sale_price: int
    """While the product is on sale."""

    def costs(self, *, on_sale: bool) -> int:
        """In minor units."""
        return self.sale_price if on_sale else self.price


def choices(product: Product, ontology: Ontology) -> tuple[Choice, ...]:
    """The variants of a product."""
    stated = [variant_values(ontology, variant.options) for variant in product.variants]
    told_apart_by = {aspect for values in stated for aspect in values}
    own = {name: values for name, values in _own(product, ontology).items() if name in told_apart_by}
    return tuple(
        Choice(
            variant_id=variant.variant_id,
            values={**own, **values},
            sold_out=variant.sold_out,
            price=variant.price.minor,
            sale_price=(variant.sale_price or variant.price).minor,
        )
        for variant, values in zip(product.variants, stated, strict=True)
    )


def common(product: Product, ontology: Ontology) -> dict[str, frozenset[str]]:
    """The values that every variant has: those of the product itself, and those that all its variants share."""
    known = choices(product, ontology)
    if not known:
        return aspect_values(ontology, product)
    shared = {
        aspect: frozenset.intersection(*(choice.values.get(aspect, frozenset()) for choice in known))
        for aspect in {aspect for choice in known for aspect in choice.values}
    }
    return {**_own(product, ontology), **shared}


def fitting(query: Query, known: Sequence[Choice], *, on_sale: bool) -> tuple[Choice, ...]:
    """The variants that have what is wanted and not what is unwanted, in stock and within the prices where that is asked for.

    A price is held against what can be bought; against what is sold out only where none with the values can be bought.
    Aspects and values are canonical.
    """
    valued = tuple(choice for choice in known if _has_values(query, choice))
    if query.price_min is None and query.price_max is None and not query.in_stock:
        return valued
    buyable = tuple(choice for choice in valued if not choice.sold_out)
    if not buyable and not query.in_stock:
        buyable = valued
    lowest = query.price_min.minor if query.price_min else 0
    highest = query.price_max.minor if query.price_max else None
    return tuple(
        choice
        for choice in buyable
        if lowest <= choice.costs(on_sale=on_sale) and (highest is None or choice.costs(on_sale=on_sale) <= highest)
    )


def matters(query: Query) -> bool:
    """Whether a product may be what a query asks for without one of its variants being so."""
    refused = sum(len(values) for values in query.unwanted.values())
    asked = len([values for values in query.wanted.values() if values]) + refused + query.in_stock
    return query.price_min is not None or query.price_max is not None or asked > 1


def to_json(known: Sequence[Choice]) -> str:
    """Variants as the index keeps them."""
    rows = [
        [
            choice.variant_id,
            {aspect: sorted(values) for aspect, values in choice.values.items()},
            choice.sold_out,
            choice.price,
            choice.sale_price,
        ]
        for choice in known
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> tuple[Choice, ...]:
    """What `to_json` made the text from."""
    return tuple(
        Choice(
            variant_id=variant_id,
            values={aspect: frozenset(texts) for aspect, texts in values.items()},
            sold_out=sold_out,
            price=price,
            sale_price=sale_price,
        )
        for variant_id, values, sold_out, price, sale_price in json.loads(text)
    )


def _own(product: Product, ontology: Ontology) -> dict[str, frozenset[str]]:
    """The values that the product has whatever its variants are."""
    facts = [*product.attributes.items(), *([("brand", product.brand)] if product.brand else [])]
    return variant_values(ontology, dict(facts))


def _has_values(query: Query, choice: Choice) -> bool:
    """Of aspects that the variants do not state, the index knows whether the product has them."""
    wanted = all(
        not values or aspect not in choice.values or choice.values[aspect] & set(values)
        for aspect, values in query.wanted.items()
    )
    return wanted and not any(
        choice.values.get(aspect, frozenset()) & set(values) for aspect, values in query.unwanted.items()
    )
