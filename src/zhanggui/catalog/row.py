"""One row of any feed as a product, or why not. Knows the fields, not the formats."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from zhanggui.catalog.clean import clean
from zhanggui.catalog.product import LANGUAGES, Language, Product
from zhanggui.errors import ProductError
from zhanggui.money import Money, to_minor

_LIMITS = {"product_id": 128, "title": 300, "description": 10_000, "brand": 100, "category": 500, "attribute": 500}
_SIGNS = {"$": "USD", "¥": "CNY", "￥": "CNY", "€": "EUR", "£": "GBP", "元": "CNY"}
_NUMBER = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?")
_GONE = {"discontinued", "deleted", "archived"}
_NO_STOCK = {"out of stock", "out_of_stock", "outofstock", "sold out", "缺货", "售罄"}
FIELDS = frozenset(
    {
        "product_id",
        "title",
        "title_en",
        "title_zh",
        "description",
        "description_en",
        "description_zh",
        "brand",
        "category",
        "google_category",
        "price",
        "sale_price",
        "sale_price_effective_date",
        "currency",
        "stock",
        "availability",
        "url",
        "image_url",
        "deleted",
    }
)
"""What a row may name; every other key is an attribute."""


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """A product that the feed takes out of the catalogue."""

    product_id: str


def read(row: Mapping[str, Any], *, currency: str, language: Language) -> Product | Deletion:
    """Check one row. `currency` and `language` hold where the row names none. Raises ProductError with the field."""
    product_id = _text(row, "product_id", "product_id")
    if not product_id:
        raise ProductError("it is empty", field="product_id", hint="every product needs an id")
    if str(row.get("deleted", "")).strip().lower() in ("1", "true", "yes"):
        return Deletion(product_id=product_id)
    availability = _text(row, "availability", "attribute").lower()
    if availability in _GONE:
        return Deletion(product_id=product_id)
    titles = _by_language(row, "title", language)
    if not titles:
        raise ProductError("it is empty", field="title", hint="name it in at least one language")
    own = _text(row, "currency", "attribute").upper() or currency
    price = _price(row, "price", own)
    if price is None:
        raise ProductError("it is empty", field="price", hint="such as 19.90 or 19.90 USD")
    sale = _price(row, "sale_price", price.currency)
    if sale is not None and sale.currency != price.currency:
        raise ProductError(f"it is in {sale.currency}, the price in {price.currency}", field="sale_price")
    if sale is not None and sale.minor > price.minor:
        raise ProductError(f"{sale} is more than the price {price}", field="sale_price")
    if sale == price:
        sale = None
    begins, ends = _interval(row) if sale is not None else (None, None)
    return Product(
        product_id=product_id,
        titles=titles,
        descriptions=_by_language(row, "description", language),
        brand=_text(row, "brand", "brand"),
        category=_category(row),
        price=price,
        sale_price=sale,
        sale_from=begins,
        sale_until=ends,
        stock=0 if availability in _NO_STOCK else _stock(row),
        attributes=_attributes(row),
        url=_url(row, "url"),
        image_url=_url(row, "image_url"),
    )


def _text(row: Mapping[str, Any], field: str, kind: str, *, lines: bool = False) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ProductError(f"it is a {type(value).__name__}, not a text", field=field)
    limit = _LIMITS[kind]
    if len(str(value)) > 4 * limit:
        raise ProductError(f"it has {len(str(value)):,} characters, {limit:,} are allowed", field=field)
    text = clean(str(value), lines=lines)
    if len(text) > limit:
        raise ProductError(f"it has {len(text):,} characters, {limit:,} are allowed", field=field)
    return text


def _by_language(row: Mapping[str, Any], field: str, language: Language) -> dict[Language, str]:
    lines = field == "description"
    found = {one: _text(row, f"{field}_{one}", field, lines=lines) for one in LANGUAGES}
    found[language] = found[language] or _text(row, field, field, lines=lines)
    return {one: text for one, text in found.items() if text}


def _category(row: Mapping[str, Any]) -> str:
    own, googles = _text(row, "category", "category"), _text(row, "google_category", "category")
    path = own or (googles if not googles.isdigit() else "")  # Google's number of a category tells a reader nothing
    return " > ".join(part.strip() for part in re.split(r">|›|/(?=\s)", path) if part.strip())


def _price(row: Mapping[str, Any], field: str, currency: str) -> Money | None:
    value = row.get(field)
    if value is None or str(value).strip() == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ProductError(f"it is a {type(value).__name__}, not an amount", field=field)
    text = str(value).strip()[:60]
    for sign, code in _SIGNS.items():
        if sign in text:
            text, currency = text.replace(sign, ""), code
    if match := re.search(r"\b([A-Z]{3})\b", text):
        text, currency = text.replace(match[1], ""), match[1]
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise ProductError(f"{str(value)[:40]!r} is no amount", field=field, hint="such as 1299.00 or 1,299.00 USD")
    try:
        minor = to_minor(text.replace(",", ""), currency)
    except ValueError as error:
        raise ProductError(str(error), field=field) from error
    if minor < 0 or (minor == 0 and field == "price"):
        raise ProductError(f"{text} is no price to sell at", field=field)
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ProductError(f"{currency!r} is no ISO 4217 currency", field="currency")
    return Money(currency=currency, minor=minor)


def _interval(row: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """When the sale price holds: from the first moment until the second; (None, None) where the row does not say."""
    field = "sale_price_effective_date"
    value = str(row.get(field) or "").strip()
    if not value:
        return None, None
    parts = [part.strip() for part in value.split("/")]
    try:
        begins, ends = (datetime.fromisoformat(part) for part in parts)
        if len(parts[1]) == len("2026-03-01"):
            ends += timedelta(days=1)  # a day alone is meant with its evening
    except (ValueError, OverflowError) as error:
        hint = "such as 2026-02-24T00:00+08:00/2026-03-01T00:00+08:00"
        raise ProductError(f"{value[:80]!r} is no time from one moment to another", field=field, hint=hint) from error
    begins, ends = (one if one.tzinfo else one.replace(tzinfo=UTC) for one in (begins, ends))
    if begins >= ends:
        raise ProductError(f"{value[:80]!r} ends before it begins", field=field)
    return begins, ends


def _stock(row: Mapping[str, Any]) -> int | None:
    value = row.get("stock")
    if value is None or str(value).strip() == "":
        return None
    try:
        if isinstance(value, bool):
            raise ValueError
        stock = int(float(str(value)))
    except (ValueError, OverflowError) as error:
        raise ProductError(f"{str(value)[:40]!r} is no number of units", field="stock") from error
    if abs(stock) >= 2**31:
        raise ProductError(f"{str(value)[:40]!r} is too many units", field="stock")
    return max(stock, 0)  # shops count below zero when they sell what they do not have


def _url(row: Mapping[str, Any], field: str) -> str:
    value = str(row.get(field) or "").strip()
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and len(value) <= 2_000
    except ValueError:
        fine = False
    if not fine or re.search(r"[\s<>\"'`\x00-\x1f]", value):
        raise ProductError(f"{value[:60]!r} is no web address", field=field, hint="http:// or https://")
    return value


def _attributes(row: Mapping[str, Any]) -> dict[str, str]:
    own = row.get("attributes")
    named = dict(own) if isinstance(own, Mapping) else {}
    if own is not None and not isinstance(own, Mapping):
        raise ProductError("it is not an object of names and values", field="attributes")
    named |= {key: value for key, value in row.items() if key not in FIELDS and key != "attributes"}
    found = {clean(str(key))[:60]: _text(named, key, "attribute") for key in named if isinstance(key, str)}
    return {key: value for key, value in found.items() if key and value}
