"""Counts what the feed says of products, by aspect. Knows which names mean the same, and no value's meaning."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from zhanggui.catalog.ontology.general import general_ontology
from zhanggui.catalog.ontology.ontology import Ontology, fold
from zhanggui.catalog.product import Product

_LONGEST = 60
"""A longer text is a description, not a value to choose by."""


def facts_of(product: Product) -> Iterator[tuple[str, str]]:
    """What the feed says of the product and of its variants: (name of an aspect, text)."""
    yield from product.attributes.items()
    for variant in product.variants:
        yield from variant.options.items()
    if product.brand:
        yield "brand", product.brand


@dataclass(kw_only=True)
class FactCount:
    """How often each text is said of each aspect, which is called by its canonical name."""

    edited: Ontology
    texts: dict[str, Counter[str]] = field(default_factory=dict)
    _aspects: dict[str, str] = field(default_factory=dict)

    def add(self, product: Product) -> None:
        """Count a product's facts."""
        for name, text in facts_of(product):
            if len(text) <= _LONGEST and "://" not in text and fold(text) and (aspect := self._aspect(name)):
                self.texts.setdefault(aspect, Counter())[text] += 1

    def _aspect(self, name: str) -> str:
        if name not in self._aspects:
            known = self.edited.aspect(name) or general_ontology().aspect(name)
            self._aspects[name] = known.name if known is not None else fold(name)
        return self._aspects[name]
