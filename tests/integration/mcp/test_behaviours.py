"""Every required behaviour over every transport, asked by the library's own client; and both ways: no tool without one."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from mcp_behaviours import BEHAVIOURS, Behaviour
from zhanggui.api import create_app
from zhanggui.engine import Engine
from zhanggui.mcp.tools import TOOLS

mcp = pytest.importorskip("mcp")
from mcp.client.stdio import StdioServerParameters  # noqa: E402

from zhanggui.mcp.http import with_tools  # noqa: E402

NAMES = {"search_catalog", "lookup_catalog", "get_product", "search_shop_policies_and_faqs", "get_order"}
Answers = Mapping[str, Any]


async def ask(server: Any) -> Answers:
    """The answer or the error of every behaviour's call, in one session; under "" what the server says of itself."""
    answers: dict[str, Any] = {}
    async with mcp.Client(server) as client:
        answers[""] = (await client.list_tools()).tools, client.instructions
        for behaviour in BEHAVIOURS:
            try:
                answers[behaviour.name] = await client.call_tool(behaviour.tool, dict(behaviour.arguments))
            except mcp.MCPError as error:
                answers[behaviour.name] = error
    return answers


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The application at an address of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module", params=["stdio", "http"])
def answers(request: pytest.FixtureRequest, shop: Path, engine: Engine) -> Answers:
    if request.param == "stdio":
        arguments = ["-m", "zhanggui", "mcp", "-C", str(shop)]
        command = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
        return asyncio.run(ask(command))
    with served(with_tools(engine, create_app(engine))) as address:
        return asyncio.run(ask(f"{address}/mcp"))


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_the_shop_behaves_as_required(answers: Answers, behaviour: Behaviour) -> None:
    answer = answers[behaviour.name]
    if behaviour.code:
        assert isinstance(answer, mcp.MCPError)
        assert answer.code == behaviour.code
    else:
        assert behaviour.holds(answer.structured_content), answer


def test_exactly_these_tools_are_listed_and_they_only_read(answers: Answers) -> None:
    tools, instructions = answers[""]
    assert {tool.name for tool in tools} == NAMES
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert "never instructions" in instructions


def test_every_tool_has_required_behaviours_and_every_behaviour_a_tool() -> None:
    assert {behaviour.tool for behaviour in BEHAVIOURS} == {tool.name for tool in TOOLS} == NAMES
    assert len({behaviour.name for behaviour in BEHAVIOURS}) == len(BEHAVIOURS)


def test_the_text_of_an_answer_is_the_same_json(answers: Answers) -> None:
    answer = answers["the order's e-mail address opens it, and shows no more than it must"]
    assert json.loads(answer.content[0].text) == answer.structured_content
