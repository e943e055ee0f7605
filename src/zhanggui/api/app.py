"""Builds the HTTP application around one engine: routes by noun, problems, limits, health and metrics."""

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from zhanggui.api import campaigns, conversations, customers, flows, orders, search, segment, unsubscribe
from zhanggui.api.chat_limits import ChatLimits, ChatOrigins
from zhanggui.api.connection import HEALTH
from zhanggui.api.guard import Guard
from zhanggui.api.health import Health
from zhanggui.api.metrics import add_metrics
from zhanggui.api.problems import RESPONSES, add_handlers, problem
from zhanggui.api.refused import add_handler
from zhanggui.engine import Engine


def create_app(engine: Engine) -> FastAPI:
    """The application. The caller owns `engine` and closes it after the server has stopped."""

    app = FastAPI(
        title="Zhanggui",
        summary="An AI marketing engine that a shop runs itself.",
        version=engine.version,
        responses=RESPONSES,
        generate_unique_id_function=_operation_id,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.engine = engine
    app.state.chat_limits = ChatLimits(engine.config.conversation)
    add_handlers(app)
    add_handler(app)
    rooms = (
        segment.router,
        search.router,
        customers.router,
        campaigns.router,
        flows.router,
        orders.router,
        conversations.router,
        unsubscribe.router,
    )
    for room in rooms:
        app.include_router(room)
    _add_health(app, engine)
    routes = [route for room in rooms for route in room.routes]
    app.add_middleware(Guard, routes=routes, check=engine.keys.check, limits=engine.config.api)
    app.add_middleware(ChatOrigins, settings=engine.config.conversation)
    add_metrics(app, routes)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _add_health(app: FastAPI, engine: Engine) -> None:
    health = Health(engine.check_health)

    @app.get(HEALTH, tags=["operation"])
    async def healthz() -> Response:
        """Whether the database answers."""
        if trouble := await health.trouble():
            return problem(503, "The store does not answer", trouble)
        return JSONResponse({"status": "ok", "version": engine.version})
