from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from zhanggui.access import create, keys, revoke, verify
from zhanggui.access.keys import api_keys
from zhanggui.errors import AccessError, ScopeError
from zhanggui.storage import Database

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_key_is_not_stored(database: Database) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope="write", now=NOW)
        stored = connection.execute(sa.select(api_keys)).mappings().one()
    secret = key.split("_", 2)[2]
    assert not any(secret in str(value) for value in stored.values())


def test_a_write_key_opens_writing_only(database: Database) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope="write", now=NOW)
        assert verify(connection, key, scope="write").label == "shop"
        with pytest.raises(ScopeError, match="scope"):
            verify(connection, key, scope="admin")


def test_an_admin_key_opens_everything(database: Database) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope="admin", now=NOW)
        assert verify(connection, key, scope="write") == verify(connection, key, scope="admin")


@pytest.mark.parametrize("change", [lambda key: key + "x", lambda key: key[:-1], lambda key: "", lambda key: "zg__"])
def test_a_wrong_key_opens_nothing(database: Database, change) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope="admin", now=NOW)
        with pytest.raises(AccessError, match="unknown"):
            verify(connection, change(key), scope="write")


def test_a_revoked_key_opens_nothing(database: Database) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope="admin", now=NOW)
        revoke(connection, keys(connection)[0].key_id, now=NOW)
        with pytest.raises(AccessError, match="revoked"):
            verify(connection, key, scope="write")
