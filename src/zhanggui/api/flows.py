"""Flows that an event begins, such as an abandoned cart, over HTTP."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request

from zhanggui.api.campaigns import StopBody
from zhanggui.api.guard import Requires
from zhanggui.engine import Engine

router = APIRouter(prefix="/v1/flows", tags=["flows"], dependencies=[Depends(Requires("admin"))])


@router.get("")
def flows(request: Request) -> list[dict[str, Any]]:
    """Every flow, as it stands."""
    engine: Engine = request.app.state.engine
    return [asdict(flow) for flow in engine.flows.all()]


@router.put("/{name}")
def apply_flow(request: Request, name: str, definition: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Store a flow; a worker works it from now on. A changed definition becomes a new version."""
    engine: Engine = request.app.state.engine
    return asdict(engine.flows.apply({**definition, "name": name}))


@router.post("/{name}/pause", status_code=204)
def pause_flow(request: Request, name: str, body: StopBody | None = None) -> None:
    """Let nothing new begin, within a second."""
    engine: Engine = request.app.state.engine
    engine.flows.pause(name, reason=body.reason if body else "")


@router.post("/{name}/resume", status_code=204)
def resume_flow(request: Request, name: str) -> None:
    """Let a paused flow go on: a worker takes it up within seconds."""
    engine: Engine = request.app.state.engine
    engine.flows.resume(name)


@router.post("/{name}/cancel", status_code=204)
def cancel_flow(request: Request, name: str, body: StopBody | None = None) -> None:
    """End a flow for good; messages that wait are not sent."""
    engine: Engine = request.app.state.engine
    engine.flows.cancel(name, reason=body.reason if body else "")
