from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
import sqlalchemy as sa

from zhanggui.access import ApiKey, create, is_news, keys, note_server_use, revoke, scope_named, verify
from zhanggui.access.keys import Scope, api_keys
from zhanggui.errors import AccessError, ScopeError
from zhanggui.storage import Database

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_key_is_not_stored(database: Database) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope="write", now=NOW)
        stored = connection.execute(sa.select(api_keys)).mappings().one()
    secret = key.split("_", 2)[2]
    assert not any(secret in str(value) for value in stored.values())


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        ("write", {"write"}),
        ("chat", {"chat"}),
        ("server", {"write", "chat", "server"}),
        ("admin", {"write", "chat", "server", "admin"}),
    ],
)
def test_a_key_opens_what_its_scope_says(database: Database, scope: Scope, opens: set[Scope]) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope=scope, now=NOW)
        for wanted in get_args(Scope):
            if wanted in opens:
                assert verify(connection, key, scope=wanted).scope == scope
            else:
                with pytest.raises(ScopeError, match=f"--scope {wanted}"):
                    verify(connection, key, scope=wanted)


@pytest.mark.parametrize(("scope", "trust"), [("write", "write"), ("server", "server"), ("admin", "server")])
def test_what_comes_with_a_public_key_is_believed_less(database: Database, scope: Scope, trust: str) -> None:
    with database.transaction() as connection:
        key = create(connection, label="shop", scope=scope, now=NOW)
        assert verify(connection, key, scope="write").trust == trust


def test_a_scope_is_known_by_its_name() -> None:
    assert [scope_named(text) for text in ("write", "server", "admin", "Server", "")] == [
        "write",
        "server",
        "admin",
        None,
        None,
    ]


def key_used(database: Database, scope: Scope, *, at: datetime) -> ApiKey:
    """A key that a server sent with at a moment."""
    with database.transaction() as connection:
        owner = verify(connection, create(connection, label="shop", scope=scope, now=NOW), scope="write")
        note_server_use(connection, owner, now=at)
        return next(key for key in keys(connection) if key.key_id == owner.key_id)


def test_a_write_key_that_a_server_sends_with_is_told_of_for_thirty_days(database: Database) -> None:
    key = key_used(database, "write", at=NOW)
    with database.transaction() as connection:
        create(connection, label="another", scope="write", now=NOW)
        assert [other.server_use_at for other in keys(connection)].count(None) == 1
    assert key.may_be_a_servers(NOW + timedelta(days=30) - timedelta(microseconds=1))
    assert not key.may_be_a_servers(NOW + timedelta(days=30))
    assert not replace(key, revoked_at=NOW).may_be_a_servers(NOW)
    assert not replace(key, server_use_at=None).may_be_a_servers(NOW)


@pytest.mark.parametrize("scope", ["server", "admin"])
def test_a_servers_key_may_be_used_by_a_server(database: Database, scope: Scope) -> None:
    key = key_used(database, scope, at=NOW)
    assert not key.may_be_a_servers(NOW)
    assert not is_news(replace(key, server_use_at=None), now=NOW)


def test_a_use_by_a_server_is_noted_once_a_day(database: Database) -> None:
    key = key_used(database, "write", at=NOW)
    assert is_news(replace(key, server_use_at=None), now=NOW)
    assert not is_news(key, now=NOW + timedelta(days=1) - timedelta(microseconds=1))
    assert is_news(key, now=NOW + timedelta(days=1))


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
