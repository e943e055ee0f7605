from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zhanggui.events import LOG_SCHEMA
from zhanggui.events.day_file import ORDER, write_day


def written(path: Path, names: dict[str, int]) -> tuple[pa.Table, list[tuple[str, str, int]]]:
    """A day of so many events of each name; and of each row group the first name, the last, and the rows."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    rows = [
        {
            "message_id": f"m{number}",
            "type": "track",
            "name": name,
            "user_id": f"c{number % 977}",
            "timestamp": start + timedelta(seconds=number),
            "received_at": start + timedelta(seconds=number),
            "products": [{"product_id": f"p{number % 40}", "category": "tea", "brand": "", "quantity": 1.0}],
            "body": "{}",
            "trust": "server",
        }
        for number, name in enumerate(name for name, count in names.items() for _ in range(count))
    ]
    table = pa.Table.from_pylist(rows, schema=LOG_SCHEMA).sort_by([(name, "ascending") for name in ORDER])
    write_day(table, path)
    found = pq.ParquetFile(path).metadata
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    named = [
        next(column for column in map(group.column, range(found.num_columns)) if column.path_in_schema == "name")
        for group in groups
    ]
    return table, [
        (column.statistics.min, column.statistics.max, group.num_rows)
        for column, group in zip(named, groups, strict=True)
    ]


def test_who_asks_for_one_name_reads_its_row_groups_only(tmp_path: Path) -> None:
    path = tmp_path / "day.parquet"
    table, groups = written(path, {"Product Viewed": 70_000, "Order Completed": 600})
    assert pq.read_table(path, schema=LOG_SCHEMA).equals(table)
    assert groups == [
        ("Order Completed", "Order Completed", 600),
        ("Product Viewed", "Product Viewed", 65_536),
        ("Product Viewed", "Product Viewed", 4_464),
    ]


def test_rare_names_share_a_row_group(tmp_path: Path) -> None:
    path = tmp_path / "day.parquet"
    table, groups = written(path, {f"Page {number:03}": 3 for number in range(400)} | {"Zoom": 5})
    assert pq.read_table(path, schema=LOG_SCHEMA).equals(table)
    assert groups == [("Page 000", "Page 170", 513), ("Page 171", "Page 341", 513), ("Page 342", "Zoom", 179)]


def test_values_that_repeat_have_a_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "day.parquet"
    written(path, {"Product Viewed": 600})
    found = pq.ParquetFile(path).metadata
    columns = {column.path_in_schema: column for column in map(found.row_group(0).column, range(found.num_columns))}
    for name, expected in (("products.list.element.product_id", True), ("name", True), ("message_id", False)):
        assert columns[name].has_dictionary_page is expected, name
