"""Builds the HTTP application around one engine: routes by noun, problems, limits, health and metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.middleware.base import RequestResponseEndpoint

from zhanggui.api import campaigns, customers, segment, unsubscribe
from zhanggui.api.guard import BodyLimit, new_limiter
from zhanggui.api.problems import add_handlers, problem
from zhanggui.engine import Engine
from zhanggui.errors import ZhangguiError


def create_app(engine: Engine) -> FastAPI:
    """The application. The caller owns `engine` and closes it after the server has stopped."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        engine.wait_for_runs()

    app = FastAPI(
        title="Zhanggui",
        summary="An AI marketing engine that a shop runs itself.",
        version=engine.version,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.engine = engine
    app.state.limiter = new_limiter()
    add_handlers(app)
    for room in (segment, customers, campaigns, unsubscribe):
        app.include_router(room.router)
    _add_health(app, engine)
    _add_metrics(app)
    app.add_middleware(BodyLimit, limit=engine.config.api.max_body_bytes)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _add_health(app: FastAPI, engine: Engine) -> None:
    @app.get("/healthz", tags=["operation"])
    def healthz() -> Response:
        """Whether the database answers."""
        try:
            engine.check_health()
        except ZhangguiError as error:
            return problem(503, "The store does not answer", str(error))
        return JSONResponse({"status": "ok", "version": engine.version})


def _add_metrics(app: FastAPI) -> None:
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

    @app.middleware("http")
    async def measure(request: Request, call_next: RequestResponseEndpoint) -> Response:
        started = perf_counter()
        response = await call_next(request)
        # Only known routes become labels: a scanner must not fill our memory with paths.
        route = getattr(request.scope.get("route"), "path", "unmatched")
        seconds.labels(route, request.method).observe(perf_counter() - started)
        requests.labels(route, request.method, str(response.status_code)).inc()
        return response

    @app.get("/metrics", tags=["operation"], include_in_schema=False)
    def metrics() -> Response:
        """Counters in Prometheus text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
