"""API keys: made once, shown once, kept as SHA-256. Does not know HTTP or what a key opens.

A key has 256 random bits, so a fast hash is enough: there is no password to guess (NIST SP 800-63B, 5.1.2.2).
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from zhanggui.errors import AccessError, NotFoundError, ScopeError
from zhanggui.storage.database import UtcTime, metadata

Scope = Literal["write", "chat", "server", "admin"]
"""write: sends events, and is public: web pages and apps carry it. chat: talks with the assistant, and is public too.
server: sends events that the shop's own programs vouch for, talks, and searches products. admin: everything."""

_OPENS: Mapping[str, tuple[Scope, ...]] = {
    "write": ("write",),
    "chat": ("chat",),
    "server": ("write", "chat", "server"),
    "admin": ("write", "chat", "server", "admin"),
}
_SEEN_EVERY = timedelta(days=1)
_REMEMBERED = timedelta(days=30)
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
    sa.Column("server_use_at", UtcTime),
)


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """What may be known of a key: never the key."""

    key_id: str
    label: str
    scope: Scope
    created_at: datetime
    revoked_at: datetime | None
    server_use_at: datetime | None = None
    """Of a write key: when something other than a web page last sent with it, to the day."""

    @property
    def trust(self) -> Literal["write", "server"]:
        """How far events that came with this key are believed: what a public key sends, anybody may have sent."""
        return "write" if self.scope in ("write", "chat") else "server"

    def may_be_a_servers(self, now: datetime) -> bool:
        """Whether it is a write key that something other than a web page has sent with lately."""
        lately = self.server_use_at is not None and now - self.server_use_at < _REMEMBERED
        return self.scope == "write" and self.revoked_at is None and lately


def scope_named(text: str) -> Scope | None:
    """The scope that is called `text`, if there is one."""
    return next((scope for scope in _OPENS["admin"] if scope == text), None)


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
    if scope not in _OPENS.get(row.scope, ()):
        raise ScopeError(
            f"this API key may not do that: its scope is {row.scope!r}, {scope!r} is needed; "
            f"`zhanggui key create --scope {scope}` makes one"
        )
    return _key(row)


def note_server_use(connection: sa.Connection, key: ApiKey, *, now: datetime) -> None:
    """Remember that something other than a web page sent with a write key."""
    connection.execute(sa.update(api_keys).where(api_keys.c.key_id == key.key_id).values(server_use_at=now))


def is_news(key: ApiKey, *, now: datetime) -> bool:
    """Whether a use of `key` by a server is to be noted: once a day is enough."""
    return key.scope == "write" and (key.server_use_at is None or now - key.server_use_at >= _SEEN_EVERY)


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
        key_id=row.key_id,
        label=row.label,
        scope=row.scope,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        server_use_at=row.server_use_at,
    )
