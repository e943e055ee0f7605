"""The tools over HTTP (streamable, without sessions) and `/.well-known/ucp`, in front of another application. Needs no key:
what is read here is public, and an order needs proof. Each address has so many requests a minute.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from zhanggui.access.neighbourhood import neighbourhood
from zhanggui.engine import Engine
from zhanggui.mcp import ucp
from zhanggui.mcp.server import create_server

ENDPOINT, PROFILE = "/mcp", "/.well-known/ucp"
_LARGEST = 64 * 1024
"""A request names a few words and identifiers."""


def with_tools(engine: Engine, app: Starlette) -> Starlette:
    """`app` with the tools in front of it. Raises ConfigError where the library `mcp` is not installed."""
    server = create_server(engine)
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    sessions = StreamableHTTPSessionManager(server, json_response=True, stateless=True, max_request_body_size=_LARGEST)
    # Starlette takes a class or an instance for an ASGI application, and a function for one of requests.
    tools = _Limited(sessions.handle_request, per_minute=engine.config.api.assistant_requests_per_minute)

    async def profile(_request: Request) -> Response:
        endpoint = engine.config.shop.public_url.rstrip("/") + ENDPOINT
        return JSONResponse(ucp.profile(endpoint), headers={"Cache-Control": "public, max-age=300"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))
            await stack.enter_async_context(sessions.run())
            yield

    routes = [Route(ENDPOINT, tools), Route(PROFILE, profile), Mount("/", app)]
    return Starlette(routes=routes, lifespan=lifespan)


class _Limited:
    """An application that answers so many requests a minute from one address."""

    def __init__(self, app: ASGIApp, *, per_minute: int) -> None:
        self._app, self._rate = app, RateLimitItemPerMinute(per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = neighbourhood(scope["client"][0]) if scope.get("client") else ""
        if not self._limiter.hit(self._rate, address):
            answer = PlainTextResponse("too many requests from this address", 429, headers={"Retry-After": "60"})
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)
