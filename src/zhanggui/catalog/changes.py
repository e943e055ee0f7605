"""Which products changed, in the order in which the changes became true: what an index has to catch up with. Knows no index."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from zhanggui.storage.database import insert, metadata
from zhanggui.storage.locks import hold

product_changes = sa.Table(
    "product_changes",
    metadata,
    sa.Column("product_id", sa.String(256), primary_key=True),
    sa.Column("change", sa.BigInteger, nullable=False, index=True),
)
_CHUNK = 1_000


def record(connection: sa.Connection, product_ids: Iterable[str]) -> None:
    """Note within the writing transaction that these products are new, other or gone.

    Whoever changes products waits here for whoever does already: no change becomes visible before an earlier one.
    """
    ids = sorted(set(product_ids))
    if not ids:
        return
    hold(connection, ["product_changes"])
    change = latest(connection) + 1
    for start in range(0, len(ids), _CHUNK):
        statement = insert(connection, product_changes)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["product_id"], set_={"change": statement.excluded["change"]}
            ),
            [{"product_id": one, "change": change} for one in ids[start : start + _CHUNK]],
        )


def latest(connection: sa.Connection) -> int:
    """The number of the last change; 0 before the first."""
    return connection.scalar(sa.select(sa.func.max(product_changes.c.change))) or 0


def since(connection: sa.Connection, change: int) -> Sequence[str]:
    """The ids of the products that changed after `change`, gone ones among them."""
    query = sa.select(product_changes.c.product_id).where(product_changes.c.change > change)
    return connection.scalars(query).all()


def count_since(connection: sa.Connection, change: int) -> int:
    """How many products changed after `change`."""
    query = sa.select(sa.func.count()).select_from(product_changes).where(product_changes.c.change > change)
    return connection.execute(query).scalar_one()
