"""What the Universal Commerce Protocol puts around every answer: version, capabilities, messages, the shop's profile.

Knows no product and no order.
"""

from typing import Literal

from zhanggui.catalog.commerce_shapes import Json

VERSION = "2026-04-08"
SEARCH = "dev.ucp.shopping.catalog.search"
LOOKUP = "dev.ucp.shopping.catalog.lookup"
ORDER = "dev.ucp.shopping.order"

_SITE = f"https://ucp.dev/{VERSION}"
_CAPABILITIES = {
    SEARCH: ("specification/catalog/search", "schemas/shopping/catalog_search.json"),
    LOOKUP: ("specification/catalog/lookup", "schemas/shopping/catalog_lookup.json"),
    ORDER: ("specification/order", "schemas/shopping/order.json"),
}


def answer(capability: str, body: Json, *, messages: list[Json] | None = None) -> Json:
    """A successful response."""
    told = {"messages": messages} if messages else {}
    return {"ucp": _envelope(capability), **body, **told}


def failure(capability: str, code: Literal["not_found", "unauthorized"], content: str) -> Json:
    """A response that says why there is nothing: an outcome of the shop's, no error of the transport."""
    message = {"type": "error", "code": code, "content": content, "severity": "unrecoverable"}
    return {"ucp": {**_envelope(capability), "status": "error"}, "messages": [message]}


def info(code: str, content: str) -> Json:
    """A message that informs."""
    return {"type": "info", "code": code, "content": content}


def warning(code: str, content: str) -> Json:
    """A message that a shopper should be told."""
    return {"type": "warning", "code": code, "content": content}


def profile(endpoint: str) -> Json:
    """What `/.well-known/ucp` says: where the tools answer, and which capabilities they are."""
    service = {
        "version": VERSION,
        "spec": f"{_SITE}/specification/overview",
        "transport": "mcp",
        "schema": f"{_SITE}/services/shopping/mcp.openrpc.json",
        "endpoint": endpoint,
    }
    capabilities = {
        name: [{"version": VERSION, "spec": f"{_SITE}/{spec}", "schema": f"{_SITE}/{schema}"}]
        for name, (spec, schema) in _CAPABILITIES.items()
    }
    return {
        "ucp": {
            "version": VERSION,
            "services": {"dev.ucp.shopping": [service]},
            "capabilities": capabilities,
            "payment_handlers": {},
        }
    }


def _envelope(capability: str) -> Json:
    return {"version": VERSION, "capabilities": {capability: [{"version": VERSION}]}}
