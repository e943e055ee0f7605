"""The Segment spec's HTTP source: any Segment client library can be pointed here.

Spec: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse

from zhanggui.access import ApiKey
from zhanggui.api.guard import Requires
from zhanggui.engine import Engine

_sender = Requires("write")
router = APIRouter(prefix="/v1", tags=["events"], dependencies=[Depends(_sender)])
_Key = Annotated[ApiKey, Depends(_sender)]
_Payload = Annotated[dict[str, Any], Body(description="A message of the Segment spec")]


@router.post("/batch")
def batch(request: Request, payload: _Payload, key: _Key) -> JSONResponse:
    """Take up to 500 KB of messages. Good ones are kept; the answer names each bad one and why."""
    return _collect(request, payload, key)


@router.post("/identify")
@router.post("/track", name="track")
@router.post("/page", name="page")
@router.post("/screen", name="screen")
@router.post("/group", name="group")
@router.post("/alias", name="alias")
def identify(request: Request, payload: _Payload, key: _Key) -> JSONResponse:
    """Take one message."""
    kind = request.url.path.rsplit("/", 1)[1]
    return _collect(request, {"batch": [{**payload, "type": kind}], "sentAt": payload.get("sentAt")}, key, single=True)


def _collect(request: Request, batch: dict[str, Any], key: ApiKey, *, single: bool = False) -> JSONResponse:
    engine: Engine = request.app.state.engine
    result = engine.events.collect(batch, trust=key.trust)
    errors = result.errors
    counter = request.app.state.events
    for outcome, count in (("stored", result.stored), ("duplicate", result.duplicates), ("rejected", len(errors))):
        counter.labels(outcome).inc(count)
    if errors and (single or not (result.stored or result.duplicates)):
        raise errors[0]
    return JSONResponse(
        {
            "success": True,
            "stored": result.stored,
            "duplicates": result.duplicates,
            "rejected": [{"field": error.field, "problem": error.problem} for error in errors],
        }
    )
