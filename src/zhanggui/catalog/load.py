"""A feed into the store: upserts and deletions in the order of the feed. Knows no format."""

from collections.abc import Callable, Iterable
from datetime import datetime

import sqlalchemy as sa

from zhanggui.catalog import store
from zhanggui.catalog.product import Product
from zhanggui.catalog.row import Deletion

_BATCH = 5_000


def load(
    connection: sa.Connection,
    rows: Iterable[Product | Deletion],
    *,
    now: datetime,
    progress: Callable[[int], None] = lambda _count: None,
) -> tuple[int, int]:
    """Returns how many products were added or changed, and how many deleted."""
    upserted = deleted = 0
    pending: dict[str, Product | Deletion] = {}

    def flush() -> None:
        nonlocal upserted, deleted
        upserted += store.upsert(connection, [one for one in pending.values() if isinstance(one, Product)], now=now)
        deleted += store.delete(connection, [one.product_id for one in pending.values() if isinstance(one, Deletion)])
        progress(len(pending))
        pending.clear()

    for row in rows:
        pending[row.product_id] = row  # of one id given twice, the last counts
        if len(pending) == _BATCH:
            flush()
    flush()
    return upserted, deleted
