"""The variants of a product that a shopper means, by the values that were named. Pure; knows no search."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.ontology.build import variant_values
from zhanggui.catalog.product import Language, Product, Variant, with_variants
from zhanggui.conversation.commands import ASPECT_SLOTS, aspect_of
from zhanggui.conversation.state import BeliefState
from zhanggui.conversation.understanding import Understanding

Values = Mapping[str, Sequence[str]]


def named_values(state: BeliefState, heard: Understanding, ontology: Ontology) -> Values:
    """Aspect -> values that are wanted of a variant: those of this utterance, else those of the search."""
    values: dict[str, Sequence[str]] = dict(state.wanted)
    said: dict[str, list[str]] = {}
    for slot in heard.slots:
        if slot.name in ASPECT_SLOTS and not slot.negated:
            aspect, value = aspect_of(slot, ontology)
            if aspect:
                said.setdefault(aspect, []).append(value)
    return values | said


def narrowed(product: Product, wanted: Values, ontology: Ontology, language: Language) -> Product:
    """The product with only the variants that are meant, its title saying which; as it is where none or all are meant."""
    meant = [variant for variant in product.variants if _is_meant(variant, wanted, ontology)]
    if not meant or len(meant) == len(product.variants):
        return product
    labels = [
        known.label(value, language)
        for aspect, values in wanted.items()
        if (known := ontology.aspect(aspect)) is not None
        for value in values
        if any(value in variant_values(ontology, variant.options).get(aspect, ()) for variant in meant)
    ]
    titles = {tongue: _with(title, labels, tongue) for tongue, title in product.titles.items()}
    return replace(with_variants(product, meant), titles=titles)


def _is_meant(variant: Variant, wanted: Values, ontology: Ontology) -> bool:
    """Whether a variant has a wanted value of each aspect that it is told apart by."""
    held = variant_values(ontology, variant.options)
    return all(set(values) & held[aspect] for aspect, values in wanted.items() if aspect in held)


def _with(title: str, labels: Sequence[str], language: Language) -> str:
    if not labels:
        return title
    return f"{title}（{'、'.join(labels)}）" if language == "zh" else f"{title} ({', '.join(labels)})"
