"""Errors as problem+json (RFC 9457). The only place where an error of Zhanggui meets a status code."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from zhanggui.errors import (
    AccessError,
    ArtifactError,
    ConfigError,
    DeliveryError,
    FlowError,
    InputError,
    ModelError,
    NotFoundError,
    ScopeError,
    StorageError,
    ZhangguiError,
)

# The first that fits: special before general.
_STATUS: tuple[tuple[type[ZhangguiError], int, str], ...] = (
    (InputError, 422, "The data are not acceptable"),
    (ScopeError, 403, "The API key does not open this"),
    (AccessError, 401, "The API key is missing or unknown"),
    (NotFoundError, 404, "There is no such thing"),
    (ArtifactError, 409, "A stored version is missing or there already"),
    (FlowError, 409, "The run or flow stands still"),
    (ModelError, 503, "The language model does not answer"),
    (DeliveryError, 503, "A channel is not set up"),
    (StorageError, 503, "The store is busy or failed"),
    (ConfigError, 409, "The shop's settings stand in the way"),
    (ZhangguiError, 500, "Something is set up wrongly"),
)
_TEXT = {"type": "string"}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong (RFC 9457)",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": _TEXT,
                        "title": _TEXT,
                        "status": {"type": "integer"},
                        "detail": _TEXT,
                        "field": _TEXT | {"description": "Where the data are wrong"},
                        "hint": _TEXT | {"description": "What to do"},
                        "errors": {
                            "type": "array",
                            "items": {"type": "object", "properties": {"field": _TEXT, "problem": _TEXT}},
                            "description": "Of a request that is not formed as it must be, each fault",
                        },
                    },
                }
            }
        },
    }
}
"""Of every route, for its description: `problem` is what any of them answers that it does not answer itself."""


def problem(
    status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """One problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **extra}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def problem_of(error: ZhangguiError) -> JSONResponse:
    """The problem document of an error raised on purpose."""
    status, title = next((status, title) for kind, status, title in _STATUS if isinstance(error, kind))
    headers = {"WWW-Authenticate": 'Basic realm="zhanggui"'} if status == 401 else None
    extra = {"field": error.field, "hint": error.hint} if isinstance(error, InputError) else {}
    return problem(status, title, str(error), headers=headers, **extra)


def add_handlers(app: FastAPI) -> None:
    """Turn every error into a problem document."""

    @app.exception_handler(ZhangguiError)
    async def ours(_request: Request, error: ZhangguiError) -> JSONResponse:
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"field": ".".join(map(str, one["loc"][1:])), "problem": one["msg"]} for one in error.errors()]
        return problem(422, "The data are not acceptable", "see `errors`", errors=errors)

    @app.exception_handler(HTTPException)
    async def framework(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), str(error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    async def ours_to_mend(_request: Request, _error: Exception) -> JSONResponse:
        return problem(500, "This is our mistake", "the server's log says more; nothing of this request was kept")
