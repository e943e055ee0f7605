"""The tools behind HTTP: beside the shop's own routes, public, and within limits."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mcp_behaviours import META
from zhanggui.api import create_app
from zhanggui.engine import Engine

pytest.importorskip("mcp")
from zhanggui.mcp.http import with_tools

HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


def opened(engine: Engine, **limits: int) -> TestClient:
    config = replace(engine.config, api=replace(engine.config.api, **limits))
    limited = replace(engine, config=config)
    return TestClient(with_tools(limited, create_app(limited)), client=("192.0.2.7", 1234))


@pytest.fixture
def client(engine: Engine) -> Iterator[TestClient]:
    with opened(engine) as client:
        yield client


def call(client: TestClient, tool: str, **arguments: Any) -> Any:
    params = {"name": tool, "arguments": META | arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return client.post("/mcp", json=body, headers=HEADERS)


def test_the_profile_says_where_the_tools_answer_and_that_nothing_is_paid_here(client: TestClient) -> None:
    answer = client.get("/.well-known/ucp")
    profile = answer.json()["ucp"]
    (service,) = profile["services"]["dev.ucp.shopping"]
    assert profile["version"] == service["version"] == "2026-04-08"
    assert (service["transport"], service["endpoint"]) == ("mcp", "https://shop.example.com/zhanggui/mcp")
    assert set(profile["capabilities"]) == {
        "dev.ucp.shopping.catalog.search",
        "dev.ucp.shopping.catalog.lookup",
        "dev.ucp.shopping.order",
    }
    assert profile["payment_handlers"] == {}
    assert "max-age" in answer.headers["Cache-Control"]


def test_the_shops_own_routes_answer_as_before_and_want_their_key(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.post("/v1/products", json={"products": []}).status_code == 401


def test_an_address_has_so_many_requests_a_minute(engine: Engine) -> None:
    with opened(engine, assistant_requests_per_minute=3) as client:
        codes = [call(client, "search_catalog", catalog={"query": "tea"}).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert client.get("/healthz").status_code == 200


def test_a_body_larger_than_any_question_is_refused(client: TestClient) -> None:
    assert call(client, "search_catalog", catalog={"query": "tea" * 50_000}).status_code == 413


def test_three_wrong_proofs_close_an_order_to_that_address_even_with_the_right_one(client: TestClient) -> None:
    def shown(email: str) -> bool:
        answer = call(client, "get_order", id="W1002", proof={"email": email}).json()["result"]["structuredContent"]
        return "line_items" in answer

    assert shown("mia@example.com")
    assert not any(shown(f"guess-{number}@example.com") for number in range(3))
    assert not shown("mia@example.com")
