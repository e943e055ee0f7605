"""Customers, their consents and the catalogue over HTTP."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from zhanggui.access import ApiKey
from zhanggui.api.guard import Requires
from zhanggui.engine import Engine
from zhanggui.touches.suppression import in_words

_admin = Requires("admin")
router = APIRouter(prefix="/v1", dependencies=[Depends(_admin)])


class ConsentBody(BaseModel):
    """A consent given or withdrawn, with its proof."""

    model_config = ConfigDict(extra="forbid")
    channel: str = Field(description='A channel\'s name; "*" for personalisation')
    purpose: str = Field(description="marketing or personalisation")
    granted: bool
    at: datetime = Field(description="When she said so")
    how: str = Field(description="Where and how: a form, a call, a counter")
    text: str = Field(description="The words that she agreed to")
    address: str = Field(default="", description="The address that was named, if one was")


@router.get("/customers/{customer_id}", tags=["customers"])
def customer(request: Request, customer_id: str) -> dict[str, Any]:
    """What is known of a customer in the latest snapshot, her consents with their proof, and where she can be reached."""
    engine: Engine = request.app.state.engine
    return asdict(engine.customers.get(customer_id))


@router.put("/customers/{customer_id}/consents", tags=["customers"])
def consent(request: Request, customer_id: str, body: ConsentBody) -> dict[str, bool]:
    """Record a consent. `changed` is false when it stood that way already."""
    engine: Engine = request.app.state.engine
    return {"changed": engine.consents.record(customer_id=customer_id, **body.model_dump())}


class SuppressionBody(BaseModel):
    """An address that must not be used any more, or may be used again."""

    model_config = ConfigDict(extra="forbid")
    address: str
    channel: str = Field(default="email", description="A channel's name")
    reason: str = Field(description="Why; it is kept with the key that asked")
    lift: bool = Field(default=False, description="Let it be used again")


@router.post("/suppressions", tags=["customers"])
def suppress(request: Request, body: SuppressionBody, key: Annotated[ApiKey, Depends(_admin)]) -> dict[str, Any]:
    """Never use an address again, or lift that. The answer says in both languages what changed, and holds the record."""
    engine: Engine = request.app.state.engine
    found = engine.addresses.suppress(**body.model_dump(), by=f"API key {key.key_id} ({key.label})")
    return {**asdict(found), "message": {"en": in_words(found, "en"), "zh": in_words(found, "zh")}}


@router.post("/products", tags=["catalogue"])
def products(request: Request, rows: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
    """Add, change or delete products. Good rows are kept; the answer names each bad one and why."""
    engine: Engine = request.app.state.engine
    result = engine.catalog.put(rows)
    return {
        "upserted": result.upserted,
        "deleted": result.deleted,
        "rejected": [{"index": error.line, "field": error.field, "problem": error.problem} for error in result.errors],
    }
