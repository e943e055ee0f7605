"""Shopify's product export: one row a variant, with what the first row of its handle says. Reads no file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zhanggui.catalog.rows import Row

_FIELDS = {
    "title": "Title",
    "description": "Body (HTML)",
    "brand": "Vendor",
    "google_category": "Product Category",
    "category": "Type",
}
_OF_A_VARIANT = ("Option1 Value", "Option2 Value", "Option3 Value", "Variant SKU", "Variant Price", "Title")


def variants(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of an export by our names. Rows that only add a picture, and blank ones, are left out."""
    stripped = [(line, {key: value.strip() for key, value in given.items()}, raw) for line, given, raw in rows]
    firsts: dict[str, Mapping[str, str]] = {}
    pictures: dict[str, list[str]] = {}
    for _, fields, _ in stripped:
        pictures.setdefault(fields.get("Handle", ""), []).append(fields.get("Image Src", ""))
    for line, fields, raw in stripped:
        handle = fields.get("Handle", "")
        if any(fields.get(name) for name in _OF_A_VARIANT):
            first = firsts.setdefault(handle, fields)
            further = pictures[handle] if first is fields else []
            yield line, {**_variant(handle, fields, first), "image_urls": [url for url in further if url]}, raw


def _variant(handle: str, fields: Mapping[str, str], first: Mapping[str, str]) -> dict[str, Any]:
    options = {
        first.get(f"Option{n} Name") or f"Option{n}": fields[f"Option{n} Value"]
        for n in (1, 2, 3)
        if fields.get(f"Option{n} Value") and fields[f"Option{n} Value"] != "Default Title"
    }
    price, before = fields.get("Variant Price", ""), fields.get("Variant Compare At Price", "")
    reduced = _number(before) > _number(price)  # many shops leave an old or a zero compare-at price behind
    shown = first.get("Status", "") not in ("archived", "draft") and first.get("Published", "").lower() != "false"
    # The apostrophe keeps a spreadsheet from reading a number.
    variant_id = fields.get("Variant SKU", "").removeprefix("'") or "-".join([handle, *options.values()])
    return {
        **{field: fields.get(column) or first.get(column, "") for field, column in _FIELDS.items()},
        "item_group_id": handle or variant_id,
        "product_id": variant_id,
        "price": before if reduced else price,
        "sale_price": price if reduced else "",
        "stock": _stock(fields),
        # A row's own picture is one more of the product, not of the variant.
        "image_url": fields.get("Variant Image") or first.get("Image Src", ""),
        "availability": ("backorder" if _sold_ahead(fields) else "") if shown else "archived",
        "options": options,
    }


def _sold_ahead(fields: Mapping[str, str]) -> bool:
    """Shopify counts the units, none is left, and it sells on."""
    counted = bool(fields.get("Variant Inventory Tracker")) and fields.get("Variant Inventory Qty", "") != ""
    return (
        counted
        and fields.get("Variant Inventory Policy") == "continue"
        and _number(fields["Variant Inventory Qty"]) <= 0
    )


def _stock(fields: Mapping[str, str]) -> str:
    """Units; "" where Shopify does not count them, or sells on below zero."""
    counted = fields.get("Variant Inventory Tracker") != "" and fields.get("Variant Inventory Policy") != "continue"
    return fields.get("Variant Inventory Qty", "") if counted else ""


def _number(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0
