"""Campaigns, decisions, words and reports over HTTP."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from zhanggui.api.guard import Requires
from zhanggui.catalog.product import Language
from zhanggui.engine import Engine

router = APIRouter(prefix="/v1", tags=["campaigns"], dependencies=[Depends(Requires("admin"))])


class AskBody(BaseModel):
    """Which campaign, for whom, as of when."""

    model_config = ConfigDict(extra="forbid")
    campaign: str
    customer_ids: list[str] = Field(min_length=1, max_length=10_000)
    moment: datetime | None = Field(default=None, description="Default: the campaign's start, or now")


class TestBody(BaseModel):
    """Where a test message goes, and whom it is written for."""

    model_config = ConfigDict(extra="forbid")
    to: str
    channel: str | None = Field(default=None, description="Default: the campaign's first")
    customer_id: str | None = Field(default=None, description="As this customer would read it; default: as a stranger")


class RunBody(BaseModel):
    """The moment of a run."""

    model_config = ConfigDict(extra="forbid")
    moment: datetime | None = Field(default=None, description="Default: the campaign's start, or now")


class StopBody(BaseModel):
    """Why something is stopped."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", description="For whoever looks at it later")


@router.get("/campaigns")
def campaigns(request: Request) -> list[dict[str, Any]]:
    """Every campaign, as it stands."""
    engine: Engine = request.app.state.engine
    return [asdict(campaign) for campaign in engine.campaigns.all()]


@router.put("/campaigns/{name}")
def apply_campaign(request: Request, name: str, definition: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Store a campaign; a changed definition becomes a new version."""
    engine: Engine = request.app.state.engine
    return asdict(engine.campaigns.apply({**definition, "name": name}))


@router.post("/decisions")
def decisions(request: Request, ask: AskBody, language: Annotated[Language, Query()] = "en") -> list[dict[str, Any]]:
    """What the campaign would do for these customers and why. Nothing is logged or sent."""
    engine: Engine = request.app.state.engine
    explained = engine.campaigns.explain(ask.campaign, ask.customer_ids, moment=ask.moment, language=language)
    return [asdict(decision) for decision in explained]


@router.post("/messages")
def messages(request: Request, ask: AskBody) -> list[dict[str, Any]]:
    """The messages that these customers would get, with their proof records. Nothing is sent."""
    engine: Engine = request.app.state.engine
    preview = engine.campaigns.preview(ask.campaign, ask.customer_ids, moment=ask.moment)
    return [asdict(message) for message in preview.messages]


@router.post("/campaigns/{name}/test")
def send_test(request: Request, name: str, body: TestBody) -> dict[str, Any]:
    """Send one real message to an address of the operator's, marked as a test. It needs no consent and counts nowhere."""
    engine: Engine = request.app.state.engine
    return asdict(engine.campaigns.test(name, **body.model_dump()))


@router.post("/campaigns/{name}/runs", status_code=202)
def run_campaign(request: Request, name: str, body: RunBody | None = None) -> dict[str, Any]:
    """Start a run in the background; the same campaign version for the same moment is the same run."""
    engine: Engine = request.app.state.engine
    return {"run_id": engine.runs.start(name, moment=body.moment if body else None)}


@router.get("/runs/{run_id}")
def run(request: Request, run_id: str) -> dict[str, Any]:
    """How far a run is: `state` is running, waiting, done, failed, paused or cancelled, and `reason` says why."""
    engine: Engine = request.app.state.engine
    return asdict(engine.runs.status(run_id))


@router.post("/campaigns/{which}/pause")
@router.post("/runs/{which}/pause", name="pause_run")
def pause(request: Request, which: str, body: StopBody | None = None) -> dict[str, list[str]]:
    """Let nothing new begin of a run, or of all runs of a campaign, within a second."""
    engine: Engine = request.app.state.engine
    return {"paused": engine.runs.pause(which, reason=body.reason if body else "")}


@router.post("/campaigns/{which}/resume")
@router.post("/runs/{which}/resume", name="resume_run")
def resume(request: Request, which: str) -> dict[str, list[str]]:
    """Let a paused run, or all paused runs of a campaign, go on: a worker takes them up within seconds."""
    engine: Engine = request.app.state.engine
    return {"resumed": engine.runs.resume(which)}


@router.post("/campaigns/{which}/cancel")
@router.post("/runs/{which}/cancel", name="cancel_run")
def cancel(request: Request, which: str, body: StopBody | None = None) -> dict[str, list[str]]:
    """End a run, or all runs of a campaign, for good; messages that wait are not sent."""
    engine: Engine = request.app.state.engine
    return {"cancelled": engine.runs.cancel(which, reason=body.reason if body else "")}


@router.get("/runs/{run_id}/dead")
def dead(request: Request, run_id: str) -> list[dict[str, Any]]:
    """The messages of a run that could not be delivered, each with its reason."""
    engine: Engine = request.app.state.engine
    return [asdict(letter) for letter in engine.runs.dead(run_id)]


@router.post("/runs/{run_id}/dead/requeue", status_code=202)
def requeue(request: Request, run_id: str) -> dict[str, int]:
    """Make the dead letters of a run due again: `zhanggui serve` sends them within seconds."""
    engine: Engine = request.app.state.engine
    return {"requeued": engine.runs.requeue(run_id)}


@router.get("/reports/{run_id}")
def report(request: Request, run_id: str) -> dict[str, Any]:
    """The report of a run, as of now."""
    engine: Engine = request.app.state.engine
    return engine.runs.report(run_id).to_json()
