"""Which item of an order is to be exchanged for which variant, from what the shopper has said of it. Does nothing with it.

Where it is not plain, the shopper is asked; where it is not plain then, either, or there is no variant, a person helps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from zhanggui.catalog.product import Language, Product, Variant, for_sale
from zhanggui.conversation import shown_text
from zhanggui.conversation.act import DialogueAct
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.service.exchange_choice import ExchangeChoice, choices
from zhanggui.service.order import Order, OrderLine

_LONGEST = 600
_LISTED = 5
_WISHES = ("exchange_item", "refine", "choose")


def said(moment: Moment, before: str) -> str:
    """What the shopper has said of the exchange so far; a turn that only proves something says nothing of it."""
    telling = moment.heard.has(*_WISHES) or moment.state.expected == "variant"
    return f"{before} {moment.heard.text}".strip()[-_LONGEST:] if telling else before


def settled(request: Mapping[str, Any], order: Order, moment: Moment, lookups: Lookups) -> dict[str, Any] | DialogueAct:
    """The request with the item and its new variant, or what is to be said instead."""
    products = lookups.products(list(dict.fromkeys(line.product_id for line in order.lines)))
    meant = choices(order, request.get("said", ""), products)
    if len(meant) == 1 and len(meant[0].variants) == 1:
        line, variant = meant[0].line, meant[0].variants[0]
        named = in_words(variant, products[line.product_id], moment.language)
        return {**request, "items": [line.item_id], "new_items": [variant.variant_id], "variant": named}
    facts: dict[str, Any] = {"order": order.order_id}
    offered = _offered(meant, order.lines, products)
    if moment.state.expected == "variant" or not offered:
        return DialogueAct(name="hand_over", about="exchange", facts=facts)
    facts["choices"] = [in_words(variant, product, moment.language) for variant, product in offered]
    return DialogueAct(name="ask_variant", facts=facts)


def in_words(variant: Variant, product: Product, language: Language) -> str:
    """A variant as a shopper reads it: the product, and each option with its value."""
    options = [
        f"{name} {value}"
        for option, text in variant.options.items()
        if (name := shown_text.value(option)) and (value := shown_text.value(text))
    ]
    title = shown_text.name(product.title(language), product.product_id)
    if not options:
        return title
    return f"{title}（{'、'.join(options)}）" if language == "zh" else f"{title} ({', '.join(options)})"


def _offered(
    meant: Sequence[ExchangeChoice], lines: Sequence[OrderLine], products: Mapping[str, Product]
) -> list[tuple[Variant, Product]]:
    """Variants to choose from: those that may be meant, or else the others of what was bought."""
    if meant:
        found = [(variant, products[one.line.product_id]) for one in meant for variant in one.variants]
        return found[:_LISTED]
    bought = {line.item_id for line in lines}
    others = [
        (variant, products[line.product_id])
        for line in lines
        if line.product_id in products
        for variant in for_sale(products[line.product_id].variants)
        if variant.variant_id not in bought
    ]
    return others[:_LISTED]
