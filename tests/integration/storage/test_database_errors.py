"""What databases and disks really refuse, and that a person is told in one sentence what to do."""

import sqlite3
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from zhanggui.cli.main import main
from zhanggui.engine import Engine
from zhanggui.errors import InputError, StorageError
from zhanggui.storage import Database

probe = sa.Table("probe", sa.MetaData(), sa.Column("text", sa.Text))


def _with(database: Database, pragma: str) -> Database:
    sa.event.listen(database.engine, "connect", lambda connection, _record: connection.execute(f"PRAGMA {pragma}"))
    return database


def _use(database: Database) -> str:
    with pytest.raises(StorageError) as caught, database.transaction() as connection:
        probe.create(connection, checkfirst=True)
        connection.execute(probe.insert(), [{"text": "tea" * 1_000}] * 100)
    database.close()
    text = str(caught.value)
    assert "\n" not in text
    assert "sqlalche" not in text
    return text


def test_a_locked_database(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert "wait until" in _use(_with(Database(f"sqlite:///{tmp_path}/shop.db"), "busy_timeout=0"))
    holder.close()


def test_a_database_that_may_not_be_written(tmp_path: Path) -> None:
    assert "allow this user to write" in _use(_with(Database(f"sqlite:///{tmp_path}/shop.db"), "query_only=1"))


def test_a_full_disk_rolls_back_and_says_so(tmp_path: Path) -> None:
    assert "make room" in _use(_with(Database(f"sqlite:///{tmp_path}/shop.db"), "max_page_count=20"))


def test_a_file_that_is_no_database_and_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("product_id,title,price\n" * 100)
    assert "no SQLite database" in _use(Database(f"sqlite:///{tmp_path}/shop.db"))
    assert "cannot be opened" in _use(Database(f"sqlite:///{tmp_path}"))
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        Database(f"sqlite:///{tmp_path}/file/shop.db")


@pytest.mark.parametrize(
    "url", ["shop.db", "", "mysql://shop:SECRET@host/shop", "nonsense://", "postgresql://shop:SE@CRET:SECRET/shop"]
)
def test_a_url_that_is_none_of_ours(url: str) -> None:
    with pytest.raises(StorageError, match=r"sqlite:///FILE or postgresql://") as caught:
        Database(url)
    assert "SECRET" not in str(caught.value)


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/shop.db")
    database.migrate()
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_later'")
    with pytest.raises(StorageError, match="newer"):
        database.migrate()
    database.close()


def test_postgresql_that_is_down_unknown_or_shut(postgres_url: str) -> None:
    assert "127.0.0.1:1/shop" in (told := _use(Database("postgresql://shop:SECRET@127.0.0.1:1/shop")))
    assert "see that it runs" in told
    assert "SECRET" not in told
    server = sa.make_url(postgres_url)
    assert "does not exist" in _use(Database(str(server.set(database="nowhere"))))
    owner = Database(postgres_url)
    with owner.transaction() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS guest")
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
        connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    owner.close()
    assert "GRANT CREATE, USAGE ON SCHEMA public TO guest" in _use(Database(str(server.set(username="guest"))))


def test_a_text_that_postgresql_cannot_keep_is_its_senders_fault(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(InputError, match="NUL"), database.reading() as connection:
        connection.execute(sa.select(sa.literal("run\x00")))
    database.close()


def test_a_database_that_went_away_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    Engine.create(tmp_path)
    with Engine.open(tmp_path) as engine:
        engine.profiles.build()
    (tmp_path / "data" / "shop.db").unlink()
    with pytest.raises(StorageError, match="put it back"):
        Engine.open(tmp_path)
    assert not (tmp_path / "data" / "shop.db").exists()


def test_the_command_line_says_what_a_folder_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["zhanggui", "init", "/sys/zhanggui"])  # closed to root, too
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert "/sys/zhanggui cannot be used" in capsys.readouterr().err
