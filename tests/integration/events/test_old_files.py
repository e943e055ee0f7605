"""Files of before events had a trust are read, and merged, as what the shop itself said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from zhanggui.events import LOG_SCHEMA, Event, EventLog, EventSettings
from zhanggui.events.compact import compact
from zhanggui.events.tables import event_files
from zhanggui.storage import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD = pa.schema([field for field in LOG_SCHEMA if field.name != "trust"])


def trusts(log: EventLog) -> dict[str, str]:
    with log.read() as events:
        rows = events.select("message_id", "trust").to_pyarrow().to_pylist()
    return {row["message_id"]: row["trust"] for row in rows}


def test_old_files_are_read_beside_new_ones_and_merged_with_them(database: Database, tmp_path: Path) -> None:
    log = EventLog(database, tmp_path / "log", EventSettings(merge_files=3))
    day = log.root / "2026-03-01"
    day.mkdir(parents=True)
    for number in range(2):
        row = {"message_id": f"old-{number}", "type": "track", "timestamp": NOW, "received_at": NOW, "body": "{}"}
        pq.write_table(pa.Table.from_pylist([row], OLD), day / f"{number}.parquet")
        listed = {"path": f"2026-03-01/{number}.parquet", "day": "2026-03-01", "row_count": 1, "added_at": NOW}
        with database.transaction() as connection:
            connection.execute(sa.insert(event_files).values(**listed))  # as one was listed before
    assert trusts(log) == {"old-0": "server", "old-1": "server"}
    public = Event(message_id="new", type="track", user_id="a", timestamp=NOW, received_at=NOW, trust="write")
    with database.transaction() as connection:
        log.append(connection, [public], now=NOW)
    everything = {"old-0": "server", "old-1": "server", "new": "write"}
    assert trusts(log) == everything
    assert compact(log, now=NOW).merged_days == 1
    assert trusts(log) == everything
    compact(log, now=NOW + timedelta(days=2))
    with database.reading() as connection:
        assert set(connection.scalars(sa.select(event_files.c.format))) == {2}
    assert trusts(log) == everything
