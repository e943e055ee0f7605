"""What stands before every route: first the API key, then the body. A route says by `Requires` which key opens it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from zhanggui.access import ApiKey
from zhanggui.access.keys import Scope as KeyScope
from zhanggui.api.body import Bodies, replay
from zhanggui.api.key_check import Check, KeyCheck
from zhanggui.api.problems import problem_of
from zhanggui.api.refused import RefusedError
from zhanggui.config import ApiSettings
from zhanggui.errors import AccessError, ZhangguiError

_basic = HTTPBasic(auto_error=False, description="The API key as the user name, no password (as Segment's clients do)")
_bearer = HTTPBearer(auto_error=False)
_BODILESS = ("GET", "HEAD", "OPTIONS")


class Requires:
    """A dependency: only keys of `scope` are let in. The guard has checked that already; a route gets whose key it is."""

    def __init__(self, scope: KeyScope) -> None:
        self.scope = scope

    def __call__(
        self,
        request: Request,
        _basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> ApiKey:
        """The key of this request. Raises AccessError where no guard stands."""
        owner = getattr(request.state, "api_key", None)
        if not isinstance(owner, ApiKey):
            raise AccessError("nobody has checked the API key of this request")
        return owner


class Guard:
    """ASGI middleware: a route that requires a key gets requests with a good one only, and their bodies whole.

    The key is checked before the body is read. A route that requires none gets no body.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute], check: Check, limits: ApiSettings) -> None:
        self._app, self._routes = app, routes
        self._keys, self._bodies = KeyCheck(check, limits), Bodies(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        needed = self._needed(scope)
        if needed is None:
            await self._app(scope, replay(b"", receive), send)
            return
        with self._bodies.share() as take:
            try:
                scope.setdefault("state", {})["api_key"] = await self._keys.owner(scope, needed)
                bodiless = scope["method"] in _BODILESS
                body = b"" if bodiless else await self._bodies.read(scope, receive, take)
            except (RefusedError, ZhangguiError) as error:
                await _answer(error, scope)(scope, receive, send)
                return
            if body is not None:
                await self._app(scope, replay(body, receive), send)

    def _needed(self, scope: Scope) -> KeyScope | None:
        """Which key opens the route that a request is for; None when no key is needed, or there is no such route."""
        route = next((route for route in self._routes if route.matches(scope)[0] is Match.FULL), None)
        return scope_of(route) if route else None


def scope_of(route: BaseRoute) -> KeyScope | None:
    """The scope that a route requires of a key, if any."""
    needs = route.dependencies if isinstance(route, APIRoute) else []
    return next((need.dependency.scope for need in needs if isinstance(need.dependency, Requires)), None)


def _answer(error: RefusedError | ZhangguiError, scope: Scope) -> Response:
    answer = error.answer if isinstance(error, RefusedError) else problem_of(error)
    # Parsing the chunks of a body only to drop them costs too much; one that announced its length is read past.
    if any(name == b"transfer-encoding" for name, _ in scope["headers"]):
        answer.headers["Connection"] = "close"
    return answer
