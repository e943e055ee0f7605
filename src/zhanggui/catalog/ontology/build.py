"""Learns the ontology from products, with what is generally known of shops, under what was edited. Knows no store."""

from collections.abc import Iterable, Iterator, Mapping

from zhanggui.catalog.ontology.ontology import Aspect, Category, Ontology, Value, fold
from zhanggui.catalog.product import Product


def build_ontology(products: Iterable[Product], *, edited: Ontology | None = None) -> Ontology:
    """The ontology of these products. What `edited` says wins; what only products say is added."""
    known = edited or Ontology()
    categories = {one.path: one for one in known.categories}
    values: dict[str, dict[str, Value]] = {
        one.name: {value.value: value for value in one.values} for one in known.aspects
    }
    ranges: dict[str, tuple[int, int]] = {}
    for product in products:
        if product.category:
            categories.setdefault(product.category, Category(path=product.category))
        for name, text in facts(product):
            aspect = known.aspect(name)
            if aspect is None or aspect.value(text) is None:
                values.setdefault(aspect.name if aspect else fold(name), {}).setdefault(text, Value(value=text))
        prices = [one.price.minor for one in product.variants] or [product.price.minor]
        lowest, highest = ranges.get(product.price.currency, (prices[0], prices[0]))
        ranges[product.price.currency] = (min(lowest, *prices), max(highest, *prices))
    aspects = {one.name: one for one in known.aspects}
    return Ontology(
        categories=tuple(categories.values()),
        aspects=tuple(_with(aspects.get(name) or Aspect(name=name), values[name]) for name in values),
        price_ranges=ranges,
        ignored=known.ignored,
    )


def aspect_values(ontology: Ontology, product: Product) -> dict[str, frozenset[str]]:
    """The canonical values of each aspect that the product or one of its variants has."""
    values: dict[str, set[str]] = {}
    for name, text in facts(product):
        if (aspect := ontology.aspect(name)) and aspect.name not in ontology.ignored:
            values.setdefault(aspect.name, set()).add(aspect.value(text) or text)
    return {name: frozenset(texts) for name, texts in values.items()}


def facts(product: Product) -> Iterator[tuple[str, str]]:
    """What the feed says of the product and of its variants: (name of an aspect, value)."""
    yield from product.attributes.items()
    for variant in product.variants:
        yield from variant.options.items()
    if product.brand:
        yield "brand", product.brand


def _with(aspect: Aspect, values: Mapping[str, Value]) -> Aspect:
    return Aspect(
        name=aspect.name, labels=aspect.labels, values=tuple(values.values()), unit=aspect.unit, kind=aspect.kind
    )
