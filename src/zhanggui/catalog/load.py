"""A feed into the store: upserts and deletions in the order of the feed. Knows no format."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

import sqlalchemy as sa

from zhanggui.catalog import store
from zhanggui.catalog.feed import Format, read_feed
from zhanggui.catalog.product import Language, Product
from zhanggui.catalog.row import Deletion, Siblings
from zhanggui.catalog.siblings import joined
from zhanggui.errors import ProductError
from zhanggui.storage import RejectFile

_BATCH = 5_000


def load(
    connection: sa.Connection,
    rows: Iterable[Product | Deletion | Siblings],
    *,
    now: datetime,
    whole: bool = False,
    refused: Collection[str] = (),
    progress: Callable[[int], None] = lambda _count: None,
) -> tuple[int, int]:
    """Returns how many products were taken in, new or known, and how many deleted.

    Of products whose variants came as rows, known variants stay beside them; where the feed is `whole` (or is so for such
    products), only those whose rows were `refused`.
    """
    upserted = deleted = 0
    pending: dict[str, Product | Deletion | Siblings] = {}

    def flush() -> None:
        nonlocal upserted, deleted
        products = [row for row in pending.values() if isinstance(row, Product)]
        siblings = [row for row in pending.values() if isinstance(row, Siblings)]
        products += _joined(connection, siblings, whole=whole, refused=refused)
        upserted += store.upsert(connection, products, now=now)
        deleted += store.delete(
            connection, [row.product_id for row in pending.values() if isinstance(row, Deletion)], now=now
        )
        progress(len(pending))
        pending.clear()

    for row in rows:
        pending[row.product_id] = row  # of one id given twice, the last counts
        if len(pending) == _BATCH:
            flush()
    flush()
    return upserted, deleted


def _joined(
    connection: sa.Connection, siblings: Sequence[Siblings], *, whole: bool, refused: Collection[str]
) -> Iterator[Product]:
    known = store.find(connection, [product.product_id for product in siblings])
    for new in siblings:
        before = known.get(new.product_id)
        if before is None or before.product_id != new.product_id:
            yield new.product
            continue
        gone = {variant.variant_id for variant in before.variants if variant.variant_id not in refused}
        yield joined(before, new.product, without=gone if whole or new.whole else set())


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a feed did to the catalogue, in products."""

    upserted: int
    deleted: int
    kept: int
    """Not in a full feed, and kept all the same."""


def load_feed(
    connection: sa.Connection,
    path: Path,
    *,
    rejects: RejectFile,
    form: str,
    mapping: Mapping[str, str] | None,
    currency: str,
    language: Language,
    full: bool,
    now: datetime,
    progress: Callable[[int], None],
) -> Taken:
    """Take in a feed; of a `full` one, delete what it does not name. Raises ProductError.

    A row that was refused names its product all the same. Where one has no id that could be read, nothing is deleted:
    any of the missing products may be that row's.
    """
    if form not in get_args(Format):
        raise ProductError(f"{form!r} is no feed format", hint="auto, csv, jsonl, shopify or google")
    named: set[str] = set()
    refused: set[str] = set()
    identified = 0

    def refuse(ids: Sequence[str]) -> None:
        nonlocal identified
        identified += 1
        refused.update(ids)

    rows = read_feed(
        path,
        rejects=rejects,
        form=cast("Format", form),
        mapping=mapping,
        currency=currency,
        language=language,
        refused=refuse,
    )
    upserted, deleted = load(connection, _noted(rows, named), now=now, whole=full, refused=refused, progress=progress)
    if not full:
        return Taken(upserted=upserted, deleted=deleted, kept=0)
    if not upserted:
        hint = "as a full feed it would empty the catalogue; nothing was changed"
        raise ProductError("it holds no product", source=str(path), hint=hint)
    missing = sorted(store.ids(connection) - named - refused)
    if rejects.count > identified:
        return Taken(upserted=upserted, deleted=deleted, kept=len(missing))
    return Taken(upserted=upserted, deleted=deleted + store.delete(connection, missing, now=now), kept=0)


def _noted(rows: Iterable[Product | Deletion | Siblings], named: set[str]) -> Iterator[Product | Deletion | Siblings]:
    for row in rows:
        named.add(row.product_id)
        yield row
