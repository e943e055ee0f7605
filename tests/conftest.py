"""Databases for the tests: SQLite always; PostgreSQL from a throwaway server where its programs are. Commands speak English."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa

from zhanggui.storage import Database


@pytest.fixture(autouse=True)
def _commands_speak_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a test says otherwise: a new shop is Chinese, and so are the answers."""
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", "en")


def _as_postgres_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root: hand the command to an unprivileged user there."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command] if os.getuid() == 0 else command


def without_postgres(program: str, *, ci: bool) -> NoReturn:
    """Skip what needs PostgreSQL; in continuous integration its absence is a failure."""
    told = f"no PostgreSQL here: the program {program} is neither on PATH nor in /usr/lib/postgresql"
    pytest.fail(told) if ci else pytest.skip(told)


def _postgres_program(name: str) -> str:
    """The path of one of PostgreSQL's programs; Debian keeps the newest of them off PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, reversed(debian))))
    return path or without_postgres(name, ci=os.environ.get("CI") == "true")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The DSN of a throwaway PostgreSQL server, listening on a socket in a temporary folder only."""
    initdb, pg_ctl = _postgres_program("initdb"), _postgres_program("pg_ctl")
    home = Path(tempfile.mkdtemp(prefix="zg-pg-", dir="/tmp"))
    home.chmod(0o777)
    data = home / "data"
    try:
        _run([initdb, "-D", str(data), "-U", "shop", "-A", "trust", "-E", "UTF8", "--no-sync"])
        options = f"-k {home} -c listen_addresses='' -c fsync=off -c shared_buffers=32MB"
        _run([pg_ctl, "-D", str(data), "-w", "-l", str(home / "log"), "-o", options, "start"])
        yield f"postgresql+psycopg://shop@/postgres?host={home}"
    finally:
        subprocess.run(
            _as_postgres_user([pg_ctl, "-D", str(data), "-m", "immediate", "stop"]), capture_output=True, cwd="/"
        )
        shutil.rmtree(home, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(_as_postgres_user(command), capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh, migrated database; the test runs once on each engine."""
    if request.param == "sqlite":
        fresh = Database(f"sqlite:///{tmp_path / 'shop.db'}")
        fresh.migrate()
        yield fresh
        fresh.close()
        return
    server = sa.create_engine(request.getfixturevalue("postgres_url"), isolation_level="AUTOCOMMIT")
    name = f"test_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    fresh = Database(str(sa.make_url(request.getfixturevalue("postgres_url")).set(database=name)))
    fresh.migrate()
    yield fresh
    fresh.close()
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()
