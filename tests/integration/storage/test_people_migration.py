"""A shop of before persons were known keeps what it knew: links, addresses, consents, events."""

from datetime import UTC, datetime

import sqlalchemy as sa

from old_databases import migrate_to
from zhanggui.profiles import identity
from zhanggui.profiles.consent import granted
from zhanggui.storage import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MICRO = int(NOW.timestamp()) * 1_000_000


def test_an_old_shop_keeps_its_links_addresses_and_consents(empty_database: Database) -> None:
    database = empty_database
    migrate_to(database, "0011_suppressed_numbers")
    with database.transaction() as connection:
        for table, rows in {
            "identities": [("guest", "ann", 1), ("dev", "guest", 2), ("x", "y", 5), ("y", "x", 4)],
            "contact_points": [("guest", "email", "Ann@Straße.example", MICRO)],
            "consents": [("guest", "email", "marketing", MICRO, True, "form", "Yes.", MICRO)],
        }.items():
            for row in rows:
                connection.execute(sa.text(f"INSERT INTO {table} VALUES ({', '.join(map(repr, row))})"))
    database.migrate()
    with database.reading() as connection:
        everybody = ["guest", "dev", "ann", "x", "y"]
        assert identity.persons_of(connection, everybody) == {
            "guest": "ann",
            "dev": "ann",
            "ann": "ann",
            "x": "y",
            "y": "y",
        }
        assert identity.device_owners(connection, ["guest"])["dev"] == {"ann": True}
        assert identity.addresses(connection, ["ann"], "email") == {"ann": "Ann@Straße.example"}
        assert identity.customers_at(connection, "email", "ann@strasse.example") == ["ann"]
        assert granted(connection, ["ann"], "email", "marketing", at=NOW) == {"ann"}
