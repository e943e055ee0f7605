"""`engine.keys`: the API keys of a shop's HTTP server."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zhanggui import access
from zhanggui.access import ApiKey
from zhanggui.access.keys import Scope
from zhanggui.storage import Database


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The API keys of a shop."""

    database: Database
    clock: Callable[[], datetime]

    def create(self, label: str, *, scope: Scope) -> str:
        """Make an API key; it is shown once."""
        with self.database.transaction() as connection:
            return access.create(connection, label=label, scope=scope, now=self.clock())

    def check(self, key: str, *, scope: Scope, from_page: bool = False) -> ApiKey:
        """Who a key belongs to. Raises AccessError for an unknown key, ScopeError for one that is not for `scope`.

        A write key that comes from elsewhere than a web page (`from_page`) may be a server's; that is kept for `check`.
        """
        now = self.clock()
        with self.database.reading() as connection:
            owner = access.verify(connection, key, scope=scope)
        if not from_page and access.is_news(owner, now=now):
            with self.database.transaction() as connection:
                access.note_server_use(connection, owner, now=now)
        return owner

    def all(self) -> list[ApiKey]:
        """Every API key, without the key."""
        with self.database.reading() as connection:
            return access.keys(connection)

    def of_servers(self) -> list[ApiKey]:
        """The open write keys that a server may send with: it should have a server key."""
        now = self.clock()
        return [key for key in self.all() if key.may_be_a_servers(now)]

    def revoke(self, key_id: str) -> None:
        """Close an API key. Raises NotFoundError."""
        with self.database.transaction() as connection:
            access.revoke(connection, key_id, now=self.clock())
