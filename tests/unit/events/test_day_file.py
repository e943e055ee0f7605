from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zhanggui.events import LOG_SCHEMA
from zhanggui.events.day_file import ORDER, write_day


def test_who_asks_for_one_name_reads_few_row_groups(tmp_path: Path) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    rows = [
        {
            "message_id": f"m{number}",
            "type": "track",
            "name": "Order Completed" if number % 10 == 0 else "Product Viewed",
            "user_id": f"c{number % 977}",
            "timestamp": start + timedelta(seconds=number),
            "received_at": start + timedelta(seconds=number),
            "products": [{"product_id": f"p{number % 40}", "category": "tea", "brand": "", "quantity": 1.0}],
            "body": "{}",
        }
        for number in range(60_000)
    ]
    table = pa.Table.from_pylist(rows, schema=LOG_SCHEMA).sort_by([(name, "ascending") for name in ORDER])
    path = tmp_path / "day.parquet"
    write_day(table, path)
    assert pq.read_table(path, schema=LOG_SCHEMA).equals(table)
    found = pq.ParquetFile(path).metadata
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    columns = {groups[0].column(place).path_in_schema: place for place in range(found.num_columns)}
    names = [groups[number].column(columns["name"]).statistics for number in range(len(groups))]
    assert [(one.min, one.max) for one in names] == [
        ("Order Completed", "Product Viewed"),  # 6,000 orders end within the first of 16,384 rows
        *[("Product Viewed", "Product Viewed")] * (len(groups) - 1),
    ]
    assert len(groups) == 4
    for name, expected in (("products.list.element.product_id", True), ("name", True), ("message_id", False)):
        assert groups[0].column(columns[name]).has_dictionary_page is expected, name
