"""The Segment spec's HTTP source: any Segment client library can be pointed here.

Spec: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse

from zhanggui.api.guard import requires
from zhanggui.engine import Engine
from zhanggui.errors import EventError

router = APIRouter(prefix="/v1", tags=["events"], dependencies=[Depends(requires("write"))])
_Payload = Annotated[dict[str, Any], Body(description="A message of the Segment spec")]


@router.post("/batch")
def batch(request: Request, payload: _Payload) -> JSONResponse:
    """Take up to 500 KB of messages. Good ones are kept; the answer names each bad one and why."""
    messages = payload.get("batch")
    if not isinstance(messages, list):
        raise EventError("it is not a list", field="batch", hint='send {"batch": [message, …]}')
    shared = payload.get("context")
    if isinstance(shared, dict):
        messages = [
            {**one, "context": {**shared, **(one.get("context") or {})}} if isinstance(one, dict) else one
            for one in messages
        ]
    return _collect(request, messages, sent_at=payload.get("sentAt"))


@router.post("/identify")
@router.post("/track", name="track")
@router.post("/page", name="page")
@router.post("/screen", name="screen")
@router.post("/group", name="group")
@router.post("/alias", name="alias")
def identify(request: Request, payload: _Payload) -> JSONResponse:
    """Take one message."""
    kind = request.url.path.rsplit("/", 1)[1]
    return _collect(request, [{**payload, "type": kind}], sent_at=payload.get("sentAt"), single=True)


def _collect(
    request: Request, messages: list[Any], *, sent_at: datetime | str | None, single: bool = False
) -> JSONResponse:
    engine: Engine = request.app.state.engine
    result, errors = engine.collect(messages, sent_at=sent_at)
    counter = request.app.state.events
    for outcome, count in (("stored", result.stored), ("duplicate", result.duplicates), ("rejected", len(errors))):
        counter.labels(outcome).inc(count)
    if errors and (single or not (result.stored or result.duplicates)):
        raise errors[0]
    return JSONResponse({
        "success": True, "stored": result.stored, "duplicates": result.duplicates,
        "rejected": [{"index": error.line, "field": error.field, "problem": error.problem} for error in errors],
    })
