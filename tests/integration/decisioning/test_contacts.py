from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import zhanggui.storage
from zhanggui.decisioning import contacts
from zhanggui.storage import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_suppressed_mailbox_is_suppressed_however_its_address_is_written(database: Database) -> None:
    with database.transaction() as connection:
        assert contacts.suppress(connection, channel="email", address="A@x.Example", reason="550", at=NOW)
        assert not contacts.suppress(connection, channel="email", address="a@X.example", reason="551", at=NOW)
        contacts.suppress(connection, channel="webhook", address="https://x.example/A", reason="410", at=NOW)
        asked = ["a@X.example", "A@x.Example", "b@x.example"]
        assert contacts.suppressed(connection, "email", asked) == {"a@X.example": "550", "A@x.Example": "550"}
        assert contacts.suppressed(connection, "webhook", ["https://x.example/a"]) == {}, "a path has its capitals"


def test_addresses_suppressed_before_are_found_after_the_migration(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(zhanggui.storage.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007_access")
        rows = [("Ö@x.example", "email", 2), ("ö@X.example", "email", 1), ("https://x.example/A", "webhook", 1)]
        connection.execute(
            sa.insert(contacts.suppressions),
            [{"address": a, "channel": c, "reason": str(n), "at": NOW.replace(day=n)} for a, c, n in rows],
        )
    database.migrate()
    with database.reading() as connection:
        assert contacts.suppressed(connection, "email", ["Ö@X.EXAMPLE"]) == {"Ö@X.EXAMPLE": "1"}
        assert contacts.suppressed(connection, "webhook", ["https://x.example/A"])
    database.close()
