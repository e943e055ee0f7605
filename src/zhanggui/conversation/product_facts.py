"""What may be said of a product, as of now: the fields that sentences name. Pure; whatever is not in the catalogue is not said."""

from datetime import datetime
from typing import Any

from zhanggui.catalog.ontology import Ontology
from zhanggui.catalog.ontology.facts import facts_of
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
    price, dearest = product.price_at(now), product.price_range_at(now)[1]
    known: dict[str, Any] = {
        "product_id": product.product_id,
        "title": shown_text.name(product.title(language), product.product_id),
        "price": shown_text.price(price) if dearest <= price else _from(shown_text.price(price), language),
        "stock": _stock(product, language),
        "sold_out": product.sold_out,
    }
    if price < product.price:
        known["was"] = shown_text.price(product.price)
    if url := shown_text.link(product.url, site):
        known["url"] = url
    if about := shown_text.description(product.descriptions.get(language, "")):
        known["about"] = about
    return known


def _from(price: str, language: Language) -> str:
    """That some variants cost more."""
    return f"{price}起" if language == "zh" else f"from {price}"


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


def value_of(product: Product, aspect: str, ontology: Ontology, language: Language) -> tuple[str, str]:
    """What the catalogue says of an aspect of a product, and what that is called: (label, value), ("", "") where it says nothing."""
    said = _said(product, ontology)
    name = next((candidate for candidate in (aspect, *_KIN.get(aspect, ())) if candidate in said), "")
    known = ontology.aspect(name)
    labels = [known.label(text, language) if known else text for text in said.get(name, ())]
    value = ("、" if language == "zh" else ", ").join(shown for text in labels if (shown := shown_text.value(text)))
    return (label_of(name, ontology, language), value) if value else ("", "")


def aspects_of(product: Product, ontology: Ontology, language: Language) -> dict[str, str]:
    """Everything that the catalogue says of a product's aspects: label of the aspect -> value."""
    pairs = [value_of(product, name, ontology, language) for name in _said(product, ontology)]
    return {label: value for label, value in pairs if value}


def _said(product: Product, ontology: Ontology) -> dict[str, list[str]]:
    """Aspect -> the values that the feed itself names, without what only follows from them (cast iron is a metal)."""
    said: dict[str, list[str]] = {}
    for name, text in facts_of(product):
        aspect = ontology.aspect(name)
        if aspect is not None and aspect.name not in ontology.ignored:
            values = said.setdefault(aspect.name, [])
            values += [value for value in aspect.values_in(text) or (text,) if value not in values]
    return said


def label_of(aspect: str, ontology: Ontology, language: Language) -> str:
    """What an aspect is called in a language."""
    known = ontology.aspect(aspect)
    labels = known.labels.get(language) if known else None
    return shown_text.value(labels[0] if labels else aspect.replace("_", " ")) or "?"


def category_label(path: str, ontology: Ontology, language: Language) -> str:
    """What a category is called in a language."""
    labels = next((category.labels for category in ontology.categories if category.path == path), None)
    texts = labels.get(language, ()) if labels else ()
    return shown_text.name(texts[0] if texts else path.rsplit(" > ", 1)[-1], "?")
