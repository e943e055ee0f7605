"""Orders, policy pages and visitor tokens through the library, the command line and HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.cli.main import app
from zhanggui.engine import Engine
from zhanggui.errors import AccessError, DeliveryError, NotFoundError
from zhanggui.service import order_store
from zhanggui.service.desk import Cancel, DeskRequest
from zhanggui.service.proof import NoProof, Proof
from zhanggui.shops.policy_pages import write_policy_pages
from zhanggui.shops.sample import write_sample
from zhanggui.testing import FixedClock

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROW = {"order_id": "W1", "customer_id": "ann", "email": "ann@example.com", "state": "pending", "total": 9, "lines": []}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Engine.create(tmp_path / "shop", language="en")
    return tmp_path / "shop"


@pytest.fixture
def engine(shop: Path) -> Iterator[Engine]:
    with Engine.open(shop, clock=FixedClock(NOW)) as engine:
        yield engine


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_a_server_key_posts_orders_and_a_public_key_does_not(engine: Engine) -> None:
    keys = {scope: engine.keys.create(scope, scope=scope) for scope in ("write", "server")}  # type: ignore[arg-type]
    rows = [ROW, {"order_id": "W2", "state": "exploded"}, {**ROW, "order_id": "W3"}]
    with TestClient(create_app(engine)) as client:
        refused = client.post("/v1/orders", json=rows, headers={"Authorization": f"Bearer {keys['write']}"})
        assert refused.status_code == 403
        assert engine.service.count_orders() == 0
        for _ in range(2):
            taken = client.post("/v1/orders", json=rows, headers={"Authorization": f"Bearer {keys['server']}"}).json()
            assert taken["taken"] == 2
            assert [(one["index"], one["field"]) for one in taken["rejected"]] == [(1, "state")]
    assert engine.service.count_orders() == 2


def test_a_purchase_event_of_the_shops_server_is_an_order_and_that_of_a_page_is_none(engine: Engine) -> None:
    properties = {"order_id": "E1", "revenue": 5}
    message = {"type": "track", "event": "Order Completed", "userId": "ann", "properties": properties}
    engine.events.collect({"batch": [message]}, trust="write")
    assert engine.service.count_orders() == 0
    engine.events.collect({"batch": [{**message, "messageId": "2"}]})
    (order,) = engine.service.orders(engine.service.visitor(engine.service.sign_visitor("ann")))
    assert (order.order_id, order.state) == ("E1", "pending")


def test_an_order_is_read_with_a_token_or_with_its_address(engine: Engine) -> None:
    engine.service.put_orders([ROW, {**ROW, "order_id": "W2", "customer_id": "bob", "email": "bob@example.com"}])
    token = engine.service.visitor(engine.service.sign_visitor("ann"), visitor_id="v")
    assert engine.service.order("#w1", token).order_id == "W1"
    with pytest.raises(NotFoundError) as theirs:
        engine.service.order("W2", token)
    with pytest.raises(NotFoundError) as nobodys:
        engine.service.order("W9", token)
    assert str(theirs.value) == str(nobodys.value), "nobody learns which orders there are"
    assert isinstance(engine.service.prove("W2", visitor_id="v", email="ann@example.com"), NoProof)
    proof = engine.service.prove("W2", visitor_id="v", email="bob@example.com")
    assert isinstance(proof, Proof)
    assert [order.order_id for order in engine.service.orders(proof)] == ["W2"]


def test_a_token_of_another_secret_or_too_long_a_time_opens_nothing(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="more than 24 hours"):
        engine.service.visitor(engine.service.sign_visitor("ann", hours=48))
    Engine.create(tmp_path / "other")
    with (
        Engine.open(tmp_path / "other", clock=FixedClock(NOW)) as other,
        pytest.raises(AccessError, match="not signed"),
    ):
        engine.service.visitor(other.service.sign_visitor("ann"))


def test_the_secret_of_the_environment_is_the_shops(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHANGGUI_VISITOR_SECRET", "shared with the shop's server")
    assert run("key", "visitor-secret", "-C", str(shop)).strip() == "shared with the shop's server"
    with Engine.open(shop) as engine:
        token = run("key", "visitor-token", "ann", "-C", str(shop)).strip()
        assert engine.service.visitor(token).customer_id == "ann"


def test_a_desk_whose_secret_is_missing_stops_what_it_is_needed_for_alone(shop: Path) -> None:
    settings = shop / "zhanggui.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8") + '\n[service]\ndesk_url = "https://shop.example.com/desk"\n'
    )
    with Engine.open(shop, clock=FixedClock(NOW)) as engine:
        engine.service.put_orders([ROW])
        request = DeskRequest(
            key="k", order_id="W1", action=Cancel(), proof=Proof(kind="token", customer_id="ann"), confirmed=True
        )
        with pytest.raises(DeliveryError, match="ZHANGGUI_DESK_SECRET"):
            engine.service.perform([request])
        assert engine.service.actions() == ()


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("2 orders taken in", "cancel: done")), ("zh", ("收录 2 笔订单", "取消：已完成"))]
)
def test_orders_on_the_command_line(shop: Path, tmp_path: Path, language: str, words: tuple[str, str]) -> None:
    file = tmp_path / "orders.jsonl"
    line = {"product_id": "cup", "title": "Cup", "options": {"size": "S"}, "price": 9}
    rows = [
        {**ROW, "lines": [line], "address": {"city": "杭州"}, "shipments": [{"tracking": "SF1"}]},
        {**ROW, "order_id": "W2"},
    ]
    file.write_text("\n".join([*map(json.dumps, rows), "{", '{"order_id": "W3", "total": "x"}']), encoding="utf-8")
    told = run("orders", "load", str(file), "-C", str(shop), "--language", language)
    assert words[0] in told
    rejects = sorted((shop / "data" / "rejects").glob("orders.jsonl-*"))
    assert [json.loads(one)["line"] for one in rejects[0].read_text(encoding="utf-8").splitlines()] == [3, 4]
    with Engine.open(shop) as engine:
        proof = Proof(kind="token", customer_id="ann")
        engine.service.perform([DeskRequest(key="k", order_id="W2", action=Cancel(), proof=proof, confirmed=True)])
    assert words[1] in run("orders", "actions", "-C", str(shop), "--language", language)
    shown = run("orders", "show", "#w1", "-C", str(shop), "--language", language)
    for part in ("W1", "Cup S", "杭州", "SF1", "9.00"):
        assert part in shown
    assert json.loads(run("orders", "show", "W2", "-C", str(shop), "--json"))[0]["actions"][0]["outcome"] == "done"


def test_an_unknown_order_is_one_sentence(shop: Path) -> None:
    with pytest.raises(NotFoundError, match="W9"):
        run("orders", "show", "W9", "-C", str(shop))


def test_policies_are_listed_and_searched_in_either_language(shop: Path) -> None:
    write_policy_pages(shop / "policies")
    listed = run("policies", "-C", str(shop))
    assert "returns#return-period  [en]" in listed
    assert "returns#退货期限  [zh]" in listed
    assert run("policies", "运费谁出", "-C", str(shop), "--language", "zh").startswith("returns#退货运费谁承担")
    (found,) = json.loads(run("policies", "do you ship abroad", "-C", str(shop), "--limit", "1", "--json"))
    assert found["citation"] == "shipping#international-delivery-and-customs"
    (shop / "policies" / "bad.md").write_bytes(b"\xff")
    assert "bad.md" in run("policies", "-C", str(shop), code=1)


def test_the_sample_shop_has_orders_in_every_stage(engine: Engine, tmp_path: Path) -> None:
    made = write_sample(tmp_path / "sample", until=NOW)
    assert engine.service.load_orders(made.orders).rejected == 0
    with engine.database.reading() as connection:
        orders = list(order_store.every(connection))
    assert {order.state for order in orders} == {"pending", "shipped", "delivered"}
    assert all(order.address for order in orders)
