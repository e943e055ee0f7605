"""What may be said of a product, as of now: the fields that sentences name. Pure; whatever is not in the catalogue is not said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from zhanggui.catalog.ontology import Ontology, aspect_values
from zhanggui.catalog.product import Language, Product
from zhanggui.conversation import shown_text
from zhanggui.money import Money

_FEW = 5
_KIN = {
    "size": ("length", "diameter", "height", "width", "capacity"),
    "length": ("size",),
    "height": ("size",),
    "width": ("size",),
    "diameter": ("size",),
    "capacity": ("size",),
    "weight": ("net weight",),
}
"""How large something is, is said of things in different words."""


def card(product: Product, language: Language, *, now: datetime, site: str) -> dict[str, Any]:
    """Name, price and availability of a product, with its link; a field that is not known is left out."""
    price = product.price_at(now)
    facts: dict[str, Any] = {
        "product_id": product.product_id,
        "title": shown_text.name(product.title(language), product.product_id),
        "price": shown_text.price(price),
        "stock": _stock(product, language),
        "sold_out": product.sold_out,
    }
    if price < product.price:
        facts["was"] = shown_text.price(product.price)
    if url := shown_text.link(product.url, site):
        facts["url"] = url
    if about := shown_text.description(product.descriptions.get(language, "")):
        facts["about"] = about
    return facts


def _stock(product: Product, language: Language) -> str:
    if product.sold_out:
        return "暂时缺货" if language == "zh" else "sold out"
    if product.stock is not None and product.stock <= _FEW:
        return f"有货，只剩{product.stock}件" if language == "zh" else f"in stock, only {product.stock} left"
    return "有货" if language == "zh" else "in stock"


def total(product: Product, quantity: int, now: datetime) -> str:
    """What so many units cost now."""
    price = product.price_at(now)
    return shown_text.price(Money(currency=price.currency, minor=price.minor * quantity))


def value_of(product: Product, aspect: str, ontology: Ontology, language: Language) -> str:
    """What the catalogue says of an aspect of a product, in the shopper's words; "" where it says nothing."""
    held = aspect_values(ontology, product)
    name = next((one for one in (aspect, *_KIN.get(aspect, ())) if one in held), aspect)
    known, values = ontology.aspect(name), held.get(name, frozenset())
    labels = [known.label(text, language) if known else text for text in sorted(values)]
    return _joined([shown for text in labels if (shown := shown_text.value(text))], language)


def aspects_of(product: Product, ontology: Ontology, language: Language) -> dict[str, str]:
    """Everything that the catalogue says of a product's aspects: label of the aspect -> value."""
    shown = {}
    for name in aspect_values(ontology, product):
        if value := value_of(product, name, ontology, language):
            shown[label_of(name, ontology, language)] = value
    return shown


def label_of(aspect: str, ontology: Ontology, language: Language) -> str:
    """What an aspect is called in a language."""
    known = ontology.aspect(aspect)
    labels = known.labels.get(language) if known else None
    return shown_text.value(labels[0] if labels else aspect.replace("_", " ")) or "?"


def category_label(path: str, ontology: Ontology, language: Language) -> str:
    """What a category is called in a language."""
    labels = next((one.labels for one in ontology.categories if one.path == path), None)
    texts = labels.get(language, ()) if labels else ()
    return shown_text.name(texts[0] if texts else path.rsplit(" > ", 1)[-1], "?")


def _joined(texts: Sequence[str], language: Language) -> str:
    return ("、" if language == "zh" else ", ").join(texts)
