"""A database for unit tests: SQLite in a file, migrated once and copied for each test. Needs no server."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import alembic.command  # noqa: F401 - loaded here, so that a forked test run does not load it again
import pytest

import zhanggui.storage
from zhanggui.storage import Database

_MIGRATIONS = Path(zhanggui.storage.__file__).parent / "migrations"


@pytest.fixture(scope="session")
def _migrated_file(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kept between sessions, of which `make mutants` has thousands; other migrations make another file."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_MIGRATIONS.rglob("*.py")))).hexdigest()
    path = pytestconfig.cache.mkdir("migrated") / f"{digest[:16]}.db"
    if not path.exists():
        draft = tmp_path_factory.mktemp("migrated") / "draft.db"
        database = Database(f"sqlite:///{draft}")
        database.migrate()
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        own = path.with_suffix(f".{os.getpid()}")
        shutil.copyfile(draft, own)
        own.replace(path)
    return path


@pytest.fixture
def database(_migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh, migrated database of the test's own."""
    path = tmp_path / "unit.db"
    shutil.copyfile(_migrated_file, path)
    fresh = Database(f"sqlite:///{path}")
    yield fresh
    fresh.close()
