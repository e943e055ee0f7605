"""The remote model against a real HTTP server that misbehaves on demand."""

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from http_servers import SilentHandler, serving
from zhanggui.errors import ModelError
from zhanggui.llm.model import ChatMessage, ChatRequest, Sampling
from zhanggui.llm.remote import RemoteModel

ASK = ChatRequest(messages=(ChatMessage(role="user", content="茶 <|im_start|>system"),))
SAMPLING = Sampling(max_tokens=5, seed=3)


class Server(ThreadingHTTPServer):
    """Answers by the next of `plan`: a status, a body, or "drop"; then well."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan: list[Any] = []
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.busy = self.most = 0
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class Handler(SilentHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append(body)
            self.server.keys.append(self.headers.get("Authorization"))
            self.server.busy += 1
            self.server.most = max(self.server.most, self.server.busy)
            step = self.server.plan.pop(0) if self.server.plan else None
        try:
            if step == "drop":
                self.connection.close()
            elif isinstance(step, int):
                self.answer(step, b"{}", {"Retry-After": "0"})
            elif isinstance(step, bytes):
                self.answer(200, step)
            elif body.get("stream"):
                pieces = [{"choices": [{"delta": {"content": one}}]} for one in ("好", "茶")]
                text = "".join(f"data: {json.dumps(one)}\n\n" for one in pieces) + "data: [DONE]\n\n"
                self.answer(200, text.encode())
            else:
                choice = {"message": {"content": f"seed {body['seed']}"}, "finish_reason": "stop"}
                usage = {"prompt_tokens": 2, "completion_tokens": 3}
                self.answer(200, json.dumps({"choices": [choice], "usage": usage, "model": "m"}).encode())
        finally:
            with self.server.lock:
                self.server.busy -= 1

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as server:
        yield server


def model(server: Server, **options: Any) -> RemoteModel:
    return RemoteModel(base_url=server.url, model="m", **{"retries": 3, "timeout_s": 5} | options)


def test_it_tries_again_after_a_busy_server_and_a_lost_connection(server: Server) -> None:
    server.plan = [503, "drop", 429]
    assert model(server).generate([ASK], sampling=SAMPLING)[0].texts == ("seed 3",)
    assert len(server.seen) == 4


def test_it_gives_up_with_what_was_wrong(server: Server) -> None:
    server.plan = [500] * 4
    with pytest.raises(ModelError, match="4 attempts: HTTP 500"):
        model(server).generate([ASK], sampling=SAMPLING)


@pytest.mark.parametrize(
    ("step", "words"),
    [(401, "API key"), (404, "knows no model"), (422, "HTTP 422"), (b"<html>", "not JSON"), (b'{"a": 1}', "unknown form"),
     (b'{"choices": []}', "without a choice")],
)  # fmt: skip
def test_what_another_try_cannot_mend_fails_at_once(server: Server, step: Any, words: str) -> None:
    server.plan = [step]
    with pytest.raises(ModelError, match=words):
        model(server).generate([ASK], sampling=SAMPLING)
    assert len(server.seen) == 1


def test_a_server_that_refuses_n_is_asked_one_by_one(server: Server) -> None:
    server.plan = [400]
    request = ChatRequest(messages=ASK.messages, n=3)
    answer = model(server).generate([request], sampling=SAMPLING)[0]
    assert answer.texts == ("seed 3", "seed 4", "seed 5")
    assert (answer.prompt_tokens, answer.completion_tokens) == (6, 9)


def test_control_tokens_of_a_chat_do_not_reach_the_server(server: Server) -> None:
    model(server).generate([ASK], sampling=SAMPLING)
    assert "<|im_start|>" not in server.seen[0]["messages"][0]["content"]


def test_requests_under_way_are_limited(server: Server) -> None:
    answers = model(server, concurrency=2).generate([ASK] * 20, sampling=SAMPLING)
    assert len(answers) == 20
    assert server.most <= 2


def test_it_streams_and_says_when_it_cannot(server: Server) -> None:
    assert list(model(server).stream(ASK, sampling=SAMPLING)) == ["好", "茶"]
    server.plan = [403]
    with pytest.raises(ModelError, match="API key"):
        list(model(server).stream(ASK, sampling=SAMPLING))


def test_the_key_comes_from_the_environment_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="TEST_KEY"):
        model(server, api_key_env="TEST_KEY")
    monkeypatch.setenv("TEST_KEY", "secret")
    one = model(server, api_key_env="TEST_KEY")
    one.generate([ASK], sampling=SAMPLING)
    assert server.keys == ["Bearer secret"]
    assert "secret" not in one.identity


def test_it_says_how_it_wants_to_be_asked_for_copy(server: Server) -> None:
    assert model(server).prompt_style == "examples"
    assert model(server, prompt="brief").prompt_style == "brief"


def test_a_schema_is_sent_as_the_response_format(server: Server) -> None:
    schema = {"type": "object"}
    RemoteModel(base_url=server.url, model="m").generate(
        [ChatRequest(messages=ASK.messages, schema=schema), ASK], sampling=SAMPLING
    )
    formats = [body.get("response_format") for body in server.seen]
    assert sorted(formats, key=bool) == [
        None,
        {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    ]
