from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import zhanggui.storage
from zhanggui.storage import Database
from zhanggui.touches import contacts

NOW, LATER = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def test_a_suppressed_mailbox_is_suppressed_however_its_address_is_written(database: Database) -> None:
    with database.transaction() as connection:
        assert contacts.suppress(connection, channel="email", address="A@x.Example", reason="550", at=NOW)
        assert not contacts.suppress(connection, channel="email", address="a@X.example", reason="551", at=NOW)
        contacts.suppress(connection, channel="webhook", address="https://x.example/A", reason="410", at=NOW)
        asked = ["a@X.example", "A@x.Example", "b@x.example"]
        assert contacts.suppressed(connection, "email", asked) == {"a@X.example": "550", "A@x.Example": "550"}
        assert contacts.suppressed(connection, "webhook", ["https://x.example/a"]) == {}, "a path has its capitals"


def test_a_suppressed_telephone_number_is_suppressed_however_it_is_written(database: Database) -> None:
    forms = ["+86 138-0013-8000", "008613800138000", "+86 (138) 0013.8000", "＋８６ 13800138000"]
    with database.transaction() as connection:
        assert contacts.suppress(connection, channel="sms", address="+8613800138000", reason="stop", at=NOW)
        assert not contacts.suppress(connection, channel="sms", address=forms[0], reason="again", at=LATER)
        assert set(contacts.suppressed(connection, "sms", [*forms, "+86 138-0013-8001"])) == set(forms)
        assert contacts.lift(connection, channel="sms", address=forms[1], reason="hers", at=LATER, by="Li")


def test_a_suppression_can_be_lifted_and_its_record_stays(database: Database) -> None:
    mailbox = {"channel": "email", "address": "A@x.example"}
    with database.transaction() as connection:
        contacts.suppress(connection, **mailbox, reason="550 no such user", at=NOW)
        assert not contacts.suppress(connection, **mailbox, reason="again", at=NOW, by="Li")
        assert contacts.lift(connection, channel="email", address="a@X.example", reason="new owner", at=LATER, by="Li")
        assert not contacts.lift(connection, **mailbox, reason="again", at=LATER, by="Li")
        assert contacts.suppressed(connection, "email", ["A@x.example"]) == {}
        told = [
            (one.suppressed, one.reason, one.by)
            for one in contacts.changes(connection, channel="email", address="a@x.example")
        ]
    assert told == [(False, "new owner", "Li"), (True, "550 no such user", contacts.BY_DELIVERY)]


def test_addresses_suppressed_before_are_found_after_the_migration(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(zhanggui.storage.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with database.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007_access")
        rows = [
            ("Ö@x.example", "email", 2),
            ("ö@X.example", "email", 1),
            ("https://x.example/A", "webhook", 1),
            ("+86 138", "sms", 2),
            ("+86-138", "sms", 1),
        ]
        connection.execute(
            sa.insert(contacts.suppressions),
            [{"address": a, "channel": c, "reason": str(n), "at": NOW.replace(day=n)} for a, c, n in rows],
        )
    database.migrate()
    with database.reading() as connection:
        assert contacts.suppressed(connection, "email", ["Ö@X.EXAMPLE"]) == {"Ö@X.EXAMPLE": "1"}
        assert contacts.suppressed(connection, "webhook", ["https://x.example/A"])
        assert [one.reason for one in contacts.changes(connection, channel="email", address="Ö@x.example")] == ["1"]
        assert contacts.suppressed(connection, "sms", ["+86138"]) == {"+86138": "1"}
        assert [one.reason for one in contacts.changes(connection, channel="sms", address="+86138")] == ["2", "1"]
    database.close()
