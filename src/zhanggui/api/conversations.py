"""Conversations with the assistant over HTTP: for web pages and apps with a chat key, and for people of the shop."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from zhanggui.access import ApiKey
from zhanggui.api.chat_limits import ChatLimits, visitor_of
from zhanggui.api.guard import Requires
from zhanggui.catalog.product import Language
from zhanggui.conversation.store import Turn
from zhanggui.engine import Engine
from zhanggui.engine.conversations import Answer

router = APIRouter(prefix="/v1", tags=["conversations"])
_chats = Requires("chat")
_chat = [Depends(_chats)]
_admin = [Depends(Requires("admin"))]


class StartBody(BaseModel):
    """Who talks, as far as it is known."""

    model_config = ConfigDict(extra="forbid")
    visitor_token: str = Field(default="", description="Signed by the shop's server for a customer who is logged in")
    visitor_id: str = Field(
        default="",
        max_length=64,
        description="Who it is, as the shop's server knows visitors; read with a server key only",
    )
    language: Language | None = Field(default=None, description="Until the shopper's words tell another")


class TurnBody(BaseModel):
    """What a shopper writes."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=20_000)


class ReplyBody(BaseModel):
    """What a person of the shop writes."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=20_000)


Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key", max_length=128, description="A turn with a key that was answered gets the same answer"
    ),
]


@router.post("/conversations", status_code=201, dependencies=_chat)
def start(request: Request, key: Annotated[ApiKey, Depends(_chats)], body: StartBody | None = None) -> dict[str, Any]:
    """Begin a conversation. Its id is a secret: who has it can read and go on with it."""
    engine: Engine = request.app.state.engine
    limits: ChatLimits = request.app.state.chat_limits
    asked = body or StartBody()
    told = asked.visitor_id if key.trust == "server" else ""
    visitor = told or visitor_of(request)
    limits.may_start(request, visitor)
    conversation = engine.conversations.start(
        visitor_token=asked.visitor_token, visitor_id=visitor, language=asked.language, door="http"
    )
    return {"conversation_id": conversation.conversation_id, "language": conversation.language}


@router.post(
    "/conversations/{conversation_id}/turns",
    dependencies=_chat,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
def turn(request: Request, conversation_id: str, body: TurnBody, key: Key = "") -> Response:
    """Answer what a shopper writes: as JSON, or as server-sent events to who accepts `text/event-stream`."""
    engine: Engine = request.app.state.engine
    limits: ChatLimits = request.app.state.chat_limits
    limits.may_speak(request, conversation_id)
    answer = engine.conversations.turn(conversation_id, body.text, key=key)
    if "text/event-stream" in request.headers.get("accept", ""):
        return StreamingResponse(_events(answer), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
    return Response(_json(asdict(answer)), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/conversations/{conversation_id}/turns", dependencies=_chat)
def turns(request: Request, conversation_id: str, after: int = 0) -> list[dict[str, Any]]:
    """What was said and answered after a turn: a page asks for it while a person of the shop has the conversation."""
    engine: Engine = request.app.state.engine
    limits: ChatLimits = request.app.state.chat_limits
    limits.may_read(request, conversation_id)
    return [_readable(one) for one in engine.conversations.turns(conversation_id, after=after)]


@router.get("/conversations/{conversation_id}", dependencies=_admin)
def conversation(request: Request, conversation_id: str) -> dict[str, Any]:
    """What the assistant believes, and every change of it with its reason."""
    engine: Engine = request.app.state.engine
    return {
        **asdict(engine.conversations.get(conversation_id)),
        "state": asdict(engine.conversations.state(conversation_id)),
        "why": [asdict(change) for change in engine.conversations.why(conversation_id)],
    }


@router.delete("/conversations/{conversation_id}", status_code=204, dependencies=_admin)
def erase_conversation(request: Request, conversation_id: str) -> None:
    """Delete a conversation for good."""
    engine: Engine = request.app.state.engine
    engine.conversations.erase_conversation(conversation_id)


@router.post("/conversations/{conversation_id}/replies", status_code=201, dependencies=_admin)
def reply_as_person(request: Request, conversation_id: str, body: ReplyBody, key: Key = "") -> dict[str, Any]:
    """Write in a conversation as a person of the shop, who has it from then on."""
    engine: Engine = request.app.state.engine
    return _readable(engine.conversations.reply_as_person(conversation_id, body.text, key=key))


@router.post("/conversations/{conversation_id}/hand-back", dependencies=_admin)
def hand_back(request: Request, conversation_id: str, key: Key = "") -> dict[str, Any]:
    """Give a conversation back to the assistant."""
    engine: Engine = request.app.state.engine
    return _readable(engine.conversations.hand_back(conversation_id, key=key))


@router.get("/inbox", dependencies=_admin)
def inbox(request: Request) -> list[dict[str, Any]]:
    """The conversations that a person of the shop is to answer, longest waiting first."""
    engine: Engine = request.app.state.engine
    return [asdict(one) for one in engine.conversations.inbox()]


@router.get("/customers/{customer_id}/conversations", dependencies=_admin)
def export_conversations(request: Request, customer_id: str) -> list[dict[str, Any]]:
    """Every conversation of a person, as that person may read it."""
    engine: Engine = request.app.state.engine
    return [asdict(one) for one in engine.conversations.export(customer_id)]


@router.delete("/customers/{customer_id}/conversations", dependencies=_admin)
def erase_conversations(request: Request, customer_id: str) -> dict[str, int]:
    """Delete every conversation of a person for good."""
    engine: Engine = request.app.state.engine
    return {"erased": engine.conversations.erase(customer_id)}


def _readable(turn: Turn) -> dict[str, Any]:
    return {
        "number": turn.number,
        "by": turn.author,
        "said": turn.said,
        "answer": turn.answer,
        "at": turn.at.isoformat(),
    }


def _events(answer: Answer) -> Iterator[str]:
    """The answer line by line, then the whole of it."""
    for line in answer.answer.splitlines():
        yield f"event: text\ndata: {json.dumps({'text': line}, ensure_ascii=False)}\n\n"
    yield f"event: done\ndata: {_json(asdict(answer))}\n\n"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, default=lambda moment: moment.isoformat())
