"""A shop of before server keys: its write keys stay, and may be a server's."""

from datetime import UTC, datetime

import sqlalchemy as sa

from old_databases import migrate_to
from zhanggui import access
from zhanggui.storage import Database


def test_an_old_write_key_stays_and_may_be_a_servers(empty_database: Database) -> None:
    database = empty_database
    migrate_to(database, "0014_flows")
    with database.transaction() as connection:
        for key_id, scope in (("a", "write"), ("b", "admin")):
            connection.execute(
                sa.text(f"INSERT INTO api_keys VALUES ('{key_id}', 'hash', 'label', '{scope}', 5, NULL)")
            )
    database.migrate()
    now = datetime.now(UTC)
    with database.reading() as connection:
        keys = {key.key_id: key for key in access.keys(connection)}
    assert {key_id: (key.scope, key.may_be_a_servers(now)) for key_id, key in keys.items()} == {
        "a": ("write", True),
        "b": ("admin", False),
    }
    assert keys["b"].server_use_at is None
