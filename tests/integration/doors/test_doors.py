"""The command line and the HTTP API over the sample shop, as an operator and an engineer use them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.catalog import store
from zhanggui.cli.main import app
from zhanggui.engine import Engine
from zhanggui.engine.campaigns import Campaigns, CampaignView
from zhanggui.shops.sample import SampleShop
from zhanggui.testing import FakeLLM, FixedClock

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, sample_shop: Callable[..., SampleShop]) -> Path:
    folder = tmp_path_factory.mktemp("doors") / "shop"
    sample_shop(folder, NOW)
    return folder


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def decided(shop: Path, customer: str, *more: str) -> str:
    return run("decide", customer, "--campaign", "welcome-back", "-C", str(shop), "--at", NOW.isoformat(), *more)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("chosen with probability", "Candidates:", "not possible: ")), ("zh", ("概率", "候选：", "不可以："))],
)
def test_decide_explain_says_what_forbade_each_candidate(shop: Path, language: str, words: tuple[str, ...]) -> None:
    told = "".join(decided(shop, f"customer-{n:03d}", "--explain", "--language", language) for n in (1, 2, 3, 4, 5))
    for one in words:
        assert one in told
    assert "no_consent" not in told, "an operator reads words, not codes"


@pytest.mark.parametrize("language", ["zh", ""])
def test_json_is_the_same_in_every_environment(shop: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("ZHANGGUI_LANGUAGE", language)
    assert "概率" in decided(shop, "customer-001")
    assert "chosen with probability" in json.loads(decided(shop, "customer-001", "--json"))["summary"]
    assert "概率" in json.loads(decided(shop, "customer-001", "--json", "--language", "zh"))["summary"]


def test_decide_says_one_sentence_without_explain(shop: Path) -> None:
    assert len(decided(shop, "customer-001").strip().splitlines()) <= 3


def test_an_unknown_customer_is_one_sentence_and_exit_code_one(shop: Path) -> None:
    from zhanggui.errors import ZhangguiError

    with pytest.raises(ZhangguiError, match="nobody"):
        decided(shop, "nobody")


def test_check_segment_and_profile_are_readable(shop: Path) -> None:
    assert "sqlite" in run("check", "-C", str(shop)).lower()
    assert "of 500" in run("segment", "orders >= 2", "-C", str(shop)).replace(",", "")
    told = run("profile", "customer-009", "-C", str(shop))
    assert "lifecycle_stage" in told
    assert "100%" in told  # an affinity as a share
    assert "None" not in told
    assert "+00:00" not in told


def test_what_is_said_of_customers_is_said_in_chinese_too(shop: Path) -> None:
    assert "500 位顾客中的 500 位" in run("segment", "orders >= 0", "-C", str(shop), "--language", "zh")
    told = run("profile", "customer-003", "-C", str(shop), "--language", "zh")
    assert "生命周期阶段" in told
    assert "同意 email 营销：已给出" in told
    silent = next(
        f"customer-{n:03d}" for n in range(1, 99) if "不发送" in decided(shop, f"customer-{n:03d}", "--language", "zh")
    )
    more = ("--campaign", "welcome-back", "-C", str(shop), "--at", NOW.isoformat(), "--language", "zh")
    assert "没有消息" in run("write", silent, *more)


def test_products_without_a_language_are_in_the_shops(shop: Path, tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text("product_id,title,price\nfeed-1,青瓷茶杯,19.90\n", encoding="utf-8")
    titles = []
    for more in ([], ["--language", "en"]):
        assert "1 products taken in" in run("products", str(feed), "-C", str(shop), *more)
        with Engine.open(shop) as engine, engine.database.reading() as connection:
            titles.append(store.find(connection, ["feed-1"])["feed-1"].titles)
    assert titles == [{"zh": "青瓷茶杯"}, {"en": "青瓷茶杯"}]
    assert CliRunner().invoke(app, ["products", str(feed), "-C", str(shop), "--language", "de"]).exit_code == 2


@pytest.fixture(scope="module")
def client(shop: Path) -> Iterator[TestClient]:
    with Engine.open(shop, model=FakeLLM("Something for quiet evenings."), clock=FixedClock(NOW)) as engine:
        key = engine.keys.create("test", scope="admin")
        with TestClient(create_app(engine), headers={"Authorization": f"Bearer {key}"}) as client:
            yield client


@pytest.mark.parametrize("header", ["", "Bearer nobody", "Bearer zg_00000000_x", "Basic !!", "Basic bm9ib2R5Og=="])
def test_without_a_key_or_with_an_unknown_one_a_client_is_asked_for_a_key(client: TestClient, header: str) -> None:
    answer = client.get("/v1/customers/customer-001", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "Basic" in answer.headers["www-authenticate"]


def test_a_good_key_of_the_wrong_scope_is_forbidden_and_one_that_was_closed_is_unknown(client: TestClient) -> None:
    engine: Engine = client.app.state.engine  # type: ignore[attr-defined]
    write = engine.keys.create("page", scope="write")
    asked = {"url": "/v1/customers/customer-001", "headers": {"Authorization": f"Bearer {write}"}}
    answer = client.get(**asked)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "www-authenticate" not in answer.headers
    assert "--scope admin" in answer.json()["detail"]
    engine.keys.revoke(write.split("_")[1])
    assert client.get(**asked).status_code == 401


def test_a_customer_her_consents_and_a_withdrawal(client: TestClient) -> None:
    body: dict[str, Any] = {
        "channel": "email",
        "purpose": "marketing",
        "granted": False,
        "at": NOW.isoformat(),
        "how": "call",
        "text": "不再接收",
    }
    assert client.put("/v1/customers/customer-001/consents", json=body).status_code == 200
    assert client.put("/v1/customers/customer-001/consents", json=body).json() == {"changed": False}
    found = client.get("/v1/customers/customer-001").json()
    assert any(not one["granted"] and one["text"] == "不再接收" for one in found["consents"])


def test_decisions_and_messages_over_http(client: TestClient) -> None:
    ask = {
        "campaign": "welcome-back",
        "customer_ids": [f"customer-{n:03d}" for n in range(2, 8)],
        "moment": NOW.isoformat(),
    }
    found = client.post("/v1/decisions?language=zh", json=ask).json()
    assert len(found) == 6
    assert all("概率" in one["summary"] for one in found)
    nobody = client.post("/v1/decisions", json=ask | {"customer_ids": ["nobody"]})
    assert (nobody.status_code, nobody.headers["content-type"]) == (404, "application/problem+json")
    assert client.post("/v1/decisions", json=ask | {"surprise": 1}).status_code == 422


def test_products_are_taken_and_bad_ones_named(client: TestClient) -> None:
    rows = [{"product_id": "new-1", "title": "茶", "price": "5"}, {"product_id": "new-2", "title": "茶", "price": "-5"}]
    answer = client.post("/v1/products", json=rows).json()
    assert (answer["upserted"], [(one["index"], one["field"]) for one in answer["rejected"]]) == (1, [(1, "price")])


def test_unsubscribing_needs_a_post_and_works_without_a_session(client: TestClient) -> None:
    ask = {
        "campaign": "welcome-back",
        "customer_ids": [f"customer-{n:03d}" for n in range(2, 60)],
        "moment": NOW.isoformat(),
    }
    message = client.post("/v1/messages", json=ask).json()[0]
    path = "/unsubscribe/" + message["data"]["unsubscribe_url"].rsplit("/", 1)[1]
    anonymous = TestClient(client.app)
    assert anonymous.get(path).status_code == 200
    still = client.post("/v1/messages", json=ask | {"customer_ids": [message["customer_id"]]}).json()
    assert len(still) == 1, "a scanner's GET withdrew the consent"
    assert anonymous.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.post("/v1/messages", json=ask | {"customer_ids": [message["customer_id"]]}).json() == []


@pytest.mark.parametrize("broken", ["forged", "", "a.b", "a/b", "%FF.%00", "{whole}x", "{cut}", "x{whole}"])
def test_a_broken_unsubscribe_link_is_a_page_in_both_languages_that_says_what_to_do(
    client: TestClient, broken: str
) -> None:
    engine: Engine = client.app.state.engine  # type: ignore[attr-defined]
    whole = engine.unsubscribe.url("customer-001", "email", "zh").rsplit("/", 1)[1]
    path = f"/unsubscribe/{broken.format(whole=whole, cut=whole[:-5])}"
    anonymous = TestClient(client.app, raise_server_exceptions=False)
    assert anonymous.get(f"/unsubscribe/{whole}").status_code == 200
    for answer in (anonymous.get(path), anonymous.post(path, data={"List-Unsubscribe": "One-Click"})):
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "请回到消息中" in answer.text
        assert "go back to the message" in answer.text
        assert answer.headers["cache-control"] == "no-store"


def test_a_suppressed_address_gets_nothing_until_that_is_lifted_and_the_record_says_who_and_why(
    client: TestClient, shop: Path
) -> None:
    customers = [f"customer-{n:03d}" for n in range(60, 120)]
    ask = {"campaign": "welcome-back", "customer_ids": customers, "moment": NOW.isoformat()}
    message = client.post("/v1/messages", json=ask).json()[0]
    address, hers = message["address"], ask | {"customer_ids": [message["customer_id"]]}
    answer = client.post("/v1/suppressions", json={"address": address, "reason": "complained by phone"}).json()
    assert (answer["changed"], answer["suppressed"]) == (True, True)
    assert "suppressed" in answer["message"]["en"]
    assert "已禁发" in answer["message"]["zh"]
    assert client.post("/v1/messages", json=hers).json() == []
    told = run("suppress", address.upper(), "--language", "zh", "-C", str(shop))
    assert "早已禁发" in told
    assert "complained by phone" in told
    lifted = run("suppress", address, "--lift", "--reason", "she asked for it", "-C", str(shop)).splitlines()
    assert "may be used on email again" in lifted[0]
    assert "she asked for it  (command line" in lifted[1]
    assert "complained by phone  (API key" in lifted[2]
    assert len(client.post("/v1/messages", json=hers).json()) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"address": "nobody", "reason": "r"}, "address"),
        ({"address": "a@b.example", "reason": " "}, "reason"),
        ({"address": "a@b.example", "reason": "r", "channel": "pigeon"}, "channel"),
    ],
)
def test_a_suppression_that_cannot_be_meant_is_refused_by_field(
    client: TestClient, body: dict[str, str], field: str
) -> None:
    answer = client.post("/v1/suppressions", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_body_too_large_is_refused_before_it_is_read(client: TestClient) -> None:
    assert client.post("/v1/batch", content=b"x" * 30_000_000).status_code == 413


class BrokenCampaigns(Campaigns):
    def all(self) -> list[CampaignView]:
        raise RuntimeError("a mistake of ours")


def test_what_is_refused_or_fails_is_counted_by_its_route(client: TestClient) -> None:
    engine: Engine = client.app.state.engine  # type: ignore[attr-defined]
    works = engine.campaigns
    broken = BrokenCampaigns(parts=works.parts, profiles=works.profiles, channels=works.channels)
    app = create_app(replace(engine, campaigns=broken))
    gentle = TestClient(app, raise_server_exceptions=False, headers=client.headers)
    gzip = {"Content-Encoding": "gzip"}
    asked = {
        ("/v1/batch", "POST", 413): lambda: gentle.post("/v1/batch", content=b"x" * 30_000_000),
        ("/v1/track", "POST", 400): lambda: gentle.post("/v1/track", content=b"no gzip", headers=gzip),
        ("/v1/products", "POST", 401): lambda: gentle.post("/v1/products", headers={"Authorization": ""}),
        ("/v1/campaigns", "GET", 500): lambda: gentle.get("/v1/campaigns"),
        ("/unsubscribe/{token}", "GET", 404): lambda: gentle.get("/unsubscribe/forged"),
        ("unmatched", "other", 404): lambda: gentle.request("PROPFIND", "/wp-login.php"),
    }
    before = counted(gentle)
    for (_, _, status), ask in asked.items():
        assert ask().status_code == status
    after = counted(gentle)
    for route, method, status in asked:
        line = f'zhanggui_http_requests_total{{method="{method}",route="{route}",status="{status}"}}'
        assert after[line] == before.get(line, 0) + 1


def counted(client: TestClient) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in client.get("/metrics").text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


def test_errors_are_described_as_they_are_sent(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, body in (("/v1/suppressions", {"address": 3}), ("/v1/suppressions", {"address": "x", "reason": "y"})):
        sent, told = client.post(path, json=body), paths[path]["post"]["responses"]
        assert set(told) == {"200", "default"}
        schema = told["default"]["content"][sent.headers["content-type"]]["schema"]
        assert set(schema["required"]) <= set(sent.json()) <= set(schema["properties"])
    assert "text/html" in paths["/unsubscribe/{token}"]["get"]["responses"]["404"]["content"]


def test_health_metrics_and_openapi(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert "zhanggui_http_requests_total" in client.get("/metrics").text
    assert "/v1/decisions" in client.get("/openapi.json").json()["paths"]
