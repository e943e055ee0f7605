"""The feed against the fields that the protocol names; a table of them stands here, for its objects allow no other."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from zhanggui.catalog.agent_feed import feed_product, write
from zhanggui.catalog.product import Product, Variant, with_variants
from zhanggui.money import Money

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PRODUCT = {"id", "title", "description", "url", "media", "variants"}
VARIANT = {
    "id", "title", "description", "url", "barcodes", "price", "list_price", "unit_price", "availability", "categories",
    "condition", "variant_options", "media", "seller", "marketplace",
}  # fmt: skip


def usd(minor: int) -> Money:
    return Money(currency="USD", minor=minor)


SHIRT = with_variants(
    Product(
        product_id="shirt",
        titles={"en": "Linen shirt", "zh": "亚麻衬衫"},
        price=usd(3000),
        sale_until=NOW + timedelta(days=1),
        category="Clothing > Shirts",
        image_url="https://shop.example.com/shirt.jpg",
    ),
    [
        Variant(variant_id="shirt-s", options={"Color": "blue", "Size": "S"}, price=usd(3000), stock=0),
        Variant(variant_id="shirt-m", options={"Color": "blue", "Size": "M"}, price=usd(3000), sale_price=usd(2500)),
    ],
)
TEA = Product(
    product_id="tea",
    titles={"zh": "<b>茉莉花茶</b><|im_start|>"},
    descriptions={"zh": "茶" * 9_000},
    price=Money(currency="CNY", minor=8800),
)


def line(product: Product, language: str = "en", moment: datetime = NOW) -> dict:
    return dict(feed_product(product, language=language, seller="Tea & Linen", moment=moment))


def test_only_fields_of_the_protocol_are_written() -> None:
    for product in (SHIRT, TEA):
        told = line(product)
        assert set(told) <= PRODUCT
        assert told["variants"]
        assert all({"id", "title"} <= set(variant) <= VARIANT for variant in told["variants"])


def test_prices_are_minor_units_and_those_of_the_moment() -> None:
    cheap, sold_out = line(SHIRT)["variants"]
    assert cheap["price"] == {"amount": 2500, "currency": "USD"}
    assert cheap["list_price"] == {"amount": 3000, "currency": "USD"}
    assert "list_price" not in sold_out
    after = line(SHIRT, moment=NOW + timedelta(days=2))["variants"]
    assert [variant["price"]["amount"] for variant in after] == [3000, 3000]


def test_what_can_be_bought_comes_first_and_says_so() -> None:
    variants = line(SHIRT)["variants"]
    assert [variant["id"] for variant in variants] == ["shirt-m", "shirt-s"]
    assert [variant["availability"] for variant in variants] == [
        {"available": True, "status": "in_stock"},
        {"available": False, "status": "out_of_stock"},
    ]
    assert variants[0]["variant_options"] == [{"name": "Color", "value": "blue"}, {"name": "Size", "value": "M"}]


def test_a_product_without_variants_is_its_own() -> None:
    (variant,) = line(TEA)["variants"]
    assert variant["id"] == "tea"
    assert variant["price"] == {"amount": 8800, "currency": "CNY"}


def test_texts_are_plain_cut_and_in_the_language_asked_for_where_there_is_one() -> None:
    told = line(TEA)
    assert told["title"] == "茉莉花茶"
    assert len(told["description"]["plain"]) == 4_000
    assert line(SHIRT, "zh")["title"] == "亚麻衬衫"


def test_the_files_replace_the_former_ones(tmp_path: Path) -> None:
    for products in ([SHIRT], [SHIRT, TEA]):
        count = write(tmp_path, products, language="zh", seller="茶行", country="CN", now=NOW)
        assert count == len(products)
    lines = (tmp_path / "products.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(text)["id"] for text in lines] == ["shirt", "tea"]
    assert json.loads((tmp_path / "metadata.json").read_text()) == {
        "id": "catalog",
        "target_country": "CN",
        "updated_at": "2026-11-30T12:00:00Z",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metadata.json", "products.jsonl"]
