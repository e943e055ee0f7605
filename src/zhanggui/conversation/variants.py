"""The variants of a product that a shopper means, by the values and prices that were named. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.ontology.build import variant_values
from zhanggui.catalog.product import Language, Product, Variant, for_sale, with_variants
from zhanggui.catalog.search import Query, variants_fitting
from zhanggui.conversation.commands import ASPECT_SLOTS, aspect_of
from zhanggui.conversation.state import BeliefState
from zhanggui.conversation.understanding import Understanding

Values = Mapping[str, Sequence[str]]
_FEW = 2
"""More values than that are not listed in a title."""


def named_values(state: BeliefState, heard: Understanding, ontology: Ontology) -> dict[str, tuple[str, ...]]:
    """Aspect -> values that are wanted of a variant: those of this utterance, else those of the search."""
    said: dict[str, tuple[str, ...]] = {}
    for slot in heard.slots:
        if slot.name in ASPECT_SLOTS and not slot.negated:
            aspect, value = aspect_of(slot, ontology)
            if aspect:
                said[aspect] = (*said.get(aspect, ()), value)
    return {**state.wanted, **said}


def narrowed(product: Product, query: Query, ontology: Ontology, language: Language, *, now: datetime) -> Product:
    """The product with only the variants that are all that is asked for, its title saying which.

    As it is where none or all are meant.
    """
    meant = variants_fitting(query, product, ontology, now=now)
    if not meant or len(meant) == len(product.variants):
        return product
    labels = list(_labels(product, meant, query.wanted, ontology, language))
    titles = {tongue: _with(title, labels, tongue) for tongue, title in product.titles.items()}
    return replace(with_variants(product, meant), titles=titles)


def priced_variant(whole: Product, meant: Product, *, now: datetime) -> str:
    """The id of the variant whose price is told of a product that was narrowed; "" of one that was not."""
    if len(meant.variants) == len(whole.variants):
        return ""
    cheapest = min(for_sale(meant.variants), key=lambda variant: meant.price_at(now, variant.variant_id))
    return cheapest.variant_id


def _labels(
    product: Product, meant: Sequence[Variant], wanted: Values, ontology: Ontology, language: Language
) -> Iterator[str]:
    """What tells the variants that are meant from the others: the wanted values, and what else only they have."""
    held = {variant.variant_id: variant_values(ontology, variant.options) for variant in product.variants}
    fits = [held[variant.variant_id] for variant in meant]
    for name in dict.fromkeys(aspect for values in held.values() for aspect in values):
        known = ontology.aspect(name)
        if known is None:
            continue
        has = {value for values in fits for value in values.get(name, ())}
        if said := [value for value in wanted.get(name, ()) if value in has]:
            yield from (known.label(value, language) for value in said)
        elif any(not values.get(name, frozenset()) & has for values in held.values()):
            narrowest = has - {wider for value in has for wider in known.wider(value)}
            yield from sorted(known.label(value, language) for value in narrowest) if len(narrowest) <= _FEW else ()


def _with(title: str, labels: Sequence[str], language: Language) -> str:
    if not labels:
        return title
    return f"{title}（{'、'.join(labels)}）" if language == "zh" else f"{title} ({', '.join(labels)})"
