"""500 hostile products and 60 hostile questions: every answer is data of bounded length, with the shop's own prices."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hostile_talk import products, turns
from mcp_behaviours import META
from zhanggui.engine import Engine
from zhanggui.errors import InputError
from zhanggui.mcp.tools import TOOLS

CALL = {tool.name: tool.call for tool in TOOLS}
ROWS = {row["product_id"]: row for row in products(500, seed=29)}
TOKENS = re.compile(r"<script|<\|im_start|\[INST\]|[\u200b\u202e\u202c\ufeff]|\\u00(?:0|1)|javascript:")


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("hostile") / "shop"
    Engine.create(folder, language="en")
    with Engine.open(folder) as engine:
        engine.catalog.put(list(ROWS.values()))
        engine.service.put_orders([{"order_id": "ZG1", "customer_id": "mia", "email": "mia@example.com"}])
        yield engine


def asked(engine: Engine, tool: str, **arguments: Any) -> dict[str, Any]:
    return dict(CALL[tool](engine, META | arguments, "a test"))


def is_harmless(product: dict[str, Any]) -> bool:
    """Plain texts of bounded length; prices as the feed had them; links to pages alone."""
    prices = [variant["price"]["amount"] for variant in product["variants"]]
    told = json.dumps(product, ensure_ascii=False)
    return (
        prices == [int(ROWS[product["id"]]["price"]) * 100]
        and len(product["title"]) <= 200
        and len(product["description"]["plain"]) <= 4_000
        and product.get("url", "https://").startswith("https://")
        and not TOKENS.search(told)
    )


def test_what_hostile_products_say_is_data_of_bounded_length_with_their_own_prices(hostile_shop: Engine) -> None:
    batches = [list(ROWS)[start : start + 50] for start in range(0, len(ROWS), 50)]
    for language in ("en", "zh"):
        shown = {
            product["id"]: product
            for ids in batches
            for product in asked(
                hostile_shop, "lookup_catalog", catalog={"ids": ids, "context": {"language": language}}
            )["products"]
        }
        refused = [row["product_id"] for row in ROWS.values() if row["url"].startswith("javascript:")]
        assert len(shown) + len(refused) >= 450
        assert not set(refused) & set(shown)
        assert [name for name, product in shown.items() if not is_harmless(product)] == []


def test_hostile_questions_are_answered_from_the_catalogue_and_break_nothing(hostile_shop: Engine) -> None:
    for question in turns(60, seed=31):
        words = question[:500]
        found = asked(hostile_shop, "search_catalog", catalog={"query": words})["products"] if words.strip() else []
        assert [product["id"] for product in found if not is_harmless(product)] == []
        assert asked(hostile_shop, "lookup_catalog", catalog={"ids": [words[:256]]})["products"] == []
        assert asked(hostile_shop, "search_shop_policies_and_faqs", query=words)["sections"] == []


def test_hostile_proofs_open_no_order(hostile_shop: Engine) -> None:
    for number, text in enumerate(turns(60, seed=37)):
        proof = {("email", "phone", "visitor_token")[number % 3]: text[:320]}
        answer = CALL["get_order"](hostile_shop, META | {"id": "ZG1", "proof": proof}, f"visitor {number}")
        assert answer["messages"][0]["code"] == "unauthorized"
        assert "mia" not in json.dumps(answer)


def test_a_cursor_that_somebody_made_up_is_refused(hostile_shop: Engine) -> None:
    for text in ("b2Zmc2V0IC0x", "b2Zmc2V0IDk5OTk5OTk5", "////", "é", "b2Zmc2V0IMK5"):
        with pytest.raises(InputError, match="cursor"):
            asked(hostile_shop, "search_catalog", catalog={"query": "tea", "pagination": {"cursor": text}})
