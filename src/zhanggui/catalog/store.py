"""The catalogue in SQL, one row a product. Does not know feeds."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from zhanggui.catalog import changes
from zhanggui.catalog.document import from_data, to_data
from zhanggui.catalog.product import Product, with_variants
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

product_variants = sa.Table(
    "product_variants",
    metadata,
    sa.Column("variant_id", sa.String(256), primary_key=True),
    sa.Column("product_id", sa.String(256), nullable=False, index=True),
)

revisions = sa.Table(
    "catalog_revisions",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
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
    revision = count_revision(connection)
    differing = _differing(connection, {product_id: str(row["document"]) for product_id, row in rows.items()})
    changes.record(connection, differing, revision=revision)
    for start in range(0, len(values), _CHUNK):
        statement = insert(connection, products)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["product_id"],
                set_={name: statement.excluded[name] for name in ("category", "document", "updated_at")},
            ),
            values[start : start + _CHUNK],
        )
    _record_variants(connection, {one.product_id: one for one in items}, revision=revision)
    return len(values)


def _differing(connection: sa.Connection, documents: Mapping[str, str]) -> list[str]:
    """The ids of those documents that the store has not, or has otherwise."""
    known: dict[str, str] = {}
    for ids in _chunks(list(documents)):
        query = sa.select(products.c.product_id, products.c.document).where(products.c.product_id.in_(ids))
        known |= {row.product_id: row.document for row in connection.execute(query)}
    return [product_id for product_id, document in documents.items() if known.get(product_id) != document]


def _record_variants(connection: sa.Connection, changed: Mapping[str, Product], *, revision: int) -> None:
    """Whose each variant is. A product that another's variant has become is none any more."""
    owners = {variant.variant_id: one.product_id for one in changed.values() for variant in one.variants}
    for ids in _chunks(list(changed)):
        connection.execute(sa.delete(product_variants).where(product_variants.c.product_id.in_(ids)))
    for ids in _chunks(list(owners)):
        connection.execute(sa.delete(product_variants).where(product_variants.c.variant_id.in_(ids)))
        connection.execute(sa.insert(product_variants), [{"variant_id": one, "product_id": owners[one]} for one in ids])
    no_products_any_more = [variant_id for variant_id in owners if variant_id not in changed]
    changes.record(connection, no_products_any_more, revision=revision)
    for ids in _chunks(no_products_any_more):
        connection.execute(sa.delete(products).where(products.c.product_id.in_(ids)))


def delete(connection: sa.Connection, ids: Sequence[str], *, now: datetime) -> int:
    """Take products or single variants out; returns how many products were there and are not any more."""
    gone = 0
    if ids:
        changes.record(connection, ids, revision=count_revision(connection))
    for chunk in _chunks(ids):
        connection.execute(sa.delete(product_variants).where(product_variants.c.product_id.in_(chunk)))
        gone += connection.execute(sa.delete(products).where(products.c.product_id.in_(chunk))).rowcount
    return gone + _delete_variants(connection, find_variants(connection, ids), now=now)


def _delete_variants(connection: sa.Connection, owners: Mapping[str, Product], *, now: datetime) -> int:
    """A product goes with its last variant."""
    left = {}
    for product in {one.product_id: one for one in owners.values()}.values():
        variants = [variant for variant in product.variants if variant.variant_id not in owners]
        left[product.product_id] = with_variants(product, variants)
    upsert(connection, [one for one in left.values() if one.variants], now=now)
    return delete(connection, [one.product_id for one in left.values() if not one.variants], now=now) if left else 0


def find(connection: sa.Connection, ids: Iterable[str]) -> dict[str, Product]:
    """Products by their ids or by their variants'; unknown ids are left out."""
    wanted = list(ids)
    named: dict[str, Product] = {}
    for chunk in _chunks(wanted):
        named |= _by_product(connection, chunk)
    return named | find_variants(connection, [one for one in wanted if one not in named])


def find_variants(connection: sa.Connection, variant_ids: Iterable[str]) -> dict[str, Product]:
    """The product of each of these variants, by the variant's id; unknown ids are left out."""
    owned: dict[str, Product] = {}
    for chunk in _chunks(list(variant_ids)):
        query = sa.select(product_variants.c.variant_id, product_variants.c.product_id).where(
            product_variants.c.variant_id.in_(chunk)
        )
        owners = {row.variant_id: row.product_id for row in connection.execute(query)}
        by_id = _by_product(connection, sorted(set(owners.values())))
        owned |= {variant_id: by_id[product_id] for variant_id, product_id in owners.items() if product_id in by_id}
    return owned


def _by_product(connection: sa.Connection, product_ids: Sequence[str]) -> dict[str, Product]:
    query = sa.select(products.c.document).where(products.c.product_id.in_(product_ids))
    items = [from_data(json.loads(document)) for document in connection.scalars(query)]
    return {one.product_id: one for one in items}


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


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


def revision(connection: sa.Connection) -> int:
    """A number that is another one whenever products or the edited ontology are."""
    return connection.scalar(sa.select(revisions.c.revision)) or 0


def count_revision(connection: sa.Connection) -> int:
    """Make it another one, and return it. Whoever changes products begins with this, and waits here for who does already.

    So no revision becomes visible before an earlier one, and no two of them wait for each other's products.
    """
    statement = insert(connection, revisions).values(name="catalog", revision=1)
    higher = {"revision": revisions.c.revision + 1}
    counted = statement.on_conflict_do_update(index_elements=["name"], set_=higher).returning(revisions.c.revision)
    return int(connection.execute(counted).scalar_one())
