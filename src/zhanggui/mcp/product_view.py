"""A product as the Universal Commerce Protocol shows it: in search, looked up by identifiers, and in detail.

Knows no database; prices and stock are those of the moment that it is given.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from zhanggui.catalog import commerce_shapes as shapes
from zhanggui.catalog.commerce_shapes import Json
from zhanggui.catalog.product import Language, Product, Variant
from zhanggui.mcp.option_selection import Option, availability_of, effective_selection, matching

_LISTED, _DETAILED = 10, 100
"""How many variants a product shows in a list, and in detail."""
_FACTS = 20


def listed(product: Product, *, language: Language, seller: str, moment: datetime) -> Json:
    """A product that was found, its featured variant first."""
    variants = shapes.offered(product, moment)
    shown = [_variant(product, variant, language, seller, moment) for variant in variants[:_LISTED]]
    return {**_head(product, language, moment), **_options(variants), "variants": shown}


def looked_up(
    product: Product,
    identifiers: Sequence[str],
    *,
    language: Language,
    seller: str,
    moment: datetime,
    allowed: Sequence[Variant],
) -> Json | None:
    """A product with those of its `allowed` variants that `identifiers` resolve to, and by which; None where none is left.

    The product's own identifier resolves to the first allowed variant.
    """
    inputs: dict[str, list[Json]] = {}
    for identifier in identifiers:
        named = [variant for variant in allowed if variant.variant_id == identifier]
        if named:
            inputs.setdefault(identifier, []).append({"id": identifier, "match": "exact"})
        elif identifier == product.product_id and allowed:
            inputs.setdefault(allowed[0].variant_id, []).append({"id": identifier, "match": "featured"})
    if not inputs:
        return None
    shown = [
        {**_variant(product, variant, language, seller, moment), "inputs": inputs[variant.variant_id]}
        for variant in allowed
        if variant.variant_id in inputs
    ]
    return {**_head(product, language, moment), **_options(shapes.offered(product, moment)), "variants": shown}


def detailed(
    product: Product,
    identifier: str,
    *,
    selected: Sequence[Option],
    preferences: Sequence[str],
    language: Language,
    seller: str,
    moment: datetime,
    allowed: Sequence[Variant],
) -> Json | None:
    """A product in full: the options that hold, which other values there are beside them, and the allowed variants that
    match. A variant's identifier fixes its options. None where no allowed variant matches.
    """
    variants = shapes.offered(product, moment)
    named = [variant for variant in variants if variant.variant_id == identifier]
    if named or not selected:
        holding: Mapping[str, str] = dict(shapes.options((named or variants)[0]))
    else:
        holding = effective_selection(variants, selected, preferences)
    fitting = [*named, *(variant for variant in matching(variants, holding) if variant not in named)]
    shown = [_variant(product, one, language, seller, moment) for one in fitting if one in allowed]
    if not shown:
        return None
    options = [
        {"name": name, "values": [{"label": label, **state} for label, state in values.items()]}
        for name, values in availability_of(variants, holding).items()
    ]
    selection = [{"name": name, "label": label} for name, label in holding.items()]
    chosen = {"options": options, "selected": selection} if options else {}
    return {**_head(product, language, moment), **chosen, "variants": shown[:_DETAILED]}


def _head(product: Product, language: Language, moment: datetime) -> Json:
    name = shapes.title(product, language)
    lowest, highest = product.price_range_at(moment)
    facts = [(shapes.plain(fact, 100), shapes.plain(value, 500)) for fact, value in product.attributes.items()]
    metadata = dict([*facts[:_FACTS], ("brand", shapes.plain(product.brand, 100))])
    return {
        "id": product.product_id,
        "title": name,
        "description": shapes.description(product, language),
        **shapes.link(product.url),
        **shapes.categories(product),
        "price_range": {"min": shapes.price(lowest), "max": shapes.price(highest)},
        **shapes.media(product.image_url, *product.image_urls, alt_text=name),
        "metadata": {fact: value for fact, value in metadata.items() if fact and value},
    }


def _options(variants: Sequence[Variant]) -> Json:
    axes: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, label in shapes.options(variant):
            axes.setdefault(name, {})[label] = None
    named = [{"name": name, "values": [{"label": label} for label in labels]} for name, labels in axes.items()]
    return {"options": named} if named else {}


def _variant(product: Product, variant: Variant, language: Language, seller: str, moment: datetime) -> Json:
    name = shapes.variant_title(product, variant, language)
    chosen = [{"name": option, "label": label} for option, label in shapes.options(variant)]
    return {
        "id": variant.variant_id,
        "sku": variant.variant_id,
        "title": name,
        "description": {"plain": name},
        **shapes.link(variant.url),
        **shapes.prices(product, variant, moment),
        "availability": shapes.availability(variant),
        **({"selected_options": chosen} if chosen else {}),
        **shapes.media(variant.image_url, alt_text=name),
        "seller": {"name": seller},
    }
