"""Which products changed at which revision of the catalogue: what an index has to catch up with. Knows no index."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from zhanggui.storage.database import insert, metadata

product_changes = sa.Table(
    "product_changes",
    metadata,
    sa.Column("product_id", sa.String(256), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
)
_CHUNK = 1_000


def record(connection: sa.Connection, product_ids: Iterable[str], *, revision: int) -> None:
    """Note within the writing transaction that these products are new, other or gone since `revision`."""
    ids = sorted(set(product_ids))
    for start in range(0, len(ids), _CHUNK):
        statement = insert(connection, product_changes)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["product_id"], set_={"revision": statement.excluded["revision"]}
            ),
            [{"product_id": product_id, "revision": revision} for product_id in ids[start : start + _CHUNK]],
        )


def latest(connection: sa.Connection) -> int:
    """The revision of the last change of a product; 0 before the first."""
    return connection.scalar(sa.select(sa.func.max(product_changes.c.revision))) or 0


def since(connection: sa.Connection, revision: int) -> Sequence[str]:
    """The ids of the products that changed after `revision`, gone ones among them."""
    query = sa.select(product_changes.c.product_id).where(product_changes.c.revision > revision)
    return connection.scalars(query).all()


def count_since(connection: sa.Connection, revision: int) -> int:
    """How many products changed after `revision`."""
    query = sa.select(sa.func.count()).select_from(product_changes).where(product_changes.c.revision > revision)
    return connection.execute(query).scalar_one()
