"""Reads the e-commerce properties of an event as typed values: money in minor units, products as lines.

Spec: https://segment.com/docs/connections/spec/ecommerce/v2/. Strict for the spec's own event names; another
event whose properties merely look alike keeps them in its body alone. Knows no catalogue, no exchange rate.
"""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypedDict

from zhanggui.errors import EventError
from zhanggui.events.ids import MAX_ID, identifier
from zhanggui.money import to_minor

ECOMMERCE_EVENTS = frozenset(
    {
        "Products Searched",
        "Product List Viewed",
        "Product List Filtered",
        "Promotion Viewed",
        "Promotion Clicked",
        "Product Clicked",
        "Product Viewed",
        "Product Added",
        "Product Removed",
        "Cart Viewed",
        "Checkout Started",
        "Checkout Step Viewed",
        "Checkout Step Completed",
        "Payment Info Entered",
        "Order Updated",
        "Order Completed",
        "Order Refunded",
        "Order Cancelled",
        "Coupon Entered",
        "Coupon Applied",
        "Coupon Denied",
        "Coupon Removed",
        "Product Added to Wishlist",
        "Product Removed from Wishlist",
        "Wishlist Product Added to Cart",
        "Product Shared",
        "Cart Shared",
        "Product Reviewed",
    }
)
_CURRENCY = re.compile(r"[A-Z]{3}")
_OTHER_NAMES = {"RMB": "CNY"}
"""Currencies as shops write them, by their code in ISO 4217."""
_MAX_TEXT = 1024
_MAX_MAJOR = 1e12  # beyond any order; keeps minor units exact in a double and sums inside 64 bits
_MAX_QUANTITY = 1e9
_SIGNED = frozenset({"revenue", "total", "amount", "value", "discount", "price", "quantity"})


class Line(TypedDict):
    """One product of an event: `price_minor` of one unit, `quantity` in units."""

    product_id: str | None
    category: str | None
    brand: str | None
    price_minor: int | None
    quantity: float


class Commerce(NamedTuple):
    """The typed columns of one event; all None where it says nothing of the kind."""

    order_id: str | None = None
    currency: str | None = None
    revenue_minor: int | None = None
    discount_minor: int | None = None
    coupon: str | None = None
    products: list[Line] | None = None
    channel: str | None = None
    decision_id: str | None = None


NOTHING = Commerce()


def read(name: str | None, properties: Mapping[str, Any], *, currency: str) -> Commerce:
    """The typed columns of a track event called `name`; `currency` holds where the properties name none.

    Revenue is `revenue`, or `total` where there is none; of a refund `amount` or `value` where there is neither. What is
    refunded may be written with a minus. Raises EventError, with the field, when an event of the spec has a property of the
    wrong type, or a negative price, amount or quantity.
    """
    if not properties:
        return NOTHING
    if name in ECOMMERCE_EVENTS:
        return _strict(_refund(properties) if name == "Order Refunded" else properties, currency)
    try:
        return _strict(properties, currency)
    except EventError:
        return Commerce(
            channel=_or_none(properties.get("channel")), decision_id=_or_none(properties.get("decision_id"))
        )


def _refund(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a refund as those of a sale: what many senders call its amount or value is its total."""
    sale = _without_signs(properties)
    if all(sale.get(name) in (None, "") for name in ("revenue", "total")):
        sale["total"] = sale.get("value") if sale.get("amount") in (None, "") else sale.get("amount")
    return sale


def _without_signs(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a refund with amounts, prices and quantities as they were paid."""
    found = {key: _unsigned(value) if key in _SIGNED else value for key, value in properties.items()}
    if isinstance(lines := found.get("products"), list):
        found["products"] = [_without_signs(line) if isinstance(line, Mapping) else line for line in lines]
    return found


def _unsigned(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip().removeprefix("-")
    return abs(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _strict(properties: Mapping[str, Any], default_currency: str) -> Commerce:
    get = properties.get
    currency = get("currency")
    if currency is None or currency == "":
        currency = default_currency
    elif not isinstance(currency, str) or not _CURRENCY.fullmatch(currency := currency.strip().upper()):
        raise EventError("is not a currency", field="properties.currency", hint="an ISO 4217 code, as CNY")
    currency = _OTHER_NAMES.get(currency, currency)
    revenue = _amount(get("revenue"), currency, "properties.revenue")
    if revenue is None:
        revenue = _amount(get("total"), currency, "properties.total")
    discount = _amount(get("discount"), currency, "properties.discount")
    products: list[Line] | None = None
    listed = get("products")
    if listed is not None:
        if not isinstance(listed, list):
            raise EventError("is not a list", field="properties.products", hint="a list of product objects")
        products = [_line(item, currency, f"properties.products[{i}]") for i, item in enumerate(listed)]
    elif get("product_id") is not None or get("sku") is not None:
        products = [_line(properties, currency, "properties")]
    priced = revenue is not None or discount is not None or products is not None
    return Commerce(
        order_id=_id(get("order_id"), "properties", "order_id"),
        currency=currency if priced or get("currency") else None,
        revenue_minor=revenue,
        discount_minor=discount,
        coupon=_text(get("coupon"), "properties", "coupon", MAX_ID),
        products=products,
        channel=_text(get("channel"), "properties", "channel", MAX_ID),
        decision_id=_text(get("decision_id"), "properties", "decision_id", MAX_ID),
    )


def _line(item: Any, currency: str, where: str) -> Line:
    if not isinstance(item, Mapping):
        raise EventError("is not an object", field=where, hint="a product is an object with product_id")
    get = item.get
    product_id = get("product_id")
    price = get("price")
    quantity = get("quantity")
    return {
        "product_id": _id(get("sku") if product_id is None else product_id, where, "product_id"),
        "category": _text(get("category"), where, "category", _MAX_TEXT),
        "brand": _text(get("brand"), where, "brand", _MAX_TEXT),
        "price_minor": None if price is None else _amount(price, currency, f"{where}.price"),
        "quantity": 1.0 if quantity is None else _quantity(quantity, where),
    }


def _id(value: Any, where: str, key: str) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise EventError("is not an id", field=f"{where}.{key}", hint="a text or a whole number")
    return identifier(value, f"{where}.{key}")


def _text(value: Any, where: str, key: str, limit: int) -> str | None:
    if value is None:
        return None
    if type(value) is int:
        value = str(value)
    elif not isinstance(value, str):
        raise EventError("is not text", field=f"{where}.{key}")
    if len(value) > limit:
        raise EventError(f"is longer than {limit} characters", field=f"{where}.{key}")
    return value.strip() or None


def _or_none(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) and len(value) <= MAX_ID else None


def _amount(value: Any, currency: str, field: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise EventError("is not a number", field=field, hint="an amount in major units, such as 19.99")
    try:
        return _minor(value, currency)
    except EventError as error:
        raise EventError(error.problem, field=field, hint=error.hint) from None


@lru_cache(maxsize=1 << 16)
def _minor(value: str | int | float, currency: str) -> int:
    try:
        major = float(value)
    except (ValueError, OverflowError):
        raise EventError("is not a number", hint="an amount in major units, such as 19.99") from None
    if math.isnan(major) or abs(major) > _MAX_MAJOR:
        raise EventError("is not a sensible amount", hint="at most 1,000,000,000,000") from None
    if major < 0:
        raise EventError("is negative", hint="returns are events of their own, such as Order Refunded")
    try:
        return to_minor(value, currency)
    except ValueError:
        raise EventError("is not a number", hint="an amount in major units, such as 19.99") from None


def _quantity(value: Any, where: str) -> float:
    field = f"{where}.quantity"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise EventError("is not a number", field=field)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise EventError("is not a number", field=field) from None
    if number < 0:
        raise EventError("is negative", field=field, hint="returns are events of their own")
    if not number <= _MAX_QUANTITY:
        raise EventError("is not a sensible quantity", field=field)
    return number
