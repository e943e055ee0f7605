"""Databases for the tests: SQLite always; PostgreSQL from a throwaway server where its programs are. Commands speak English."""

import gc
import hashlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

os.environ["HF_HUB_OFFLINE"] = "1"  # before the libraries that read it once: no test waits for a hub
import alembic.command  # noqa: F401 - these are loaded here, so that a forked test run does not load them again
import ibis.backends.duckdb  # noqa: F401
import pandas  # noqa: F401
import pytest
import sqlalchemy as sa

import zhanggui.storage
from zhanggui.engine import Engine
from zhanggui.shops.sample import SampleShop
from zhanggui.storage import Database
from zhanggui.testing import FixedClock


@sa.event.listens_for(sa.Pool, "checkout")
def _write_without_waiting(connection: Any, *_: object) -> None:
    """No test cuts the power: a file that the system holds is as good as one on the disk, and PostgreSQL here says fsync=off."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def pytest_configure() -> None:
    """Loading and rewriting the tests leaves next to no garbage, and to look for it takes half of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Collect garbage again, but not in what has been loaded: to look through that takes a second each time."""
    gc.freeze()
    gc.enable()


_MIGRATIONS = Path(zhanggui.storage.__file__).parent / "migrations"


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


@pytest.fixture(scope="session")
def migrated_file(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy. Kept between sessions, of which `make mutants` has thousands; other migrations
    make another file.
    """
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


@pytest.fixture(scope="session")
def sample_shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, datetime], SampleShop]:
    """Makes a new folder the sample shop as of a moment: filled once, then copied. Returns what is in it."""
    filled: dict[datetime, tuple[Path, SampleShop]] = {}

    def put(folder: Path, now: datetime) -> SampleShop:
        if now not in filled:
            shop = tmp_path_factory.mktemp("sample") / "shop"
            Engine.create(shop)
            with Engine.open(shop, clock=FixedClock(now)) as engine:
                filled[now] = shop, engine.load_sample()
        shop, sample = filled[now]
        shutil.copytree(shop, folder)
        settings = (folder / "zhanggui.toml").read_text(encoding="utf-8")
        (folder / "zhanggui.toml").write_text(settings.replace(str(shop), str(folder)), encoding="utf-8")
        return sample

    return put


@pytest.fixture(scope="session")
def migrated_server(postgres_url: str) -> Iterator[sa.Engine]:
    """A PostgreSQL server with a migrated database, "migrated", to copy."""
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE migrated")
    template = Database(str(sa.make_url(postgres_url).set(database="migrated")))
    template.migrate()
    template.close()
    yield server
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh, migrated database; the test runs once on each engine."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "shop.db")
        yield from _opened(f"sqlite:///{tmp_path / 'shop.db'}")
    else:
        yield from _on_server(request.getfixturevalue("migrated_server"), template="migrated")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a table, to bring to the schema of an older version; once on each engine."""
    if request.param == "sqlite":
        yield from _opened(f"sqlite:///{tmp_path / 'shop.db'}")
    else:
        yield from _on_server(request.getfixturevalue("migrated_server"), template="template1")


def _on_server(server: sa.Engine, *, template: str) -> Iterator[Database]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield from _opened(server.url.set(database=name).render_as_string(hide_password=False))
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def _opened(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()
