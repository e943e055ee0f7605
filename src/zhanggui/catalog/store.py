"""The catalogue in SQL, one row a product. Does not know feeds."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhanggui.catalog.product import Product
from zhanggui.money import Money
from zhanggui.storage.database import UtcTime, insert, metadata

_CHUNK = 1_000

products = sa.Table(
    "products",
    metadata,
    sa.Column("product_id", sa.String(256), primary_key=True),
    sa.Column("category", sa.String(512), nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
)


def upsert(connection: sa.Connection, items: Sequence[Product], *, now: datetime) -> int:
    """Add or replace products by id; returns how many. Of one id given twice the last counts."""
    rows = {
        one.product_id: {
            "product_id": one.product_id,
            "category": one.category,
            "updated_at": now,
            "document": json.dumps(to_data(one), ensure_ascii=False),
        }
        for one in items
    }
    values = list(rows.values())
    for start in range(0, len(values), _CHUNK):
        statement = insert(connection, products)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["product_id"],
                set_={name: statement.excluded[name] for name in ("category", "document", "updated_at")},
            ),
            values[start : start + _CHUNK],
        )
    return len(values)


def delete(connection: sa.Connection, product_ids: Sequence[str]) -> int:
    """Take products out; returns how many were there."""
    gone = 0
    for start in range(0, len(product_ids), _CHUNK):
        gone += connection.execute(
            sa.delete(products).where(products.c.product_id.in_(product_ids[start : start + _CHUNK]))
        ).rowcount
    return gone


def find(connection: sa.Connection, product_ids: Iterable[str]) -> dict[str, Product]:
    """Products by id; unknown ids are left out."""
    wanted, found = list(product_ids), {}
    for start in range(0, len(wanted), _CHUNK):
        query = sa.select(products.c.document).where(products.c.product_id.in_(wanted[start : start + _CHUNK]))
        for document in connection.scalars(query):
            one = from_data(json.loads(document))
            found[one.product_id] = one
    return found


def in_categories(connection: sa.Connection, categories: Iterable[str]) -> dict[str, Product]:
    """Products in these categories or below them ("Tea" holds "Tea > Green")."""
    names = list(categories)
    if not names:
        return {}
    below = [products.c.category.startswith(f"{one} > ", autoescape=True) for one in names]
    query = sa.select(products.c.document).where(sa.or_(products.c.category.in_(names), *below))
    found = [from_data(json.loads(document)) for document in connection.scalars(query)]
    return {one.product_id: one for one in found}


def every(connection: sa.Connection) -> Iterator[Product]:
    """All products, by id."""
    for document in connection.scalars(sa.select(products.c.document).order_by(products.c.product_id)):
        yield from_data(json.loads(document))


def ids(connection: sa.Connection) -> set[str]:
    """Every product's id."""
    return set(connection.scalars(sa.select(products.c.product_id)))


def count(connection: sa.Connection) -> int:
    """How many products there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(products)).scalar_one()


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
    }


def from_data(data: dict[str, Any]) -> Product:
    """The product that `to_data` made the data from."""
    rest = dict(data)
    currency, price, sale = rest.pop("currency"), rest.pop("price_minor"), rest.pop("sale_price_minor")
    for bound in ("sale_from", "sale_until"):
        rest[bound] = datetime.fromisoformat(rest[bound]) if rest.get(bound) else None
    return Product(
        price=Money(currency=currency, minor=price),
        sale_price=None if sale is None else Money(currency=currency, minor=sale),
        **rest,
    )
