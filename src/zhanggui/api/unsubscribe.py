"""The way out: one-click unsubscribe (RFC 8058). The POST acts without a session; a GET never does, scanners prefetch."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from zhanggui.engine import Engine
from zhanggui.errors import NotFoundError

router = APIRouter(tags=["unsubscribe"])
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}
_BROKEN: dict[int | str, dict[str, Any]] = {
    404: {
        "description": "A page for a link that is cut off or not ours",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}


@router.get("/unsubscribe/{token:path}", response_class=HTMLResponse, responses=_BROKEN)
def unsubscribe_page(request: Request, token: str) -> HTMLResponse:
    """A page with one button. Changes nothing."""
    engine: Engine = request.app.state.engine
    return _page(engine, engine.unsubscribe.page, token)


@router.post("/unsubscribe/{token:path}", response_class=HTMLResponse, responses=_BROKEN)
def unsubscribe(request: Request, token: str) -> HTMLResponse:
    """Withdraw the consent that the token names, at once. Doing it again changes nothing."""
    engine: Engine = request.app.state.engine
    return _page(engine, engine.unsubscribe.withdraw, token)


def _page(engine: Engine, make: Callable[[str], str], token: str) -> HTMLResponse:
    # A shopper reads this, not a program: a broken link, too, is answered by a page.
    try:
        return HTMLResponse(make(token), headers=_HEADERS)
    except NotFoundError:
        return HTMLResponse(engine.unsubscribe.broken_page(), 404, headers=_HEADERS)
