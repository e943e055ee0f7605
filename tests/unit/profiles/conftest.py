"""A migrated SQLite file for each test, copied from one that is migrated once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from zhanggui.storage import Database


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "shop.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    database.close()
    return path


@pytest.fixture
def sqlite(_migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh, migrated SQLite database."""
    database = Database(f"sqlite:///{shutil.copy(_migrated, tmp_path / 'fresh.db')}")
    yield database
    database.close()


@pytest.fixture
def connection(sqlite: Database) -> Iterator[sa.Connection]:
    """A transaction in it."""
    with sqlite.transaction() as connection:
        yield connection
