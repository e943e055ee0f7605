"""The fields of a row as values, or why not: texts, prices, units, times, web addresses. Knows no product."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from zhanggui.catalog.clean import clean
from zhanggui.catalog.product import Ahead
from zhanggui.errors import ProductError
from zhanggui.money import Money, to_minor

_LIMITS = {"product_id": 128, "title": 300, "description": 10_000, "brand": 100, "category": 500, "attribute": 500}
_SIGNS = {"$": "USD", "¥": "CNY", "￥": "CNY", "€": "EUR", "£": "GBP", "元": "CNY"}
_NUMBER = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?")
_NO_STOCK = {"out of stock", "out_of_stock", "outofstock", "sold out", "缺货", "售罄"}
_AHEAD: dict[str, Ahead] = {
    "preorder": "preorder",
    "pre-order": "preorder",
    "预售": "preorder",
    "预订": "preorder",
    "backorder": "backorder",
    "back-order": "backorder",
    "缺货预订": "backorder",
}

_MOST_PICTURES = 50
Refuse = Callable[[ProductError], None]
"""Told of a part of a row that cannot be sold from; the others go on."""


def text(row: Mapping[str, Any], field: str, kind: str, *, lines: bool = False) -> str:
    """The field's text, harmless and no longer than its kind allows; "" where the row has none."""
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ProductError(f"it is a {type(value).__name__}, not a text", field=field)
    limit = _LIMITS[kind]
    if len(str(value)) > 4 * limit:
        raise ProductError(f"it has {len(str(value)):,} characters, {limit:,} are allowed", field=field)
    cleaned = clean(str(value), lines=lines)
    if len(cleaned) > limit:
        raise ProductError(f"it has {len(cleaned):,} characters, {limit:,} are allowed", field=field)
    return cleaned


def price(row: Mapping[str, Any], field: str, currency: str) -> Money | None:
    """The field's amount, in the currency that it names, else in `currency`; None where the row has none."""
    value = row.get(field)
    if value is None or str(value).strip() == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ProductError(f"it is a {type(value).__name__}, not an amount", field=field)
    amount = str(value).strip()[:60]
    for sign, code in _SIGNS.items():
        if sign in amount:
            amount, currency = amount.replace(sign, ""), code
    if match := re.search(r"\b([A-Z]{3})\b", amount):
        amount, currency = amount.replace(match[1], ""), match[1]
    amount = amount.strip()
    if not _NUMBER.fullmatch(amount):
        raise ProductError(f"{str(value)[:40]!r} is no amount", field=field, hint="such as 1299.00 or 1,299.00 USD")
    try:
        minor = to_minor(amount.replace(",", ""), currency)
    except ValueError as error:
        raise ProductError(str(error), field=field) from error
    if minor < 0 or (minor == 0 and field == "price"):
        raise ProductError(f"{amount} is no price to sell at", field=field)
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise ProductError(f"{currency!r} is no ISO 4217 currency", field="currency")
    return Money(currency=currency, minor=minor)


def interval(row: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
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


def stock(row: Mapping[str, Any]) -> int | None:
    """Units at hand; None where the row does not say."""
    value = row.get("stock")
    if value is None or str(value).strip() == "":
        return None
    try:
        if isinstance(value, bool):
            raise ValueError
        units = int(float(str(value)))
    except (ValueError, OverflowError) as error:
        raise ProductError(f"{str(value)[:40]!r} is no number of units", field="stock") from error
    if abs(units) >= 2**31:
        raise ProductError(f"{str(value)[:40]!r} is too many units", field="stock")
    return max(units, 0)  # shops count below zero when they sell what they do not have


def url(row: Mapping[str, Any], field: str) -> str:
    """The field's web address; "" where the row has none."""
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


def prices(row: Mapping[str, Any], currency: str) -> tuple[Money | None, Money | None]:
    """The price and the sale price; the latter only where it is lower."""
    full = price(row, "price", currency)
    sale = price(row, "sale_price", full.currency if full else currency)
    if full is None or sale is None:
        return full, None
    if sale.currency != full.currency:
        raise ProductError(f"it is in {sale.currency}, the price in {full.currency}", field="sale_price")
    if sale.minor > full.minor:
        raise ProductError(f"{sale} is more than the price {full}", field="sale_price")
    return full, sale if sale != full else None


def availability(row: Mapping[str, Any]) -> tuple[int | None, Ahead]:
    """Units at hand, and whether it is sold before it is: `availability` and `stock` say."""
    stated = text(row, "availability", "attribute").lower()
    return (0, "") if stated in _NO_STOCK else (stock(row), _AHEAD.get(stated, ""))


def pictures(row: Mapping[str, Any], field: str, refuse: Refuse) -> tuple[str, ...]:
    """The web addresses in a list, or in a text with commas between; bad ones are refused one by one."""
    value = row.get(field) or []
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise ProductError(f"it is a {type(value).__name__}, not a list of web addresses", field=field)
    addresses: list[str] = []
    for number, address in enumerate(listed[:_MOST_PICTURES]):
        try:
            addresses.append(url({field: address}, field))
        except ProductError as error:
            refuse(within(error, f"{field}[{number}]"))
    return tuple(dict.fromkeys(address for address in addresses if address))


def within(error: ProductError, field: str) -> ProductError:
    """The same error, of this field."""
    return ProductError(error.problem, field=field, hint=error.hint)
