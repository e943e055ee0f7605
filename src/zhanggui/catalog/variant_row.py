"""The variants that a row lists, each checked by itself. Knows no product and no format."""

import json
from collections.abc import Mapping
from typing import Any

from zhanggui.catalog import cell
from zhanggui.catalog.clean import clean
from zhanggui.catalog.product import Variant
from zhanggui.errors import ProductError

_FIELDS = frozenset(
    {
        "variant_id",
        "options",
        "price",
        "sale_price",
        "currency",
        "stock",
        "availability",
        "available",
        "url",
        "image_url",
    }
)
"""What a variant may name; every other key is an option."""
_MOST = 2_048


def read_variants(row: Mapping[str, Any], *, currency: str, refuse: cell.Refuse) -> tuple[Variant, ...]:
    """The variants of a row; the bad ones are refused one by one. Raises ProductError where none can be sold.

    What a variant does not say of its price, the row does.
    """
    listed = _listed(row.get("variants") or [])
    if len(listed) > _MOST:
        raise ProductError(f"it has {len(listed):,} entries, {_MOST:,} are allowed", field="variants")
    variants: dict[str, Variant] = {}
    for number, entry in enumerate(listed):
        try:
            variant = _variant(row, entry, currency)
            if variant.variant_id in variants:
                raise ProductError(f"{variant.variant_id!r} is there twice", field="variant_id")
            first = next(iter(variants.values()), variant)
            if variant.price.currency != first.price.currency:
                problem = f"it is in {variant.price.currency}, other variants are in {first.price.currency}"
                raise ProductError(problem, field="price")
        except ProductError as error:
            refuse(cell.within(error, f"variants[{number}].{error.field}".rstrip(".")))
        else:
            variants[variant.variant_id] = variant
    if listed and not variants:
        raise ProductError(
            "none of them can be sold", field="variants", hint="each was refused for a reason of its own"
        )
    return tuple(variants.values())


def _listed(value: Any) -> list[Any]:
    """The list, or the one that a text in a CSV holds as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            hint = "a JSON list; or one row a variant, with the product's id as item_group_id"
            raise ProductError("it is no list", field="variants", hint=hint) from error
    if not isinstance(value, list):
        raise ProductError(f"it is a {type(value).__name__}, not a list", field="variants")
    return value


def _variant(row: Mapping[str, Any], entry: Any, currency: str) -> Variant:
    if not isinstance(entry, Mapping):
        raise ProductError("it is not an object", hint="with variant_id, options, price and stock")
    variant_id = cell.text(entry, "variant_id", "product_id")
    if not variant_id:
        raise ProductError("it is empty", field="variant_id", hint="every variant needs an id, such as its SKU")
    own = cell.text(entry, "currency", "attribute").upper() or currency
    priced = entry.get("price") not in (None, "")
    price, sale = cell.prices(entry if priced else {**row, **entry, "price": row.get("price")}, own)
    if price is None:
        raise ProductError("it is empty", field="price", hint="such as 19.90 or 19.90 USD; or give the product one")
    available = entry.get("available")
    if available is not None and not isinstance(available, bool):
        raise ProductError(f"{str(available)[:40]!r} is neither true nor false", field="available")
    stock, ahead = cell.availability(entry) if available is not False else (0, "")
    return Variant(
        variant_id=variant_id,
        options=read_options(entry.get("options") or {}) | read_options(_others(entry)),
        price=price,
        sale_price=sale,
        stock=stock,
        ahead=ahead,
        image_url=cell.url(entry, "image_url"),
        url=cell.url(entry, "url"),
    )


def read_options(own: Any) -> dict[str, str]:
    """The options that a row names. Raises ProductError."""
    if not isinstance(own, Mapping):
        raise ProductError("it is not an object of names and values", field="options")
    options = {clean(str(name))[:60]: cell.text(own, name, "attribute") for name in own if isinstance(name, str)}
    return {name: value for name, value in options.items() if name and value}


def _others(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in _FIELDS}
