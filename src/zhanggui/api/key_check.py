"""Whose request it is: the key in its head, checked off the event loop; wrong ones are limited by address. Knows no body."""

import base64
import hashlib
from typing import Protocol

import anyio
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import Scope

from zhanggui.access import ApiKey
from zhanggui.access.keys import Scope as KeyScope
from zhanggui.access.neighbourhood import neighbourhood
from zhanggui.api.refused import RefusedError
from zhanggui.config import ApiSettings
from zhanggui.errors import AccessError, ScopeError

_AT_A_TIME = 4
_SLOWER = {"Retry-After": "60"}


class Check(Protocol):
    """Says whose key it is. Raises AccessError, and ScopeError for one that is not for `scope`."""

    def __call__(self, key: str, *, scope: KeyScope, from_page: bool) -> ApiKey:
        """`from_page`: whether a web page sent it."""
        ...


class KeyCheck:
    """Checks keys, in threads of its own: slow requests of others do not hold it up."""

    def __init__(self, check: Check, limits: ApiSettings) -> None:
        self._check = check
        self._rate = RateLimitItemPerMinute(limits.requests_per_minute)
        self._wrong_rate = RateLimitItemPerMinute(limits.wrong_keys_per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._threads = anyio.CapacityLimiter(_AT_A_TIME)
        self._good: set[str] = set()
        """Hashes of keys that were good when they last came: who sends one is not slowed down for a neighbour."""

    async def owner(self, scope: Scope, needed: KeyScope) -> ApiKey:
        """The key that a request may use. Raises AccessError, ScopeError, and RefusedError when it is one too many."""
        headers = Headers(scope=scope)
        key = presented(headers.get("authorization", ""))
        if not key:
            raise AccessError("send an API key: as the Basic user name or as a Bearer token")
        address = neighbourhood(scope["client"][0]) if scope.get("client") else ""
        return await anyio.to_thread.run_sync(
            self._owner, key, needed, "origin" in headers, address, limiter=self._threads
        )

    def _owner(self, key: str, needed: KeyScope, from_page: bool, address: str) -> ApiKey:
        digest = hashlib.sha256(key.encode()).hexdigest()
        if digest not in self._good and not self._limiter.test(self._wrong_rate, "wrong", address):
            raise _too_many_wrong()
        try:
            owner = self._check(key, scope=needed, from_page=from_page)
        except ScopeError:
            raise
        except AccessError:
            self._good.discard(digest)
            if not self._limiter.hit(self._wrong_rate, "wrong", address):
                raise _too_many_wrong() from None
            raise
        self._good.add(digest)
        if not self._limiter.hit(self._rate, "key", owner.key_id):
            raise RefusedError(429, "Too many requests", "with this API key; slow down", headers=_SLOWER)
        return owner


def _too_many_wrong() -> RefusedError:
    return RefusedError(429, "Too many wrong API keys", "from this address; wait a minute", headers=_SLOWER)


def presented(authorization: str) -> str:
    """The API key of an Authorization header: a Bearer token, or a Basic user name. "" when there is none."""
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        user, colon, _ = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except ValueError:  # no base64, or no text in it
        return ""
    return user if colon else ""
