"""A request that is refused before its route does anything."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from zhanggui.api.problems import problem


class RefusedError(Exception):
    """Why a request is not let in; `answer` is what the client hears."""

    def __init__(self, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(title)
        self.answer = problem(status, title, detail, headers=headers)


def add_handler(app: FastAPI) -> None:
    """Let a route refuse a request."""

    @app.exception_handler(RefusedError)
    async def refused(_request: Request, error: RefusedError) -> JSONResponse:
        return error.answer
