"""How a day of events lies in its Parquet file, so that a reader touches little more than what it asks for. Lists no file."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from zhanggui.events.event import LOG_SCHEMA

ORDER = ("type", "name", "user_id", "timestamp")
"""How rows are sorted: readers ask for a few names at a time, and skip the row groups of all others."""
_ROW_GROUP = 16_384  # a day of a small shop has several, so that there are some to skip
# Where values repeat. A dictionary of ids, moments and bodies would cost space, and time to look up.
_DICTIONARY: Any = [
    *("type", "name", "currency", "discount_minor", "coupon", "channel"),
    *(f"products.list.element.{leaf.name}" for leaf in LOG_SCHEMA.field("products").type.value_type),
]


def write_day(table: pa.Table, path: Path) -> None:
    """Write `table` (LOG_SCHEMA, sorted by ORDER) to `path`."""
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd", row_group_size=_ROW_GROUP, use_dictionary=_DICTIONARY)
