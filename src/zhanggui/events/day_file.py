"""How a day of events lies in its Parquet file, so that a reader touches little more than what it asks for. Lists no file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from zhanggui.events.event import LOG_SCHEMA

FORMAT = 2
"""How files are written now, as `event_files` lists them; of format 1 they had no column `trust`."""
ORDER = ("type", "name", "user_id", "timestamp")
"""How rows are sorted: readers ask for a few names at a time, and skip the row groups of all others."""
# A row group ends where a name ends, unless it is still small: each costs some 5 KB of footer.
_SMALLEST = 512
_LARGEST = 65_536  # so that several cores share a large day
# Where values repeat. A dictionary of ids, moments and bodies would cost space, and time to look up.
_DICTIONARY: Any = [
    *("type", "name", "currency", "discount_minor", "coupon", "channel", "trust"),
    *(f"products.list.element.{leaf.name}" for leaf in LOG_SCHEMA.field("products").type.value_type),
]


def write_day(table: pa.Table, path: Path) -> None:
    """Write `table` (LOG_SCHEMA, sorted by ORDER) to `path`."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, LOG_SCHEMA, compression="zstd", use_dictionary=_DICTIONARY) as writer:
        for group in _row_groups(table):
            writer.write_table(group)


def read_day(path: Path, *, form: int) -> pa.Table:
    """The table (LOG_SCHEMA) of a file of any format. What came before events had a trust is trusted."""
    import pyarrow.parquet as pq

    if form >= FORMAT:
        return pq.read_table(path, schema=LOG_SCHEMA)
    old = pa.schema([field for field in LOG_SCHEMA if field.name != "trust"])
    table = pq.read_table(path, schema=old)
    return table.append_column("trust", pa.repeat("server", table.num_rows)).cast(LOG_SCHEMA)


def _row_groups(table: pa.Table) -> Iterator[pa.Table]:
    kinds: Any = pc.binary_join_element_wise(table["type"], table["name"].fill_null(""), "\x1f").combine_chunks()
    runs: Any = pc.run_end_encode(kinds)
    start = 0
    for end in runs.run_ends.to_pylist():
        while end - start > _LARGEST:
            yield table.slice(start, _LARGEST)
            start += _LARGEST
        if end - start >= _SMALLEST:
            yield table.slice(start, end - start)
            start = end
    if start < table.num_rows:
        yield table.slice(start)
