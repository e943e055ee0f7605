"""Orders over HTTP, from the shop's own server."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request

from zhanggui.api.guard import Requires
from zhanggui.engine import Engine

router = APIRouter(prefix="/v1", tags=["orders"], dependencies=[Depends(Requires("server"))])


@router.post("/orders")
def orders(request: Request, rows: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
    """Take in orders, or what changed of them. Good rows are kept; the answer names each bad one and why."""
    engine: Engine = request.app.state.engine
    result = engine.service.put_orders(rows)
    return {
        "taken": result.taken,
        "rejected": [
            {"index": error.line, "field": error.field, "problem": error.problem, "hint": error.hint}
            for error in result.errors
        ],
    }
