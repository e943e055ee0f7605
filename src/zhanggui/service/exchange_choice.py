"""Which variant somebody means who wants another one: what is not named stays as it was. Pure; reads no intent."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhanggui.catalog.product import Product, Variant
from zhanggui.service.order import Order, OrderLine

_LONGEST = 1_000


@dataclass(frozen=True, kw_only=True)
class ExchangeChoice:
    """An item of an order and the variants that may be meant for it, the most alike first; one where it is plain."""

    line: OrderLine
    variants: tuple[Variant, ...]


def choices(order: Order, text: str, products: Mapping[str, Product]) -> tuple[ExchangeChoice, ...]:
    """What a text may mean of an order, by `products` of its lines (by their ids): for each item that has such variants.

    Items that the text names come alone. A variant has every value that the text names, but for those that the item has
    and another value of the same option is named beside ("not red but blue"); sold-out ones are left out.
    """
    said = _plain(text[:_LONGEST])
    lines = [line for line in order.lines if line.product_id in products]
    named = [line for line in lines if _names(said, line, products[line.product_id])] or lines
    found = [ExchangeChoice(line=line, variants=_meant(line, said, products[line.product_id])) for line in named]
    return tuple(choice for choice in found if choice.variants)


def _names(said: str, line: OrderLine, product: Product) -> bool:
    titles = [line.title, *product.titles.values()]
    return any(_holds(said, title) for title in titles if title)


def _meant(line: OrderLine, said: str, product: Product) -> tuple[Variant, ...]:
    had = product_variant(product, line.item_id)
    options = had.options if had else line.options
    wanted: dict[str, set[str]] = {}
    for variant in product.variants:
        for option, value in variant.options.items():
            if _holds(said, value):
                wanted.setdefault(option, set()).add(value)
    for option, values in wanted.items():
        values -= {
            value for value in values if any(other != value and _holds(_plain(other), value) for other in values)
        }
        if len(values) > 1:
            values.discard(options.get(option, ""))
    if not any(values - {options.get(option, "")} for option, values in wanted.items()):
        return ()
    fitting = [
        variant
        for variant in product.variants
        if variant.variant_id != line.item_id
        and not variant.sold_out
        and all(variant.options.get(option) in values for option, values in wanted.items())
    ]
    return _most_alike(fitting, options)


def _most_alike(variants: Sequence[Variant], options: Mapping[str, str]) -> tuple[Variant, ...]:
    """Those that differ in the fewest options."""
    if not variants:
        return ()
    differences = {variant.variant_id: _differences(variant.options, options) for variant in variants}
    fewest = min(differences.values())
    return tuple(variant for variant in variants if differences[variant.variant_id] == fewest)


def _differences(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    return sum(one.get(option) != other.get(option) for option in one.keys() | other.keys())


def product_variant(product: Product, variant_id: str) -> Variant | None:
    """The variant of this id, if the product has it."""
    return next((variant for variant in product.variants if variant.variant_id == variant_id), None)


def _holds(said: str, words: str) -> bool:
    """Whether a text says these words: whole ones in English, in Chinese anywhere."""
    wanted = _plain(words)
    if not wanted:
        return False
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])", said) is not None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("-", " ").split())
