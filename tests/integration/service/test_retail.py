"""The retail shop: its three files become a shop, and everyday requests end as their reference actions (benchmarks/retail.py)."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from zhanggui.engine import Engine
from zhanggui.errors import ConfigError
from zhanggui.shops.taubench_retail import convert
from zhanggui.testing import FixedClock

NOW = datetime(2026, 3, 2, tzinfo=UTC)
STATES = ("pending",) * 14 + ("delivered",) * 7 + ("processed", "cancelled")


def order(number: int, state: str) -> dict[str, Any]:
    item = {"name": "Cup", "product_id": "1", "item_id": "11", "price": 10.5, "options": {"size": "S", "color": "red"}}
    paid = {"transaction_type": "payment", "amount": 21.0, "payment_method_id": "credit_card_1"}
    back = [{**paid, "transaction_type": "refund"}] if state == "cancelled" else []
    return {
        "order_id": f"#W{1000000 + number}",
        "user_id": f"user_{number % 3}",
        "address": {"address1": f"{number} Main Street", "city": "Denver", "zip": "80279"},
        "items": [item, item],
        "fulfillments": [{"tracking_id": ["77"], "item_ids": ["11"]}] if state == "delivered" else [],
        "status": state,
        "payment_history": [paid, *back],
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("retail")
    orders = {f"#W{1000000 + number}": order(number, state) for number, state in enumerate(STATES)}
    card = {"source": "credit_card", "brand": "visa", "last_four": "1234", "id": "credit_card_1"}
    users = {
        f"user_{number}": {
            "name": {"first_name": "Ann", "last_name": "Li"},
            "address": {"city": "Denver"},
            "email": f"user{number}@example.com",
            "payment_methods": {"credit_card_1": card},
            "orders": [one["order_id"] for one in orders.values() if one["user_id"] == f"user_{number}"],
        }
        for number in range(3)
    }
    variants = {
        item_id: {"item_id": item_id, "options": {"size": size, "color": "red"}, "available": available, "price": price}
        for item_id, size, available, price in (
            ("11", "S", True, 10.5),
            ("12", "M", False, 11),
            ("13", "L", True, 12.25),
        )
    }
    products = {"1": {"name": "Cup", "product_id": "1", "variants": variants}}
    for name, content in (("users", users), ("orders", orders), ("products", products)):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "retail.py"
    spec = importlib.util.spec_from_file_location("retail_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_three_files_become_what_a_shop_could_have_given_us(data: Path, tmp_path: Path) -> None:
    files = convert(data, tmp_path, until=NOW)
    rows = [json.loads(line) for line in files.orders.read_text(encoding="utf-8").splitlines()]
    first = next(row for row in rows if row["order_id"] == "#W1000000")
    assert first["lines"] == [
        {
            "product_id": "1",
            "variant_id": "11",
            "title": "Cup",
            "options": {"size": "S", "color": "red"},
            "price": 10.5,
            "quantity": 2,
        }
    ]
    assert (first["total"], first["email"]) == (21.0, "user0@example.com")
    assert first["payments"] == [{"kind": "payment", "amount": 21.0, "method": "Visa ending in 1234"}]
    assert files.counts == {"users": 3, "orders": len(STATES), "products": 1}
    placed = [row["placed_at"] for row in rows if row["customer_id"] == "user_0"]
    assert placed == sorted(placed), "a customer's orders, one after the other"


@pytest.mark.parametrize("content", ["{", "[]", '{"u": {}}'])
def test_other_files_are_told_apart(tmp_path: Path, content: str) -> None:
    for name in ("users", "orders", "products"):
        (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=str(tmp_path)):
        convert(tmp_path, tmp_path / "out", until=NOW)


def test_everyday_requests_end_as_their_reference_actions(data: Path, benchmark: ModuleType) -> None:
    assert benchmark.run(data, benchmark.by_turns) == 0


def test_a_request_that_was_not_carried_out_is_noticed(data: Path, benchmark: ModuleType) -> None:
    assert benchmark.run(data, lambda _engine, _request, _key: "nothing") == 15


@pytest.fixture(scope="module")
def engine(data: Path, benchmark: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    shop = tmp_path_factory.mktemp("shop") / "retail"
    benchmark.import_shop(data, shop)
    with Engine.open(shop, clock=FixedClock(NOW)) as engine:
        yield engine


def talk(engine: Engine, *texts: str) -> list[str]:
    """The last act of each turn."""
    conversation = engine.conversations.start(language="en", seed="1")
    return [engine.conversations.turn(conversation.conversation_id, text).acts[-1] for text in texts]


PROVEN = ("I want to exchange the cup in order #W1000004", "My e-mail address is user1@example.com")


def test_where_no_variant_is_named_the_customer_is_asked_and_then_a_person_helps(engine: Engine) -> None:
    before = engine.service.orders_digest()
    assert talk(engine, *PROVEN)[-1] == "ask_variant"
    assert talk(engine, *PROVEN, "Size L please")[-1] == "confirm"
    assert talk(engine, *PROVEN, "Size XXL please")[-1] == "hand_over"
    assert engine.service.orders_digest() == before


def test_a_no_leaves_the_order_as_it_was(engine: Engine) -> None:
    before = engine.service.orders_digest()
    acts = talk(engine, *PROVEN, "Size L please", "No, leave it", "yes")
    assert acts[2] == "confirm"
    assert acts[3] == "dropped"
    assert engine.service.orders_digest() == before, "a yes to nothing does nothing"


def test_a_sold_out_variant_is_not_offered_and_what_is_named_with_the_wish_is_confirmed_at_once(engine: Engine) -> None:
    engine_says = engine.conversations.turn
    conversation = engine.conversations.start(language="en", seed="1").conversation_id
    engine_says(conversation, PROVEN[0])
    asked = engine_says(conversation, PROVEN[1])
    assert "size L" in asked.answer
    assert "size M" not in asked.answer
    assert talk(engine, "I want to exchange the cup in order #W1000007 for one in size L", PROVEN[1])[-1] == "confirm"
