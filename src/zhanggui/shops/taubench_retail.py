"""The retail shop of a public benchmark (sierra-research/tau-bench, MIT) as files that any shop could have given us.

The source has no dates: an order was placed so many days before now as its customer has placed later ones. People in it are
made up. Knows no engine.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zhanggui.errors import ConfigError

CURRENCY = "USD"


@dataclass(frozen=True, kw_only=True)
class RetailFiles:
    """The files that were written, and how much is in them."""

    events: Path
    """One `identify` a user."""
    orders: Path
    products: Path
    counts: Mapping[str, int]


def convert(source: Path, folder: Path, *, until: datetime) -> RetailFiles:
    """Write users.json, orders.json and products.json of `source` as events, orders and a product feed into `folder`.

    Raises ConfigError for a file that is not there or is something else.
    """
    users, orders, products = (_read(source / f"{name}.json") for name in ("users", "orders", "products"))
    folder.mkdir(parents=True, exist_ok=True)
    files = RetailFiles(
        events=folder / "events.jsonl",
        orders=folder / "orders.jsonl",
        products=folder / "products.jsonl",
        counts={"users": len(users), "orders": len(orders), "products": len(products)},
    )
    try:
        _write(files.events, (_identify(user_id, user, until) for user_id, user in users.items()))
        _write(files.orders, _orders(users, orders, until))
        _write(files.products, map(_product, products.values()))
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{source} is not the retail shop of tau-bench: {error!r} is missing or wrong") from error
    return files


def _identify(user_id: str, user: Mapping[str, Any], until: datetime) -> dict[str, Any]:
    name, address = user["name"], user["address"]
    traits = {
        "email": user["email"],
        "firstName": name["first_name"],
        "lastName": name["last_name"],
        "address": address,
        "locale": "en-US",
    }
    moment = _iso(until - timedelta(days=365))
    return {
        "type": "identify",
        "messageId": f"user-{user_id}",
        "userId": user_id,
        "timestamp": moment,
        "traits": traits,
    }


def _orders(users: Mapping[str, Any], orders: Mapping[str, Any], until: datetime) -> Iterator[dict[str, Any]]:
    for user_id, user in users.items():
        own = [orders[order_id] for order_id in user["orders"] if order_id in orders]
        for number, order in enumerate(own):
            yield _order(order, user_id, user, until - timedelta(days=len(own) - number))


def _order(order: Mapping[str, Any], user_id: str, user: Mapping[str, Any], placed: datetime) -> dict[str, Any]:
    methods = {one["id"]: _method(one) for one in user["payment_methods"].values()}
    units = Counter(item["item_id"] for item in order["items"])
    items = {item["item_id"]: item for item in order["items"]}
    moment = _iso(placed)
    return {
        "order_id": order["order_id"],
        "customer_id": user_id,
        "email": user["email"],
        "currency": CURRENCY,
        "state": order["status"],
        "address": order["address"],
        "lines": [
            {
                "product_id": item["product_id"],
                "variant_id": item_id,
                "title": item["name"],
                "options": item["options"],
                "price": item["price"],
                "quantity": units[item_id],
            }
            for item_id, item in items.items()
        ],
        "total": round(sum(item["price"] for item in order["items"]), 2),
        "payments": [
            {
                "kind": one["transaction_type"],
                "amount": one["amount"],
                "method": methods.get(one["payment_method_id"], one["payment_method_id"]),
            }
            for one in order["payment_history"]
        ],
        "shipments": [
            {"tracking": parcel["tracking_id"][0], "item_ids": parcel["item_ids"]} for parcel in order["fulfillments"]
        ],
        "placed_at": moment,
        "updated_at": moment,
    }


def _method(method: Mapping[str, Any]) -> str:
    """A way to pay as its owner would call it."""
    if method["source"] == "credit_card":
        return f"{method['brand'].capitalize()} ending in {method['last_four']}"
    return {"paypal": "PayPal", "gift_card": "gift card"}.get(method["source"], str(method["source"]))


def _product(product: Mapping[str, Any]) -> dict[str, Any]:
    variants = list(product["variants"].values())
    return {
        "product_id": product["product_id"],
        "title_en": product["name"],
        "category": product["name"],
        "currency": CURRENCY,
        "price": min(one["price"] for one in variants),
        "variants": [
            {
                "variant_id": one["item_id"],
                "options": one["options"],
                "price": one["price"],
                "availability": "in stock" if one["available"] else "out of stock",
            }
            for one in variants
        ],
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path} is not an object of things by their ids")
    return value


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
