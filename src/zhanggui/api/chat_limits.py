"""What web pages may do with a chat key: how fast, and from which sites. Knows no conversation."""

import hashlib

from fastapi import Request
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from zhanggui.access.neighbourhood import neighbourhood
from zhanggui.api.refused import RefusedError
from zhanggui.conversation.settings import ConversationSettings

PATHS = ("/v1/conversations",)
_POLLS_PER_TURN = 3


class ChatLimits:
    """Counts turns by conversation, and conversations by address."""

    def __init__(self, settings: ConversationSettings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._turns = RateLimitItemPerMinute(settings.turns_per_minute)
        self._polls = RateLimitItemPerMinute(settings.turns_per_minute * _POLLS_PER_TURN)
        self._starts = RateLimitItemPerHour(settings.conversations_per_hour)
        self._origins = settings.allowed_origins

    def may_start(self, request: Request, visitor_id: str) -> None:
        """Raise RefusedError where a visitor begins one conversation too many, or from a site that is not allowed."""
        self._from_allowed_site(request)
        if not self._limiter.hit(self._starts, "start", visitor_id):
            raise RefusedError(
                429,
                "Too many conversations",
                "from this visitor; try again in an hour",
                headers={"Retry-After": "3600"},
            )

    def may_speak(self, request: Request, conversation_id: str) -> None:
        """Raise RefusedError where a visitor writes too fast, or from a site that is not allowed."""
        self._from_allowed_site(request)
        if not self._limiter.hit(self._turns, "turn", conversation_id):
            raise RefusedError(
                429, "Too many turns", "in this conversation; wait a minute", headers={"Retry-After": "60"}
            )

    def may_read(self, request: Request, conversation_id: str) -> None:
        """Raise RefusedError where a page asks for news too often, or is of a site that is not allowed."""
        self._from_allowed_site(request)
        if not self._limiter.hit(self._polls, "poll", conversation_id):
            raise RefusedError(
                429, "Too many requests", "for this conversation; wait a minute", headers={"Retry-After": "60"}
            )

    def _from_allowed_site(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is not None and "*" not in self._origins and origin not in self._origins:
            detail = f"pages of {origin[:200]} may not; name it in [conversation] allowed_origins"
            raise RefusedError(403, "This site may not talk with the assistant", detail)


def visitor_of(request: Request) -> str:
    """Stands for the address that a request comes from: wrong proofs are counted by it. The address itself is not kept."""
    address = neighbourhood(request.client.host) if request.client else ""
    return hashlib.sha256(f"visitor\x1f{address}".encode()).hexdigest()[:32]


class ChatOrigins:
    """ASGI middleware: pages of allowed sites may call the conversations' routes (CORS), and no other route."""

    def __init__(self, app: ASGIApp, *, settings: ConversationSettings) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chats = scope["type"] == "http" and scope["path"].startswith(PATHS)
        await (self._cors if chats else self._app)(scope, receive, send)
