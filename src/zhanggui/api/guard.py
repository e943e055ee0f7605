"""What stands before every route: body size, request rate, API key. Knows no route."""

import gzip
import io
import zlib
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zhanggui.access import ApiKey
from zhanggui.access.keys import Scope as KeyScope
from zhanggui.api.problems import problem
from zhanggui.engine import Engine
from zhanggui.errors import AccessError

_basic = HTTPBasic(auto_error=False, description="The API key as the user name, no password (as Segment's clients do)")
_bearer = HTTPBearer(auto_error=False)


def requires(scope: KeyScope) -> Callable[..., ApiKey]:
    """A dependency that lets only keys of `scope` in, and each at most `api.requests_per_minute` times a minute."""

    def check(
        request: Request,
        basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> ApiKey:
        key = bearer.credentials if bearer else basic.username if basic else ""
        if not key:
            raise AccessError("send an API key: as the Basic user name or as a Bearer token")
        engine: Engine = request.app.state.engine
        owner = engine.keys.check(key, scope=scope)
        limiter: MovingWindowRateLimiter = request.app.state.limiter
        limit = RateLimitItemPerMinute(engine.config.api.requests_per_minute)
        if not limiter.hit(limit, owner.key_id):
            raise HTTPException(429, "too many requests; slow down", headers={"Retry-After": "60"})
        return owner

    return check


def new_limiter() -> MovingWindowRateLimiter:
    """A limiter that counts in this process."""
    return MovingWindowRateLimiter(MemoryStorage())


class BodyLimit:
    """ASGI middleware: refuses bodies over `limit` bytes, and unpacks gzip to at most as much (no zip bombs)."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body = bytearray()
        more = True
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return
            body += part.get("body", b"")
            more = part.get("more_body", False)
            if len(body) > self._limit:
                await problem(413, "The body is too large", f"at most {self._limit} bytes")(scope, receive, send)
                return
        if headers.get(b"content-encoding", b"").strip().lower() == b"gzip":
            try:
                body = bytearray(_unpack(bytes(body), self._limit))
            except (OSError, EOFError, zlib.error):
                await problem(400, "The body is not gzip", "its Content-Encoding says so")(scope, receive, send)
                return
            except OverflowError:
                detail = f"at most {self._limit} bytes after unpacking"
                await problem(413, "The body is too large", detail)(scope, receive, send)
                return
            kept = [
                (key, value) for key, value in scope["headers"] if key not in (b"content-encoding", b"content-length")
            ]
            scope = {**scope, "headers": [*kept, (b"content-length", str(len(body)).encode())]}

        sent = False

        async def whole() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, whole, send)


def _unpack(body: bytes, limit: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
        unpacked = file.read(limit + 1)
    if len(unpacked) > limit:
        raise OverflowError
    return unpacked
