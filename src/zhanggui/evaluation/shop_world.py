"""A catalogue as arrays, for simulated dialogues: which product has which value of which aspect, and what it costs.

N products, V values, A aspects, of which the first is the category. Knows no shopper and no store.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from zhanggui.catalog.ontology import Ontology, aspect_values
from zhanggui.catalog.product import Product
from zhanggui.errors import EvaluationError

CATEGORY = 0
"""The aspect that tells of what kind a product is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShopWorld:
    """Products that can be bought."""

    product_ids: tuple[str, ...]
    prices: NDArray[np.float64]
    """(N,) in units of the currency."""
    holds: NDArray[np.bool_]
    """(N, V)"""
    aspects: NDArray[np.int64]
    """(V,) the aspect of each value."""
    aspect_names: tuple[str, ...]
    values: tuple[str, ...]
    """(V,) canonical texts."""


def shop_world(
    products: Iterable[Product], ontology: Ontology, *, now: datetime, most: int = 2_000, seed: int = 0
) -> ShopWorld:
    """The products of a shop as a world, `most` of them at random. Raises EvaluationError where there is nothing to ask."""
    there = [product for product in products if product.category and not product.sold_out]
    rng = np.random.default_rng(seed)
    chosen = [there[place] for place in sorted(rng.permutation(len(there))[:most])]
    said = [_pairs(product, ontology) for product in chosen]
    pairs = sorted(set().union(*said), key=lambda pair: (pair[0] != "category", pair)) if said else []
    names = tuple(dict.fromkeys(aspect for aspect, _ in pairs))
    if len(pairs) < 2:
        raise EvaluationError(
            "the catalogue has no two products that differ in anything a shopper could be asked about"
        )
    place = {pair: number for number, pair in enumerate(pairs)}
    holds = np.zeros((len(chosen), len(pairs)), dtype=np.bool_)
    for row, held in enumerate(said):
        holds[row, [place[pair] for pair in held]] = True
    return ShopWorld(
        product_ids=tuple(product.product_id for product in chosen),
        prices=np.array([float(product.price_at(now).major) for product in chosen]),
        holds=holds,
        aspects=np.array([names.index(aspect) for aspect, _ in pairs]),
        aspect_names=names,
        values=tuple(value for _, value in pairs),
    )


def _pairs(product: Product, ontology: Ontology) -> set[tuple[str, str]]:
    """(aspect, value) of all that a product is."""
    known = aspect_values(ontology, product).items()
    facts = {(aspect, value) for aspect, values in known for value in values if aspect not in ontology.ignored}
    return {("category", product.category), *(pair for pair in facts if pair[0] != "category")}
