"""Rows of any feed as products and deletions; what cannot be sold from is refused, the others go on. Knows no format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from zhanggui.catalog import cell
from zhanggui.catalog.clean import clean
from zhanggui.catalog.product import Language, Product
from zhanggui.catalog.row import Deletion, Siblings, read
from zhanggui.catalog.siblings import SiblingRows
from zhanggui.catalog.variant_row import read_options
from zhanggui.errors import ProductError

Row = tuple[int, Mapping[str, Any], str]
"""Line, fields, the row as it stood."""
Refused = Callable[[ProductError, int, str, Sequence[str]], None]
"""Told of an error, with the row's line, how it stood, and the ids that it names."""


def read_rows(
    rows: Iterable[Row], *, currency: str, language: Language, refused: Refused, whole: bool = False
) -> Iterator[Product | Deletion | Siblings]:
    """Products and deletions in the order of the rows; then those that came as one row a variant (`item_group_id`).

    `whole`: the rows of such a product are all its variants.
    """
    siblings = SiblingRows(whole=whole)
    for line, fields, raw in rows:
        ids = [text for name in ("product_id", "item_group_id") if (text := clean(str(fields.get(name) or "")))]

        def refuse(error: ProductError, line: int = line, raw: str = raw, ids: Sequence[str] = ids) -> None:
            refused(error, line, raw, ids)

        try:
            row = _read(fields, siblings, currency=currency, language=language, refuse=refuse)
        except ProductError as error:
            refuse(error)
        else:
            if row is not None:
                yield row
    yield from siblings.products()


def _read(
    fields: Mapping[str, Any], siblings: SiblingRows, *, currency: str, language: Language, refuse: cell.Refuse
) -> Product | Deletion | None:
    """The row, or None when it waits for its siblings."""
    group = cell.text(fields, "item_group_id", "product_id")
    if not group:
        return read(fields, currency=currency, language=language, refuse=refuse)
    own = {name: value for name, value in fields.items() if name != "options"}
    row = read(own, currency=currency, language=language, refuse=refuse)
    if isinstance(row, Deletion) or row.variants:
        return row
    siblings.add(group, row, read_options(fields["options"]) if "options" in fields else None)
    return None
