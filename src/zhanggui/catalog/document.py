"""A product as JSON-able data and back; data of before variants is read, too."""

from datetime import datetime
from typing import Any

from zhanggui.catalog.product import Product, Variant
from zhanggui.money import Money


def to_data(product: Product) -> dict[str, Any]:
    """A product as JSON-able data."""
    return {
        "product_id": product.product_id,
        "titles": dict(product.titles),
        "descriptions": dict(product.descriptions),
        "brand": product.brand,
        "category": product.category,
        "attributes": dict(product.attributes),
        "currency": product.price.currency,
        "price_minor": product.price.minor,
        "sale_price_minor": product.sale_price.minor if product.sale_price else None,
        "sale_from": product.sale_from.isoformat() if product.sale_from else None,
        "sale_until": product.sale_until.isoformat() if product.sale_until else None,
        "stock": product.stock,
        "url": product.url,
        "image_url": product.image_url,
        "image_urls": list(product.image_urls),
        "ahead": product.ahead,
        "variants": [_variant_data(variant) for variant in product.variants],
    }


def _variant_data(variant: Variant) -> dict[str, Any]:
    return {
        "variant_id": variant.variant_id,
        "options": dict(variant.options),
        "price_minor": variant.price.minor,
        "sale_price_minor": variant.sale_price.minor if variant.sale_price else None,
        "stock": variant.stock,
        "ahead": variant.ahead,
        "url": variant.url,
        "image_url": variant.image_url,
    }


def from_data(data: dict[str, Any]) -> Product:
    """The product that `to_data` made the data from."""
    fields = dict(data)
    currency = fields.pop("currency")
    for bound in ("sale_from", "sale_until"):
        fields[bound] = datetime.fromisoformat(fields[bound]) if fields.get(bound) else None
    fields["image_urls"] = tuple(fields.get("image_urls", ()))
    fields["variants"] = tuple(Variant(**_priced(entry, currency)) for entry in fields.get("variants", ()))
    return Product(**_priced(fields, currency))


def _priced(data: dict[str, Any], currency: str) -> dict[str, Any]:
    fields = dict(data)
    price, sale = fields.pop("price_minor"), fields.pop("sale_price_minor")
    fields["price"] = Money(currency=currency, minor=price)
    fields["sale_price"] = None if sale is None else Money(currency=currency, minor=sale)
    return fields
