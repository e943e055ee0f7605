"""Conversations through the doors: HTTP with a public chat key, and the terminal."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from talking_shop import talking_shop
from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.engine import Engine

SITE = "https://www.example.com"
SETTINGS = f"""
[conversation]
allowed_origins = ["{SITE}"]
turns_per_minute = 6
conversations_per_hour = 40
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with talking_shop(tmp_path_factory.mktemp("doors") / "shop", settings=SETTINGS) as engine:
        yield engine


@pytest.fixture(scope="module")
def client(shop: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(shop)) as client:
        yield client


@pytest.fixture(scope="module")
def chat(shop: Engine) -> dict[str, str]:
    return {"Authorization": f"Bearer {shop.keys.create('web', scope='chat')}"}


@pytest.fixture(scope="module")
def admin(shop: Engine) -> dict[str, str]:
    return {"Authorization": f"Bearer {shop.keys.create('desk', scope='admin')}"}


def begin(client: TestClient, headers: dict[str, str], **body: str) -> str:
    answer = client.post("/v1/conversations", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["conversation_id"])


def test_a_page_holds_a_conversation_and_repeats_a_turn_without_a_second_answer(
    client: TestClient, chat: dict[str, str]
) -> None:
    talk = begin(client, chat)
    headers = {**chat, "Idempotency-Key": "one"}
    first = client.post(f"/v1/conversations/{talk}/turns", json={"text": "do you have an apron?"}, headers=headers)
    assert first.status_code == 200
    assert first.json()["products"][0]["product_id"] == "kitchen-07"
    again = client.post(f"/v1/conversations/{talk}/turns", json={"text": "do you have an apron?"}, headers=headers)
    assert again.json() == first.json()
    assert client.post(f"/v1/conversations/{talk}/turns", json={"text": "other"}, headers=headers).status_code == 422
    assert len(client.get(f"/v1/conversations/{talk}/turns", headers=chat).json()) == 1


def test_an_answer_is_streamed_as_server_sent_events(client: TestClient, chat: dict[str, str]) -> None:
    talk = begin(client, chat)
    headers = {**chat, "Accept": "text/event-stream"}
    with client.stream("POST", f"/v1/conversations/{talk}/turns", json={"text": "有围裙吗"}, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [
            dict(line.split(": ", 1) for line in part.splitlines())
            for part in answer.read().decode().split("\n\n")
            if part
        ]
    assert [one["event"] for one in events][-1] == "done"
    whole = json.loads(events[-1]["data"])
    assert "\n".join(json.loads(one["data"])["text"] for one in events[:-1]) == whole["answer"]


def test_a_chat_key_talks_and_opens_nothing_else(client: TestClient, shop: Engine, chat: dict[str, str]) -> None:
    talk = begin(client, chat)
    assert client.get(f"/v1/conversations/{talk}", headers=chat).status_code == 403
    assert client.get("/v1/inbox", headers=chat).status_code == 403
    assert client.get("/v1/customers/customer-mei/conversations", headers=chat).status_code == 403
    assert client.post("/v1/batch", json={"batch": []}, headers=chat).status_code == 403
    write = {"Authorization": f"Bearer {shop.keys.create('page', scope='write')}"}
    assert client.post("/v1/conversations", json={}, headers=write).status_code == 403
    assert client.post("/v1/conversations", json={}).status_code == 401


def test_a_logged_in_customer_sees_the_own_order_and_a_forged_token_begins_nothing(
    client: TestClient, shop: Engine, chat: dict[str, str]
) -> None:
    talk = begin(client, chat, visitor_token=shop.service.sign_visitor("customer-mei"))
    answer = client.post(f"/v1/conversations/{talk}/turns", json={"text": "where is my order ZG100101"}, headers=chat)
    assert "SF1029384756" in answer.json()["answer"]
    assert client.post("/v1/conversations", json={"visitor_token": "a.b.c"}, headers=chat).status_code == 401


def test_pages_of_other_sites_may_not_talk(client: TestClient, chat: dict[str, str]) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    good = client.options("/v1/conversations", headers={"Origin": SITE, **asked})
    assert good.headers["access-control-allow-origin"] == SITE
    bad = client.options("/v1/conversations", headers={"Origin": "https://evil.example.org", **asked})
    assert "access-control-allow-origin" not in bad.headers
    refused = client.post("/v1/conversations", json={}, headers={**chat, "Origin": "https://evil.example.org"})
    assert refused.status_code == 403
    allowed = client.post("/v1/conversations", json={}, headers={**chat, "Origin": SITE})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (201, SITE)
    assert "access-control-allow-origin" not in client.get("/v1/inbox", headers={"Origin": SITE}).headers


def test_who_writes_too_fast_is_slowed_down(client: TestClient, chat: dict[str, str]) -> None:
    talk = begin(client, chat)
    codes = [
        client.post(f"/v1/conversations/{talk}/turns", json={"text": "hi"}, headers=chat).status_code for _ in range(7)
    ]
    assert codes == [200] * 6 + [429]
    other = begin(client, chat)
    assert client.post(f"/v1/conversations/{other}/turns", json={"text": "hi"}, headers=chat).status_code == 200


def test_a_person_of_the_shop_answers_through_the_inbox(
    client: TestClient, chat: dict[str, str], admin: dict[str, str]
) -> None:
    talk = begin(client, chat)
    client.post(f"/v1/conversations/{talk}/turns", json={"text": "转人工"}, headers=chat)
    assert talk in [one["conversation_id"] for one in client.get("/v1/inbox", headers=admin).json()]
    client.post(f"/v1/conversations/{talk}/replies", json={"text": "您好，我是小李"}, headers=admin)
    news = client.get(f"/v1/conversations/{talk}/turns", params={"after": 1}, headers=chat).json()
    assert [(one["by"], one["answer"]) for one in news] == [("person", "您好，我是小李")]
    client.post(f"/v1/conversations/{talk}/hand-back", headers=admin)
    assert talk not in [one["conversation_id"] for one in client.get("/v1/inbox", headers=admin).json()]


def test_an_operator_sees_why_and_erases_a_person(client: TestClient, shop: Engine, admin: dict[str, str]) -> None:
    talk = begin(client, admin, visitor_token=shop.service.sign_visitor("customer-gone"))
    client.post(f"/v1/conversations/{talk}/turns", json={"text": "silk scarves please"}, headers=admin)
    seen = client.get(f"/v1/conversations/{talk}", headers=admin).json()
    assert seen["state"]["wanted"] == {"material": ["silk"]}
    assert all(change["reason"] for change in seen["why"])
    (exported,) = client.get("/v1/customers/customer-gone/conversations", headers=admin).json()
    assert exported["turns"][0]["said"] == "silk scarves please"
    assert client.delete("/v1/customers/customer-gone/conversations", headers=admin).json() == {"erased": 1}
    assert client.get(f"/v1/conversations/{talk}", headers=admin).status_code == 404


def test_a_conversation_that_is_not_there_is_not_found(client: TestClient, chat: dict[str, str]) -> None:
    assert client.post("/v1/conversations/nobody/turns", json={"text": "hi"}, headers=chat).status_code == 404
    assert client.get("/v1/conversations/nobody/turns", headers=chat).status_code == 404


def chatted(shop: Engine, text: str, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["chat", "-C", str(shop.folder), *arguments], input=text, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_terminal_reads_a_pipe_and_says_why(shop: Engine) -> None:
    told = chatted(shop, "羊毛围巾\n\n/why\n/quit\n有围裙吗\n", "--seed", "s", "--language", "zh")
    assert "> 羊毛围巾" in told
    assert "¥159" in told
    assert "wanted" in told
    assert "围裙" not in told
    assert told == chatted(shop, "羊毛围巾\n/why\n", "--seed", "s", "--language", "zh")


def test_the_terminal_talks_as_a_customer(shop: Engine) -> None:
    assert "RM112233445GB" in chatted(shop, "where is my order ZG200203\n", "--customer", "customer-tom")


def test_only_a_secret_is_needed_to_read_a_conversation_and_ids_cannot_be_guessed(shop: Engine) -> None:
    ids = {shop.conversations.start().conversation_id for _ in range(50)}
    assert len(ids) == 50
    assert all(len(one) >= 32 for one in ids)
