"""Feeds whose products have variants: as a list, as one row a variant, as Google's and Shopify's."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from zhanggui.catalog import Product, store
from zhanggui.engine import Engine

SHIRT = {"product_id": "shirt", "title_en": "Shirt", "category": "Shirts", "currency": "USD"}
SMALL = {"variant_id": "s", "options": {"Size": "S"}, "price": "20", "stock": 3}
LARGE = {"variant_id": "l", "options": {"Size": "L"}, "price": "25", "stock": 2, "url": "https://a.example/l"}


class Shop:
    def __init__(self, folder: Path) -> None:
        Engine.create(folder, language="en")
        self.engine, self.folder = Engine.open(folder), folder

    def load(self, name: str, rows: Sequence[Mapping[str, Any]], **options: Any) -> list[dict[str, Any]]:
        """Take in a feed; what was refused."""
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            if path.suffix == ".jsonl":
                file.writelines(json.dumps(row) + "\n" for row in rows)
            else:
                writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
                writer.writeheader()
                writer.writerows(rows)
        done = self.engine.catalog.load(path, **options)
        lines = done.rejects.read_text(encoding="utf-8").splitlines() if done.rejects else []
        return [json.loads(line) for line in lines]

    def product(self, name: str) -> Product:
        with self.engine.database.reading() as connection:
            return store.find(connection, [name])[name]

    def ids(self) -> set[str]:
        with self.engine.database.reading() as connection:
            return store.ids(connection)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    yield shop
    shop.engine.close()


def stocks(product: Product) -> dict[str, int | None]:
    return {variant.variant_id: variant.stock for variant in product.variants}


def test_a_list_of_variants_makes_one_product_with_their_prices_and_stock(shop: Shop) -> None:
    off = {"variant_id": "x", "options": {"Size": "X"}, "price": 9, "available": False}
    pictures = ["https://a.example/2.png", "https://a.example/3.png"]
    assert shop.load("a.jsonl", [{**SHIRT, "variants": [SMALL, LARGE, off], "image_urls": pictures}]) == []
    shirt = shop.product("l")
    assert (shirt.product_id, str(shirt.price), shirt.stock) == ("shirt", "$20.00", 5), "what is sold out sets no price"
    assert stocks(shirt) == {"s": 3, "l": 2, "x": 0}
    assert (shirt.variant("l").options, shirt.variant("l").url) == ({"Size": "L"}, "https://a.example/l")
    assert shirt.image_urls == tuple(pictures)


def test_a_variant_takes_the_product_s_price_and_sale_where_it_has_none(shop: Shop) -> None:
    rows = [{**SHIRT, "price": "30", "sale_price": "24", "variants": [{"variant_id": "s", "Size": "S"}, LARGE]}]
    assert shop.load("a.jsonl", rows) == []
    small, large = shop.product("shirt").variants
    assert [str(small.price), str(small.sale_price), small.options] == ["$30.00", "$24.00", {"Size": "S"}]
    assert [str(large.price), large.sale_price] == ["$25.00", None]


BAD: list[tuple[Any, str]] = [
    ("L", "variants[1]"),
    ({"options": {}, "price": 1}, "variants[1].variant_id"),
    ({"variant_id": "s", "price": 1}, "variants[1].variant_id"),
    ({"variant_id": "m", "price": "cheap"}, "variants[1].price"),
    ({"variant_id": "m"}, "variants[1].price"),
    ({"variant_id": "m", "price": 0}, "variants[1].price"),
    ({"variant_id": "m", "price": "5 EUR"}, "variants[1].price"),
    ({"variant_id": "m", "price": 5, "sale_price": 9}, "variants[1].sale_price"),
    ({"variant_id": "m", "price": 5, "stock": "many"}, "variants[1].stock"),
    ({"variant_id": "m", "price": 5, "available": "yes"}, "variants[1].available"),
    ({"variant_id": "m", "price": 5, "options": ["M"]}, "variants[1].options"),
    ({"variant_id": "m", "price": 5, "url": "javascript:1"}, "variants[1].url"),
]


def test_bad_variants_are_refused_with_line_and_field_and_the_good_ones_go_on(shop: Shop) -> None:
    rows = [
        {**SHIRT, "product_id": f"p{n}", "variants": [SMALL | {"variant_id": "s"}, bad]}
        for n, (bad, _) in enumerate(BAD)
    ]
    refused = shop.load("a.jsonl", [*rows, {**SHIRT, "variants": [BAD[0][0]]}], full=True)
    assert [(one["line"], one["field"]) for one in refused] == [
        *((line, field) for line, (_, field) in enumerate(BAD, 1)),
        (len(BAD) + 1, "variants[0]"),
        (len(BAD) + 1, "variants"),
    ]
    assert shop.ids() == {f"p{n}" for n in range(len(BAD))}
    assert all(len(shop.product(one).variants) == 1 for one in shop.ids())


def test_a_bad_further_picture_is_refused_alone(shop: Shop) -> None:
    pictures = ["https://a.example/1.png", "data:,x"]
    refused = shop.load("a.jsonl", [{**SHIRT, "price": 1, "image_urls": pictures}])
    assert [(one["line"], one["field"]) for one in refused] == [(1, "image_urls[1]")]
    assert shop.product("shirt").image_urls == ("https://a.example/1.png",)


def row(sku: str, colour: str, size: str, **more: Any) -> dict[str, Any]:
    return {
        "product_id": sku,
        "item_group_id": "tee",
        "title": f"Cotton tee - {colour}, {size}",
        "price": "10 USD",
        "stock": 1,
        "Colour": colour,
        "Size": size,
        "material": "cotton",
        "image_url": f"https://a.example/{colour}.png",
    } | more


ROWS = [row("1", "Blue", "S"), row("2", "Blue", "M", price="12 USD"), row("3", "Black", "M", stock=0)]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_rows_of_one_item_group_are_one_product(shop: Shop, name: str) -> None:
    assert shop.load(name, ROWS) == []
    tee = shop.product("2")
    assert (tee.product_id, tee.titles["en"], tee.attributes) == ("tee", "Cotton tee", {"material": "cotton"})
    assert {one.variant_id: (dict(one.options), str(one.price)) for one in tee.variants} == {
        "1": ({"Colour": "Blue", "Size": "S"}, "$10.00"),
        "2": ({"Colour": "Blue", "Size": "M"}, "$12.00"),
        "3": ({"Colour": "Black", "Size": "M"}, "$10.00"),
    }
    assert (tee.image_url, tee.image_urls) == ("https://a.example/Blue.png", ("https://a.example/Black.png",))
    assert (tee.stock, [one.image_url for one in tee.variants]) == (2, ["", "", "https://a.example/Black.png"])


def test_titles_are_what_siblings_have_alike_in_each_language(shop: Shop) -> None:
    def titled(sku: str, en: str, zh: str) -> dict[str, Any]:
        return {"product_id": sku, "item_group_id": "tee", "title_en": en, "title_zh": zh, "price": 1}

    rows = [
        titled("1", "Linen tee (Blue)", "亚麻T恤 蓝色"),
        titled("2", "Linen tee (Black)", ""),
        titled("3", "Linen tee (Red)", "亚麻T恤 红色"),
    ]
    assert shop.load("a.jsonl", rows) == []
    assert shop.product("tee").titles == {"en": "Linen tee", "zh": "亚麻T恤"}
    shop.load("b.jsonl", [titled("4", "Tea", ""), titled("5", "Cup of clay", "")], full=True)
    assert shop.product("tee").titles == {"en": "Tea"}, "what they have alike is too little"


def test_a_feed_of_some_rows_leaves_the_other_variants_and_a_full_one_does_not(shop: Shop) -> None:
    shop.load("a.csv", ROWS)
    shop.load("b.csv", [row("2", "Blue", "M", stock=7), row("4", "Red", "M")])
    assert stocks(shop.product("tee")) == {"1": 1, "2": 7, "3": 0, "4": 1}
    shop.load("c.csv", [row("2", "Blue", "M"), row("3", "Black", "M", price="?")], full=True)
    assert stocks(shop.product("tee")) == {"2": 1, "3": 0}, "a row that was refused names its variant all the same"


def test_a_deleted_variant_goes_and_the_last_takes_its_product_along(shop: Shop) -> None:
    shop.load("a.csv", ROWS)
    shop.load(
        "b.jsonl",
        [
            {"product_id": "1", "deleted": True},
            {"product_id": "3", "item_group_id": "tee", "availability": "discontinued"},
        ],
    )
    assert stocks(shop.product("tee")) == {"2": 1}
    assert str(shop.product("tee").price) == "$12.00"
    shop.load("c.jsonl", [{"product_id": "2", "deleted": True}])
    assert shop.ids() == set()


def test_siblings_in_another_currency_are_refused(shop: Shop) -> None:
    refused = shop.load("a.csv", [row("1", "Blue", "S"), row("2", "Blue", "M", price="10 EUR")])
    assert [(one["line"], one["field"]) for one in refused] == [(3, "price")]


def test_google_s_items_are_grouped_with_their_pictures_and_availability(shop: Shop) -> None:
    def item(sku: str, size: str, **more: str) -> dict[str, str]:
        texts = {"id": sku, "title": "Rain coat", "price": "50 USD", "item_group_id": "coat", "size": size}
        return texts | {"availability": "in_stock", "quantity": "", "additional_image_link": ""} | more

    rows = [
        item("c-s", "S", additional_image_link="https://a.example/2.png,https://a.example/3.png"),
        item("c-m", "M", availability="preorder", quantity="0"),
        item("c-l", "L", availability="backorder"),
        item("c-x", "XL", availability="out_of_stock", quantity="4"),
        item("hat", "one size", item_group_id=""),
    ]
    assert shop.load("a.tsv", rows) == []
    coat = shop.product("c-m")
    assert {one.variant_id: one.availability for one in coat.variants} == {
        "c-s": "in stock",
        "c-m": "preorder",
        "c-l": "backorder",
        "c-x": "out of stock",
    }
    assert (coat.product_id, coat.image_urls) == ("coat", ("https://a.example/2.png", "https://a.example/3.png"))
    assert (shop.ids(), shop.product("hat").variants) == ({"coat", "hat"}, ())


def test_a_shop_with_one_product_a_sku_finds_old_ids_after_it_groups_them(shop: Shop) -> None:
    shop.load("a.csv", [{name: text for name, text in one.items() if name != "item_group_id"} for one in ROWS])
    assert shop.ids() == {"1", "2", "3"}
    shop.load("b.csv", ROWS)
    assert shop.ids() == {"tee"}
    assert {shop.product(old).product_id for old in ("1", "2", "3")} == {"tee"}


def test_products_put_over_the_api_have_variants_too(shop: Shop) -> None:
    bad = {"variant_id": "b", "price": "?"}
    done = shop.engine.catalog.put([{**SHIRT, "variants": [SMALL, bad]}, *ROWS, {"product_id": "x"}])
    assert (done.upserted, [(error.line, error.field) for error in done.errors]) == (
        2,
        [(0, "variants[1].price"), (4, "title")],
    )
    assert (list(stocks(shop.product("s"))), len(shop.product("3").variants)) == (["s"], 3)
