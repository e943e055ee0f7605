"""API keys: made once, shown once, kept as SHA-256. Does not know HTTP or what a key opens.

A key has 256 random bits, so a fast hash is enough: there is no password to guess (NIST SP 800-63B, 5.1.2.2).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from zhanggui.errors import AccessError, NotFoundError, ScopeError
from zhanggui.storage.database import UtcTime, metadata

Scope = Literal["write", "admin"]
"""write: may send events, as a page's public write key does. admin: everything."""

_PREFIX = "zg_"

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("key_hash", sa.String(64), nullable=False),
    sa.Column("label", sa.String(200), nullable=False),
    sa.Column("scope", sa.String(16), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("revoked_at", UtcTime),
)


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What may be known of a key: never the key."""

    key_id: str
    label: str
    scope: Scope
    created_at: datetime
    revoked_at: datetime | None


def create(connection: sa.Connection, *, label: str, scope: Scope, now: datetime) -> str:
    """Make a key and return it; it is not stored and cannot be shown again."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"{_PREFIX}{key_id}_{secret}"
    connection.execute(
        sa.insert(api_keys).values(key_id=key_id, key_hash=_hash(key), label=label, scope=scope, created_at=now)
    )
    return key


def verify(connection: sa.Connection, key: str, *, scope: Scope) -> ApiKey:
    """Who this key belongs to. Raises AccessError when it is unknown or revoked, ScopeError when it is not for `scope`."""
    key_id = key[len(_PREFIX) :].partition("_")[0] if key.startswith(_PREFIX) else ""
    row = connection.execute(sa.select(api_keys).where(api_keys.c.key_id == key_id)).first()
    if row is None or not hmac.compare_digest(row.key_hash, _hash(key)) or row.revoked_at is not None:
        raise AccessError("this API key is unknown or revoked; `zhanggui key create` makes one")
    if row.scope not in (scope, "admin"):
        raise ScopeError(
            f"this API key may not do that: its scope is {row.scope!r}, {scope!r} is needed; "
            f"`zhanggui key create --scope {scope}` makes one"
        )
    return _key(row)


def revoke(connection: sa.Connection, key_id: str, *, now: datetime) -> None:
    """Close a key for good. Raises NotFoundError."""
    done = connection.execute(
        sa.update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    if done.rowcount == 0:
        raise NotFoundError(f"there is no open API key {key_id!r}")


def keys(connection: sa.Connection) -> list[ApiKey]:
    """Every key, oldest first."""
    return [_key(row) for row in connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at))]


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id, label=row.label, scope=row.scope, created_at=row.created_at, revoked_at=row.revoked_at
    )
