"""The search of the sample shop through its three doors: library, command line, HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from zhanggui.api import create_app
from zhanggui.catalog.search import Query
from zhanggui.cli.main import app
from zhanggui.engine import Engine
from zhanggui.testing import FixedClock
from zhanggui.worker import steps

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("search") / "shop"
    Engine.create(folder)
    with Engine.open(folder, clock=FixedClock(NOW)) as opened:
        opened.catalog.load(Path(str(files("zhanggui.shops") / "data" / "sample_products.jsonl")))
        yield opened


def command(engine: Engine, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["catalog", "search", *arguments, "-C", str(engine.folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("text", "product_id"), [("蓝边盘子", "ceramics-05"), ("blue plate", "ceramics-05"), ("longjing", "tea-01")]
)
def test_the_library_finds_products(engine: Engine, text: str, product_id: str) -> None:
    found = engine.catalog.search(Query(text=text))
    assert found.products[0].product_id == product_id
    assert tuple(one.product_id for one in found.products) == found.results.product_ids


def test_a_changed_price_and_a_sold_out_product_are_never_shown_as_they_were(engine: Engine) -> None:
    row = {"product_id": "ceramics-x", "title": "霁蓝釉茶盏", "price": "60", "stock": 3, "category": "Ceramics"}
    engine.catalog.put([row])
    asked = Query(text="霁蓝釉茶盏", in_stock=True)
    assert engine.catalog.search(asked).products[0].price.minor == 6_000
    engine.catalog.put([row | {"price": "70"}])
    assert engine.catalog.search(asked).products[0].price.minor == 7_000
    engine.catalog.put([row | {"stock": 0}])
    found = engine.catalog.search(asked)
    assert found.products[0].sold_out
    assert [one.constraint for one in found.results.relaxed] == ["in_stock"]
    engine.catalog.put([{"product_id": "ceramics-x", "deleted": True}])
    assert "ceramics-x" not in engine.catalog.search(Query(text="霁蓝釉茶盏")).results.product_ids


def test_the_worker_takes_changes_into_the_index(engine: Engine) -> None:
    engine.catalog.put([{"product_id": "late", "title": "迟到的灯笼", "price": "9"}])
    (index,) = [step for step in steps(engine) if step.name == "index"]
    assert list(index.do()) == []
    with Engine.open(engine.folder, clock=engine.clock) as other:
        before = other.catalog.search_index.artifacts.versions("search")
        assert other.catalog.search(Query(text="灯笼")).products[0].product_id == "late"
        assert other.catalog.search_index.artifacts.versions("search") == before


def test_the_command_shows_products_facets_and_what_was_given_up(engine: Engine) -> None:
    told = command(engine, "oolong", "--max-price", "50", "--where", "origin=Anxi")
    assert "given up: highest price ¥50.00" in told
    assert "tea-04" in told
    assert "✓ Anxi" in told
    assert "放宽了条件：最高价 ¥50.00" in command(engine, "乌龙", "--max-price", "50", "--language", "zh")
    assert "nothing matches" in command(engine, "zeppelin")
    data = json.loads(command(engine, "oolong", "--json"))
    assert data["products"][0]["product_id"] == "tea-04"
    assert data["facets"]["category"][0] == {"value": "Tea", "count": data["total"], "selected": False}


def test_over_http_a_shops_program_searches_and_a_page_may_not(engine: Engine) -> None:
    client = TestClient(create_app(engine))
    headers = {
        scope: {"Authorization": f"Bearer {engine.keys.create(scope, scope=scope)}"} for scope in ("server", "write")
    }
    asked = {"text": "tea", "where": ["origin=Anxi", "origin=Hangzhou"], "price_max": "100"}
    answer = client.get("/v1/products/search", params=asked, headers=headers["server"])
    assert [one["product_id"] for one in answer.json()["products"]] == ["tea-04"]
    assert client.get("/v1/products/search", params=asked, headers=headers["write"]).status_code == 403
    wrong = client.get("/v1/products/search", params={"where": "blue"}, headers=headers["server"])
    assert (wrong.status_code, "such as colour=blue" in wrong.text) == (422, True)
