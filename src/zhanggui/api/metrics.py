"""Counters in Prometheus' text format, also of what is refused before a route sees it. Knows routes by their pattern only."""

from collections.abc import Sequence
from time import perf_counter

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def add_metrics(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Count every request, by `routes`. To be called when all other middleware was added: the last one stands first."""
    registry = CollectorRegistry()
    requests = Counter(
        "zhanggui_http_requests",
        "Requests by route, method and status.",
        ["route", "method", "status"],
        registry=registry,
    )
    seconds = Histogram(
        "zhanggui_http_request_seconds", "Time to the end of the answer.", ["route", "method"], registry=registry
    )
    app.state.events = Counter("zhanggui_events", "Events by what became of them.", ["outcome"], registry=registry)

    @app.get("/metrics", tags=["operation"], include_in_schema=False)
    def metrics() -> Response:
        """Counters in Prometheus text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    app.add_middleware(_Measured, routes=routes, requests=requests, seconds=seconds)


class _Measured:
    """ASGI middleware: each request with its status, 500 for one that raised."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[BaseRoute], requests: Counter, seconds: Histogram) -> None:
        self._app, self._routes, self._requests, self._seconds = app, routes, requests, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status = status or 500  # which the server answers, outside of us
            raise
        finally:
            if status:  # else the client had gone before it had asked
                # Only what we know becomes a label: a scanner must not fill our memory with paths and methods.
                labels = _pattern(self._routes, scope), scope["method"] if scope["method"] in _METHODS else "other"
                self._seconds.labels(*labels).observe(perf_counter() - started)
                self._requests.labels(*labels, str(status)).inc()


def _pattern(routes: Sequence[BaseRoute], scope: Scope) -> str:
    """The pattern of the route that a request is for, also when it was refused on the way there."""
    route = scope.get("route") or next((one for one in routes if one.matches(scope)[0] is not Match.NONE), None)
    return str(getattr(route, "path_format", "unmatched"))
