"""Products as the feed of the Agentic Commerce Protocol (2026-04-17), for assistants that are not the shop's own.

A full replacement: `metadata.json` and `products.jsonl` with one `Product` a line. Knows no place to send it to, no payment.
"""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from zhanggui.catalog import commerce_shapes as shapes
from zhanggui.catalog.product import Language, Product, Variant


def write(
    folder: Path, products: Iterable[Product], *, language: Language, seller: str, country: str, now: datetime
) -> int:
    """Write both files, each in one step, and say how many products there are."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    lines = _draft(folder / "products.jsonl")
    with lines.open("w", encoding="utf-8") as file:
        for product in products:
            count += 1
            line = feed_product(product, language=language, seller=seller, moment=now)
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    updated_at = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    market = {"target_country": country} if country else {}
    metadata = _draft(folder / "metadata.json")
    metadata.write_text(json.dumps({"id": "catalog", **market, "updated_at": updated_at}) + "\n", encoding="utf-8")
    lines.replace(folder / "products.jsonl")
    metadata.replace(folder / "metadata.json")
    return count


def feed_product(product: Product, *, language: Language, seller: str, moment: datetime) -> Mapping[str, object]:
    """One line of `products.jsonl`: texts in `language` where there are some, prices and stock as of `moment`."""
    name = shapes.title(product, language)
    return {
        "id": product.product_id,
        "title": name,
        "description": shapes.description(product, language),
        **shapes.link(product.url),
        **shapes.media(product.image_url, *product.image_urls, alt_text=name),
        "variants": [
            _variant(product, variant, language, seller, moment) for variant in shapes.offered(product, moment)
        ],
    }


def _variant(
    product: Product, variant: Variant, language: Language, seller: str, moment: datetime
) -> Mapping[str, object]:
    name = shapes.variant_title(product, variant, language)
    chosen = [{"name": option, "value": value} for option, value in shapes.options(variant)]
    return {
        "id": variant.variant_id,
        "title": name,
        **shapes.link(variant.url or product.url),
        **shapes.prices(product, variant, moment),
        "availability": shapes.availability(variant),
        **shapes.categories(product),
        **({"variant_options": chosen} if chosen else {}),
        **shapes.media(variant.image_url, alt_text=name),
        "seller": {"name": seller},
    }


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
