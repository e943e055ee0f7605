import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import zhanggui.engine  # noqa: F401  every room's tables are on `metadata` now
from zhanggui.storage import Database, metadata
from zhanggui.storage.database import UtcTime

probe = sa.Table("probe", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", UtcTime))


def test_migrations_build_exactly_the_tables_that_the_rooms_declare(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": _types_differ})
        assert compare_metadata(context, metadata) == []


def _types_differ(_context, _inspected, _metadata, inspected_type, metadata_type) -> bool:
    if isinstance(metadata_type, UtcTime):
        return not isinstance(inspected_type, sa.BigInteger)
    return inspected_type._type_affinity is not metadata_type._type_affinity


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()


def test_a_moment_comes_back_to_the_microsecond_and_in_utc(database: Database) -> None:
    moment = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=8)))
    with database.transaction() as connection:
        probe.create(connection)
        connection.execute(probe.insert().values(id=1, at=moment))
        found = connection.execute(sa.select(probe.c.at)).scalar_one()
    assert found == moment
    assert found.tzinfo is UTC


def test_a_moment_without_a_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="no time zone"), database.transaction() as connection:
        probe.create(connection)
        connection.execute(probe.insert().values(id=1, at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with database.transaction() as connection:
        probe.create(connection)
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute(probe.insert().values(id=1))
        _ = 1 / 0
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(probe)).scalar_one() == 0


def test_concurrent_writers_wait_for_each_other_and_lose_nothing(database: Database) -> None:
    with database.transaction() as connection:
        probe.create(connection)
        connection.execute(probe.insert().values(id=1, at=datetime(2026, 1, 1, tzinfo=UTC)))

    def add_ten_seconds() -> None:
        for _ in range(10):
            with database.transaction() as connection:
                query = sa.select(probe.c.at).where(probe.c.id == 1).with_for_update()
                at = connection.execute(query).scalar_one()
                connection.execute(probe.update().values(at=at + timedelta(seconds=1)))

    threads = [threading.Thread(target=add_ten_seconds) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        assert connection.execute(sa.select(probe.c.at)).scalar_one() == datetime(2026, 1, 1, 0, 0, 40, tzinfo=UTC)


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.transaction() as connection:
        probe.create(connection)
    count = sa.select(sa.func.count()).select_from(probe)
    with database.reading() as reader:
        before = reader.execute(count).scalar_one()
        with database.transaction() as writer:
            writer.execute(probe.insert().values(id=1))
        assert reader.execute(count).scalar_one() == before
