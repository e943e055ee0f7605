"""Learns the ontology from products, with what is generally known of shops, under what was edited. Knows no store."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from zhanggui.catalog.ontology.categories import CategoryCount
from zhanggui.catalog.ontology.facts import FactCount, facts_of
from zhanggui.catalog.ontology.general import general_ontology, kin
from zhanggui.catalog.ontology.measure import Measure, measure, normal, unit_of
from zhanggui.catalog.ontology.ontology import Aspect, Ontology, Value, fold, language_of
from zhanggui.catalog.product import Product

_MOST = 300
"""Where nearly each product has a value of its own and there are more than this, they are codes, not choices."""
_MOST_ASPECTS = 200
"""The commonest; a feed that names more names what nobody asks for."""
_HEADED = ("colour", "material")
"""Aspects whose values end with what they are: "haze blue" is blue, "有机棉" is cotton."""


def build_ontology(products: Iterable[Product], *, edited: Ontology | None = None) -> Ontology:
    """The ontology of these products. What `edited` says wins; what only products say is added."""
    known = edited or Ontology()
    categories, facts = CategoryCount(), FactCount(edited=known)
    ranges: dict[str, tuple[int, int]] = {}
    for product in products:
        categories.add(product)
        facts.add(product)
        prices = [variant.price.minor for variant in product.variants] or [product.price.minor]
        lowest, highest = ranges.get(product.price.currency, (prices[0], prices[0]))
        ranges[product.price.currency] = (min(lowest, *prices), max(highest, *prices))
    edited_names = {aspect.name for aspect in known.aspects}
    commonest_first = sorted(facts.texts.items(), key=lambda said: -said[1].total())
    learned = [
        _learned(name, texts)
        for name, texts in commonest_first
        if name not in edited_names and name != "category" and not _are_codes(name, texts)
    ]
    return Ontology(
        categories=categories.learned(known.categories),
        aspects=(
            *(_with_learned(aspect, facts.texts.get(aspect.name, Counter())) for aspect in known.aspects),
            *learned[:_MOST_ASPECTS],
        ),
        price_ranges={**ranges, **known.price_ranges},
        ignored=known.ignored,
    )


def aspect_values(ontology: Ontology, product: Product) -> dict[str, frozenset[str]]:
    """The canonical values of each aspect that the product or one of its variants has, with those they are kinds of."""
    return _values(ontology, facts_of(product))


def variant_values(ontology: Ontology, options: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The canonical values of a variant's options, with those they are kinds of."""
    return _values(ontology, options.items())


def _values(ontology: Ontology, facts: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    values: dict[str, set[str]] = {}
    for name, text in facts:
        aspect, meant = ontology.meaning(name, text)
        if aspect:
            values.setdefault(aspect, set()).update(meant)
    return {name: frozenset(texts) for name, texts in values.items()}


def _are_codes(name: str, texts: Counter[str]) -> bool:
    return name != "brand" and len(texts) > _MOST and 2 * len(texts) > texts.total()


def _learned(name: str, texts: Counter[str]) -> Aspect:
    """The aspect of this name: a general one, one of the kin of a general one, or one that only this shop has."""
    if (general := general_ontology().aspect(name)) is not None:
        return _with_learned(_in_the_units_of(general, texts), texts)
    relative, labels = kin(name), {language_of(name): (name,)}
    if relative is None:
        unit = unit_of(texts)
        own = Aspect(name=name, labels=labels, unit=unit, kind="number") if unit else Aspect(name=name, labels=labels)
        return _with_learned(own, texts)
    whole = _with_learned(_in_the_units_of(relative, texts), texts)
    used = {value for text in texts for value in whole.values_in(text)}
    used |= {wider for value in used for wider in whole.wider(value)}
    return replace(
        whole, name=name, labels=labels, values=tuple(value for value in whole.values if value.value in used)
    )


def _in_the_units_of(aspect: Aspect, texts: Counter[str]) -> Aspect:
    """A general number in the unit that the shop states most often."""
    if aspect.kind != "number":
        return aspect
    units = Counter[str]()
    for text, count in texts.items():
        stated = measure(text)
        if stated is not None and stated.kind == Measure(amount=Decimal(1), unit=aspect.unit).kind:
            units[stated.unit] += count
    return replace(aspect, unit=units.most_common(1)[0][0]) if units else aspect


def _with_learned(aspect: Aspect, texts: Counter[str]) -> Aspect:
    """The aspect with the values that no label of it says; of one value written in two ways, as it is written mostly."""
    own: dict[str, Value] = {}
    for text, _ in texts.most_common():
        for value in aspect.values_in(text) or (normal(text),):
            if fold(value) not in own and (aspect.kind == "number" or not aspect.values_in(value)):
                own[fold(value)] = _value(aspect, value)
    listed = {value.value for value in aspect.values}
    values = (*aspect.values, *(value for value in own.values() if value.value not in listed))
    return replace(aspect, values=tuple(sorted(values, key=_by_amount)) if aspect.kind == "number" else values)


def _value(aspect: Aspect, text: str) -> Value:
    if text[:1].isdigit():
        return Value(value=text)  # the same in both languages
    return Value(value=text, labels={language_of(text): (text,)}, within=_head(aspect, text))


def _head(aspect: Aspect, text: str) -> str:
    """The value that `text` is a kind of by its end; "" of an aspect whose values are not made that way."""
    if aspect.name not in _HEADED:
        return ""
    words = text.split()
    ends = [" ".join(words[start:]) for start in range(1, len(words))] or [
        text[start:] for start in range(1, len(text))
    ]
    return next((value for end in ends if (value := aspect.value(end)) is not None), "")


def _by_amount(value: Value) -> tuple[bool, str, float]:
    stated = measure(value.value)
    return (stated is None, stated.unit, float(stated.amount)) if stated else (True, "", 0.0)
