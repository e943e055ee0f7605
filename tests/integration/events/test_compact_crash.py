"""Compaction is killed at every boundary between its phases, and the events are counted."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from zhanggui.errors import StorageError
from zhanggui.events import Event, EventLog, EventSettings
from zhanggui.events.compact import compact
from zhanggui.events.tables import event_files
from zhanggui.events.tables import events as hot
from zhanggui.storage import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = EventSettings(compact_rows=40, merge_files=2)
PHASES = ["unlinked", "swept", "read", "written", "listed", "committed", "merge_written", "merge_listed", "merged"]
COUNT = 100


class _KilledError(Exception):
    """Stands for the death of the process."""


def _events() -> list[Event]:
    return [
        Event(message_id=f"m{n}", type="page", user_id=f"u{n % 7}", timestamp=NOW - timedelta(hours=n), received_at=NOW)
        for n in range(COUNT)
    ]


def _filled(database: Database, root: Path) -> EventLog:
    """A log with a compacted half, a hot half on the same days, so that moving and merging both have work."""
    log = EventLog(database, root, SETTINGS)
    for part in (_events()[::2], _events()[1::2]):
        with database.transaction() as connection:
            log.append(connection, part, now=NOW)
        if part[0].message_id == "m0":
            compact(log, now=NOW)
    return log


def _check(log: EventLog) -> None:
    """Each event is there once, is known as a duplicate, and no file is lost or left over after another run."""
    for _ in range(2):
        with log.read() as events:
            found = events.message_id.to_pyarrow().to_pylist()
        assert len(found) == COUNT
        assert set(found) == {event.message_id for event in _events()}
        with log.database.transaction() as connection:
            assert log.append(connection, _events(), now=NOW).stored == 0
        compact(log, now=NOW + timedelta(days=2))
    with log.database.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(hot)) == 0
        listed = set(connection.scalars(sa.select(event_files.c.path)))
    assert listed == {f"{path.parent.name}/{path.name}" for path in log.root.glob("*/*.parquet")}


@pytest.mark.parametrize(
    ("phase", "occurrence"), [*((phase, 1) for phase in PHASES), *((phase, 2) for phase in PHASES[2:])]
)
def test_an_error_at_any_boundary_loses_and_doubles_nothing(
    database: Database, tmp_path: Path, phase: str, occurrence: int
) -> None:
    log = _filled(database, tmp_path / "log")
    left = occurrence

    def die(now_at: str, _moved: int) -> None:
        nonlocal left
        left -= now_at == phase
        if left == 0:
            raise _KilledError

    with pytest.raises(_KilledError):
        compact(log, now=NOW, progress=die)
    _check(log)


@pytest.mark.parametrize(
    "phase", ["unlinked", "read", "written", "listed", "committed", "merge_written", "merge_listed"]
)
def test_sigkill_at_any_boundary_loses_and_doubles_nothing(tmp_path: Path, phase: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    database.migrate()
    log = _filled(database, tmp_path / "log")
    program = textwrap.dedent(f"""
        import os, signal
        from datetime import datetime, UTC
        from pathlib import Path
        from zhanggui.events import EventLog, EventSettings
        from zhanggui.events.compact import compact
        from zhanggui.storage import Database

        def die(now_at, moved):
            if now_at == {phase!r}:
                os.kill(os.getpid(), signal.SIGKILL)

        log = EventLog(Database({str(database.url)!r}), Path({str(log.root)!r}), {SETTINGS!r})
        compact(log, now=datetime(2026, 3, 1, 12, tzinfo=UTC), progress=die)
    """)
    done = subprocess.run([sys.executable, "-c", program], env=os.environ, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    _check(log)
    database.close()


def test_rows_that_vanish_under_compaction_stop_it_before_anything_moves(database: Database, tmp_path: Path) -> None:
    log = _filled(database, tmp_path / "log")

    def meddle(phase: str, _moved: int) -> None:
        if phase == "written":
            with database.transaction() as connection:
                connection.execute(sa.delete(hot).where(hot.c.message_id == "m99"))

    with pytest.raises(StorageError, match="run the compaction again"):
        compact(log, now=NOW, progress=meddle)
    with log.read() as events:
        assert events.count().to_pyarrow().as_py() == COUNT - 1


def test_a_day_of_many_files_becomes_one_and_the_old_ones_go_later(database: Database, tmp_path: Path) -> None:
    log = EventLog(database, tmp_path / "log", EventSettings(merge_files=3))
    for start in range(3):
        with database.transaction() as connection:
            log.append(
                connection,
                [
                    Event(message_id=f"{start}-{n}", type="page", user_id=f"u{9 - n}", timestamp=NOW, received_at=NOW)
                    for n in range(5)
                ],
                now=NOW,
            )
        result = compact(log, now=NOW)
    assert result.merged_days == 1
    assert len(list(log.root.glob("*/*.parquet"))) == 4
    assert compact(log, now=NOW + timedelta(hours=23)).swept == 0
    assert compact(log, now=NOW + timedelta(hours=25)).swept == 3
    with log.read() as events:
        assert events.count().to_pyarrow().as_py() == 15


def test_files_are_by_event_day_and_sorted_by_user_and_time(database: Database, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    log = _filled(database, tmp_path / "log")
    compact(log, now=NOW)
    for path in log.root.glob("*/*.parquet"):
        rows = pq.read_table(path, columns=["user_id", "timestamp"]).to_pylist()
        assert rows == sorted(rows, key=lambda row: (row["user_id"], row["timestamp"]))
        assert {row["timestamp"].date().isoformat() for row in rows} == {path.parent.name}
