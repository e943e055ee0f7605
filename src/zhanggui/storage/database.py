"""One door to SQL: SQLite in WAL mode by default, PostgreSQL by DSN. Rooms attach their tables to `metadata`.

Knows how to connect, migrate and hold a transaction. Does not know any table: SQL is in the room that owns it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from zhanggui.errors import StorageError
from zhanggui.storage.db_errors import explained

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A moment, stored as integer microseconds since 1970 UTC: sorts, compares and indexes alike on both engines."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; moments are always in UTC")
        delta = value - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return (
            None
            if value is None
            else datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
        )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_URLS = (
    "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME (of a password, write @ as %40, : as %3A, / as %2F)"
)


class Database:
    """A SQL database by URL (`sqlite:///shop.db`, `postgresql+psycopg://user@host/shop`).

    A `transaction()` commits when its block ends and rolls back when it raises. On SQLite it takes the write
    lock at once (BEGIN IMMEDIATE), so that what was read stays true until the commit; other writers wait.
    What the database, its server or its disk fails at is a StorageError that says what to do.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):  # its words may hold a part of the password
            raise StorageError(f"the database URL ([storage] in zhanggui.toml) cannot be read; {_URLS}") from None
        if self.url.drivername in ("postgres", "postgresql"):
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if self.url.database in (None, "", ":memory:"):
                raise StorageError("an in-memory database cannot be shared by threads: name a file")
            folder = Path(str(self.url.database)).parent
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(
                    f"the folder {folder} of the database cannot be made ({error.strerror}); "
                    "make it, or name another in the database URL"
                ) from error
            self.engine = sa.create_engine(self.url, connect_args={"timeout": 60, "isolation_level": None})
            sa.event.listen(self.engine, "connect", _set_up_sqlite)
        elif self.url.get_backend_name() != "postgresql":
            raise StorageError(f"{self.url.get_backend_name()} databases are not known; {_URLS}")
        else:
            try:
                self.engine = sa.create_engine(self.url, pool_pre_ping=True)
            except ModuleNotFoundError as error:
                raise StorageError(f"{error.name} is not installed; run: pip install 'zhanggui[postgres]'") from error

    @property
    def missing(self) -> bool:
        """Whether it is a SQLite file that is not there: migrating would make an empty one."""
        return self.is_sqlite and not Path(str(self.url.database)).exists()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A read-write transaction."""
        with self._connected() as connection:
            if not self.is_sqlite:
                with connection.begin():
                    yield connection
                return
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                _roll_back(connection)
                raise
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A read-only view of one moment (snapshot isolation on both engines)."""
        with self._connected() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                finally:
                    _roll_back(connection)
                return
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def migrate(self) -> None:
        """Bring the schema up to date (Alembic). Safe to call at each start and from several processes."""
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        with self.transaction() as connection:
            if not self.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7236001)"))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StorageError(
                    f"the database was made by another version of Zhanggui ({error}); install that version or a newer one"
                ) from error

    @cached_property
    def _apart(self) -> sa.Engine:
        return sa.create_engine(self.url, poolclass=sa.NullPool)

    def check_health(self) -> None:
        """Ask it something, over a connection of its own: whoever holds the pool's does not hold this up.

        Raises StorageError when it does not answer.
        """
        if self.missing:
            raise StorageError(f"the database {self.url.database} is not there")
        with explained(self.url), self._apart.connect() as connection:
            connection.exec_driver_sql("SELECT 1 FROM alembic_version")

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        with explained(self.url), self.engine.connect() as connection:
            yield connection


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of `connection` (SQLite or PostgreSQL)."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def now(connection: sa.Connection) -> datetime:
    """The moment that the database issues: the same clock for every worker beside it, whatever their own clocks say."""
    microseconds = (
        "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
        if connection.dialect.name == "sqlite"
        else "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    )
    issued = sa.literal_column(microseconds, UtcTime)
    return connection.execute(sa.select(issued)).scalar_one()


def _roll_back(connection: sa.Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    if driver.in_transaction:  # a full disk has rolled back already
        connection.exec_driver_sql("ROLLBACK")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=60000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
