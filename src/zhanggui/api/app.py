"""Builds the HTTP application around one engine: routes by noun, problems, limits, health and metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from zhanggui.api import campaigns, customers, segment, unsubscribe
from zhanggui.api.guard import BodyLimit, new_limiter
from zhanggui.api.metrics import add_metrics
from zhanggui.api.problems import RESPONSES, add_handlers, problem
from zhanggui.engine import Engine
from zhanggui.errors import ZhangguiError


def create_app(engine: Engine) -> FastAPI:
    """The application. The caller owns `engine` and closes it after the server has stopped."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        engine.runs.wait()

    app = FastAPI(
        title="Zhanggui",
        summary="An AI marketing engine that a shop runs itself.",
        version=engine.version,
        lifespan=lifespan,
        responses=RESPONSES,
        generate_unique_id_function=_operation_id,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.engine = engine
    app.state.limiter = new_limiter()
    add_handlers(app)
    rooms = (segment.router, customers.router, campaigns.router, unsubscribe.router)
    for room in rooms:
        app.include_router(room)
    _add_health(app, engine)
    app.add_middleware(BodyLimit, limit=engine.config.api.max_body_bytes)
    add_metrics(app, [route for room in rooms for route in room.routes])
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
