"""A database for unit tests: SQLite in a file, migrated once a session and copied for each test. Needs no server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import alembic.command  # noqa: F401 - loaded here, so that a forked test run does not load it again
import pytest

from zhanggui.storage import Database


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "shop.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture
def database(_migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh, migrated database of the test's own."""
    path = tmp_path / "unit.db"
    shutil.copyfile(_migrated_file, path)
    fresh = Database(f"sqlite:///{path}")
    yield fresh
    fresh.close()
