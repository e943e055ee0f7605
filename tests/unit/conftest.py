"""A database for unit tests: SQLite in a file, migrated once and copied for each test. Needs no server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from zhanggui.storage import Database


@pytest.fixture
def database(migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh, migrated database of the test's own."""
    path = tmp_path / "unit.db"
    shutil.copyfile(migrated_file, path)
    fresh = Database(f"sqlite:///{path}")
    yield fresh
    fresh.close()
