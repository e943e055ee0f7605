"""The append-only log of events: a hot SQL table, and Parquet files by event day that SQL lists.

Appends once per messageId; reads one consistent moment as one table, in event time. Does not know what an
event means, nor who an id belongs to. Files are written by `compact`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from zhanggui.events.commerce import NOTHING
from zhanggui.events.commerce import read as read_commerce
from zhanggui.events.day_file import FORMAT
from zhanggui.events.event import LOG_SCHEMA, Event
from zhanggui.events.rows import COLUMNS, row, to_arrow
from zhanggui.events.settings import EventSettings
from zhanggui.events.tables import event_files, event_ids, event_position, event_users
from zhanggui.events.tables import events as hot_events
from zhanggui.storage.database import Database

if TYPE_CHECKING:
    import ibis

Heard = Callable[[sa.Connection, Sequence[Mapping[str, Any]]], None]
_CHUNK = 5_000  # rows a statement: far below both engines' limit of parameters
# Built once: a receipt appends one event, and building its statements would cost more than running them.
_GROW = (
    sa.update(event_position)
    .values(position=event_position.c.position + sa.bindparam("count"))
    .returning(event_position.c.position)
)
_KNOWN = sa.select(event_ids.c.message_id).where(event_ids.c.message_id.in_(sa.bindparam("message_ids")))
_REMEMBER, _STORE = sa.insert(event_ids), sa.insert(hot_events)
_LATEST = sa.text(
    "INSERT INTO event_users (id, last_seq) VALUES (:id, :last_seq)"
    " ON CONFLICT (id) DO UPDATE SET last_seq = excluded.last_seq"
)


@dataclass(frozen=True, kw_only=True)
class AppendResult:
    """How many events were new, and how many were known already."""

    stored: int
    duplicates: int


class EventLog:
    """The log whose hot rows are in `database` and whose Parquet files are below `root`."""

    def __init__(
        self, database: Database, root: Path, settings: EventSettings | None = None, *, heard: Heard | None = None
    ) -> None:
        self.database = database
        self.root = root
        self.settings = settings or EventSettings()
        self.heard = heard
        """Told of every event that is stored, as rows of the hot table, in the transaction that stores them."""

    def append(self, connection: sa.Connection, events: Sequence[Event], *, now: datetime) -> AppendResult:
        """Store the events whose messageId is not known yet, in the transaction of `connection`.

        Raises EventError when an e-commerce property has the wrong type (events from `segment` are checked).
        """
        currency = self.settings.currency
        return self.append_rows(
            connection,
            [
                row(
                    event,
                    read_commerce(event.name, event.properties, currency=currency)
                    if event.type == "track"
                    else NOTHING,
                )
                for event in events
            ],
            now=now,
        )

    def append_rows(self, connection: sa.Connection, rows: Sequence[dict[str, Any]], *, now: datetime) -> AppendResult:
        """Like `append`, for rows of `rows.row`; each is given its position."""
        if not rows:
            return AppendResult(stored=0, duplicates=0)
        # The lock of the position's row comes first: no other append decides what is new until this commits.
        last = connection.execute(_GROW, {"count": len(rows)}).scalar_one()
        fresh: dict[str, dict[str, Any]] = {}
        for one in rows:
            fresh.setdefault(one["message_id"], one)
        ids = list(fresh)
        for start in range(0, len(ids), _CHUNK):
            for message_id in connection.scalars(_KNOWN, {"message_ids": ids[start : start + _CHUNK]}):
                del fresh[message_id]
        if fresh:
            latest: dict[str, int] = {}
            for seq, one in enumerate(fresh.values(), last - len(rows) + 1):
                one["seq"] = seq
                for key in ("user_id", "anonymous_id", "previous_id"):
                    if one[key] is not None:
                        latest[one[key]] = seq
            connection.execute(_REMEMBER, [{"message_id": message_id, "appended_at": now} for message_id in fresh])
            connection.execute(_STORE, list(fresh.values()))
            connection.execute(_LATEST, [{"id": key, "last_seq": seq} for key, seq in latest.items()])
            if self.heard is not None:
                self.heard(connection, list(fresh.values()))
        return AppendResult(stored=len(fresh), duplicates=len(rows) - len(fresh))

    def position(self) -> int:
        """How far the log has grown. Take it before `read`, and `touched` later misses nobody."""
        with self.database.reading() as connection:
            return int(connection.scalar(sa.select(event_position.c.position)) or 0)

    def touched(self, since: int) -> set[str]:
        """User, anonymous and previous ids of the events appended after the position `since`."""
        with self.database.reading() as connection:
            return set(connection.scalars(sa.select(event_users.c.id).where(event_users.c.last_seq > since)))

    def known(self, message_ids: Sequence[str]) -> set[str]:
        """Which of `message_ids` were stored within the dedupe window."""
        found: set[str] = set()
        with self.database.reading() as connection:
            for start in range(0, len(message_ids), _CHUNK):
                found.update(connection.scalars(_KNOWN, {"message_ids": message_ids[start : start + _CHUNK]}))
        return found

    @contextmanager
    def read(self) -> "Iterator[ibis.Table]":
        """Every event of one moment as an Ibis table of LOG_SCHEMA (DuckDB), usable while the block lasts.

        Rows come in no order. Appends and compactions meanwhile change nothing: a replaced file is kept
        for `retire_hours`.
        """
        import ibis

        with self.database.reading() as connection:
            hot = to_arrow(connection.execute(sa.select(*COLUMNS)).fetchall())
            files = connection.execute(
                sa.select(event_files.c.path, event_files.c.format)
                .where(event_files.c.retired_at.is_(None))
                .order_by(event_files.c.day, event_files.c.path)
            ).fetchall()
        backend = ibis.duckdb.connect()
        try:
            # Hundreds of day files: their footers are read once a block, not once a query.
            backend.raw_sql("SET parquet_metadata_cache = true")
            backend.raw_sql("SET preserve_insertion_order = false")
            parts = []
            for name, since, until, columns in _FORMATS:
                if paths := [str(self.root / path) for path, form in files if since <= form <= until]:
                    backend.read_parquet(paths, table_name=name, hive_partitioning=False, union_by_name=False)
                    parts.append(f"SELECT {columns} FROM {name}")
            if hot.num_rows or not files:
                backend.con.register("hot", hot.cast(_NULLABLE))
                parts.append("FROM hot")
            # A view, which each query sees through, so that a query reads only the columns and rows that it asks for.
            backend.raw_sql(f"CREATE VIEW log AS {' UNION ALL '.join(parts)}")
            yield backend.table("log")
        finally:
            backend.disconnect()


_FORMATS = (("compacted_before", 1, FORMAT - 1, "*, 'server' AS trust"), ("compacted", FORMAT, FORMAT, "*"))
"""How files of which formats are read; what came before events had a trust is trusted."""
# Files and views know no NOT NULL; two parts of a union must agree.
_NULLABLE = pa.schema([field.with_nullable(True) for field in LOG_SCHEMA])
