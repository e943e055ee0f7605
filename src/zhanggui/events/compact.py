"""Moves hot events into Parquet files by event day, exactly once whatever the moment of a crash.

Files are written and synced first; then one transaction lists them and deletes their rows. A file that no
transaction listed is swept later. Does not know who reads.
"""

import fcntl
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from zhanggui.errors import StorageError
from zhanggui.events.day_file import FORMAT, ORDER, read_day, write_day
from zhanggui.events.event import LOG_SCHEMA
from zhanggui.events.log import EventLog
from zhanggui.events.rows import COLUMNS, to_arrow
from zhanggui.events.tables import event_files, event_ids, event_position, events
from zhanggui.storage.artifacts import sync

Phase = Literal[
    "unlinked", "swept", "read", "written", "listed", "committed", "merge_written", "merge_listed", "merged"
]
"""read: rows are in memory; written: files are on disk; listed: in the transaction, before its commit."""

_DAY = 86_400_000_000


@dataclass(frozen=True, kw_only=True)
class CompactResult:
    """What one compaction did."""

    moved: int
    """Events moved from SQL to Parquet."""
    files: int
    """Files written, merged ones included."""
    merged_days: int
    """Days whose many files became one."""
    swept: int
    """Files deleted: replaced long ago, or left behind by a crash."""
    forgotten: int
    """MessageIds that left the dedupe window."""


def compact(log: EventLog, *, now: datetime, progress: Callable[[Phase, int], None] | None = None) -> CompactResult:
    """Move every event that is hot now. Safe to kill at any moment and to run again; compactions take turns.

    `progress` hears each phase, with the number of events moved so far.
    """
    tell = progress or (lambda _phase, _moved: None)
    moved = files = 0
    with _turn(log):
        swept = _sweep(log, now, tell)
        with log.database.reading() as connection:
            position = connection.scalar(sa.select(event_position.c.position)) or 0
        while True:
            rows, written = _move(log, int(position), now, partial(_tell, tell, moved))
            if not rows:
                break
            moved += rows
            files += written
            tell("committed", moved)
        merged = _merge(log, now, partial(_tell, tell, moved))
        with log.database.transaction() as connection:
            forgotten = connection.execute(
                sa.delete(event_ids).where(event_ids.c.appended_at < now - timedelta(days=log.settings.dedupe_days))
            ).rowcount
    return CompactResult(moved=moved, files=files + merged, merged_days=merged, swept=swept, forgotten=forgotten)


def _tell(tell: Callable[[Phase, int], None], moved: int, phase: Phase) -> None:
    tell(phase, moved)


@contextmanager
def _turn(log: EventLog) -> Iterator[None]:
    """One compaction at a time: a file that is being written must not look like one left behind."""
    log.root.mkdir(parents=True, exist_ok=True)
    with (log.root / ".compacting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go by the system when the process dies
        yield


def _move(log: EventLog, position: int, now: datetime, tell: Callable[[Phase], None]) -> tuple[int, int]:
    """Move the oldest hot events (whole days while they fit); how many, into how many files."""
    moment = sa.type_coerce(events.c.timestamp, sa.BigInteger)
    with log.database.reading() as connection:
        rows = connection.execute(
            sa.select(*COLUMNS, events.c.seq)
            .where(events.c.seq <= position)
            .order_by(events.c.timestamp, events.c.seq)
            .limit(log.settings.compact_rows)
        ).fetchall()
    if not rows:
        return 0, 0
    at = LOG_SCHEMA.get_field_index("timestamp")
    if len(rows) == log.settings.compact_rows and rows[0][at] // _DAY != rows[-1][at] // _DAY:
        last_day = rows[-1][at] // _DAY  # maybe cut in two: leave it whole to the next round
        rows = [one for one in rows if one[at] // _DAY != last_day]
    last_moment, last_seq = rows[-1][at], rows[-1][-1]
    count = len(rows)
    table = to_arrow([one[:-1] for one in rows])
    del rows
    tell("read")
    listed = _write(log, table, now)
    tell("written")
    with log.database.transaction() as connection:
        connection.execute(sa.insert(event_files), listed)
        deleted = connection.execute(
            sa.delete(events).where(
                events.c.seq <= position,
                sa.or_(moment < last_moment, sa.and_(moment == last_moment, events.c.seq <= last_seq)),
            )
        ).rowcount
        if deleted != count:
            raise StorageError(
                f"{count} events were read and {deleted} deleted: something else changes the table events; "
                "nothing was moved, run the compaction again"
            )
        tell("listed")
    return count, len(listed)


def _write(log: EventLog, table: pa.Table, now: datetime) -> list[dict[str, Any]]:
    """One synced file a day; their rows for `event_files`."""
    day = pc.floor_temporal(table["timestamp"], unit="day")
    table = table.append_column("day", day).sort_by([(name, "ascending") for name in ("day", *ORDER)])
    # In order of appearance, hence of days.
    days: Any = pc.value_counts(table["day"])
    table = table.drop_columns(["day"])
    start, listed = 0, []
    for entry in days.to_pylist():
        name, count = entry["values"].date().isoformat(), entry["counts"]
        path = log.root / name / f"{uuid.uuid4().hex}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_day(table.slice(start, count), path)
        sync(path)
        sync(path.parent)
        listed.append(
            {
                "path": f"{name}/{path.name}",
                "day": name,
                "row_count": count,
                "added_at": now,
                "retired_at": None,
                "format": FORMAT,
            }
        )
        start += count
    sync(log.root)
    return listed


def _merge(log: EventLog, now: datetime, tell: Callable[[Phase], None]) -> int:
    """Rewrite as one file each day that late events have scattered over many."""
    live = event_files.c.retired_at.is_(None)
    with log.database.reading() as connection:
        days = list(
            connection.scalars(
                sa.select(event_files.c.day)
                .where(live)
                .group_by(event_files.c.day)
                .having(sa.func.count() >= log.settings.merge_files)
                .order_by(event_files.c.day)
            )
        )
    for day in days:
        with log.database.reading() as connection:
            files = connection.execute(
                sa.select(event_files.c.path, event_files.c.format).where(live, event_files.c.day == day)
            ).fetchall()
        paths = [path for path, _ in files]
        table = pa.concat_tables([read_day(log.root / path, form=form) for path, form in files])
        listed = _write(log, table, now)
        tell("merge_written")
        with log.database.transaction() as connection:
            connection.execute(sa.update(event_files).where(event_files.c.path.in_(paths)).values(retired_at=now))
            connection.execute(sa.insert(event_files), listed)
            tell("merge_listed")
        tell("merged")
    return len(days)


def _sweep(log: EventLog, now: datetime, tell: Callable[[Phase, int], None]) -> int:
    """Delete files that were replaced long ago, and those that a crash left unlisted."""
    old = event_files.c.retired_at < now - timedelta(hours=log.settings.retire_hours)
    with log.database.reading() as connection:
        known = set(connection.scalars(sa.select(event_files.c.path)))
        retired = list(connection.scalars(sa.select(event_files.c.path).where(old)))
    orphans = [path for path in log.root.glob("*/*.parquet") if f"{path.parent.name}/{path.name}" not in known]
    for path in [log.root / one for one in retired] + orphans:
        path.unlink(missing_ok=True)
    tell("unlinked", 0)
    if retired:
        with log.database.transaction() as connection:
            connection.execute(sa.delete(event_files).where(event_files.c.path.in_(retired)))
    tell("swept", 0)
    return len(retired) + len(orphans)
