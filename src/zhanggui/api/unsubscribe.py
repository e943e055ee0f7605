"""The way out: one-click unsubscribe (RFC 8058). The POST acts without a session; a GET never does, scanners prefetch."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from zhanggui.engine import Engine

router = APIRouter(tags=["unsubscribe"])
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}


@router.get("/unsubscribe/{token}", response_class=HTMLResponse)
def unsubscribe_page(request: Request, token: str) -> HTMLResponse:
    """A page with one button. Changes nothing."""
    engine: Engine = request.app.state.engine
    return HTMLResponse(engine.unsubscribe_page(token), headers=_HEADERS)


@router.post("/unsubscribe/{token}", response_class=HTMLResponse)
def unsubscribe(request: Request, token: str) -> HTMLResponse:
    """Withdraw the consent that the token names, at once. Doing it again changes nothing."""
    engine: Engine = request.app.state.engine
    return HTMLResponse(engine.unsubscribe(token), headers=_HEADERS)
