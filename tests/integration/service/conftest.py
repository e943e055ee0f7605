"""A shop's orders in both databases."""

from datetime import UTC, datetime
from typing import Any

import pytest

from zhanggui.catalog import store
from zhanggui.catalog.product import Product, Variant
from zhanggui.money import Money
from zhanggui.service import order_store
from zhanggui.service.order_row import read
from zhanggui.storage import Database

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS: tuple[dict[str, Any], ...] = (
    {
        "order_id": "#W1001",
        "customer_id": "ann",
        "email": "Ann@Example.com",
        "phone": "+1 555 0100",
        "state": "pending",
        "total": 20,
        "address": {"street": "Main Street 1"},
        "lines": [{"product_id": "cup", "variant_id": "cup-s", "title": "Cup", "price": 10, "quantity": 2}],
        "payments": [{"amount": 20, "method": "PayPal"}],
    },
    {
        "order_id": "#W1002",
        "customer_id": "ann",
        "state": "delivered",
        "total": 10,
        "lines": [{"product_id": "cup", "variant_id": "cup-s", "price": 10}],
    },
    {"order_id": "#W2001", "customer_id": "bob", "email": "bob@example.com", "state": "pending"},
)


@pytest.fixture
def orders(database: Database) -> Database:
    """A database with three orders of two customers and a cup in two sizes."""
    cup = Product(
        product_id="cup",
        titles={"en": "Cup"},
        price=Money(currency="USD", minor=1_000),
        variants=tuple(
            Variant(variant_id=f"cup-{size}", options={"size": size}, price=Money(currency="USD", minor=price))
            for size, price in (("s", 1_000), ("m", 1_250))
        ),
    )
    with database.transaction() as connection:
        store.upsert(connection, [cup], now=NOW)
        order_store.record(connection, [read(row, currency="USD", now=NOW, source="1") for row in ROWS])
    return database
