"""A database for unit tests: SQLite in a file, migrated once and copied for each test. Needs no server."""

import os
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `make mutants`, which gives a mutant's tests in any order: those of its module first, then of its room."""
    *_, room, module = ["", "", *os.environ.get("MUTANT_UNDER_TEST", "").split(".")[:-1]]
    items.sort(key=lambda item: (f"/test_{module}.py" not in item.nodeid, f"/{room}/" not in item.nodeid))
