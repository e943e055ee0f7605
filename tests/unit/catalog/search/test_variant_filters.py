"""Filters hold of one variant at once: not red of one, M of another and cheap of a third."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from search_shop import NOW, Shop, cny
from zhanggui.catalog import Product
from zhanggui.catalog.product import Variant, with_variants
from zhanggui.catalog.search import Relaxation
from zhanggui.storage import Database


def variant(product_id: str, colour: str, size: str, price: int, *, stock: int = 5, sale: int | None = None) -> Variant:
    return Variant(
        variant_id=f"{product_id}-{colour}-{size}",
        options={"Color": colour, "Size": size},
        price=cny(price),
        sale_price=cny(sale) if sale is not None else None,
        stock=stock,
    )


def blouse(product_id: str, *variants: tuple[str, str, int, int], **facts: str) -> Product:
    whole = Product(
        product_id=product_id,
        titles={"en": f"Blouse {product_id}"},
        category="Clothing > Blouses",
        price=cny(1),
        attributes=facts,
    )
    return with_variants(
        whole, [variant(product_id, colour, size, price, stock=stock) for colour, size, price, stock in variants]
    )


FITS = blouse("fits", ("red", "M", 180, 3), ("blue", "L", 300, 3))
DEAR = blouse("dear", ("red", "M", 250, 3), ("blue", "M", 150, 3))
GONE = blouse("gone", ("red", "M", 150, 0), ("red", "L", 150, 3), ("blue", "M", 150, 3))
APART = blouse("apart", ("red", "L", 100, 3), ("blue", "M", 100, 3))
NUTTY = blouse("nutty", ("green", "S", 90, 3), Material="wool")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.db").write_bytes(migrated_file.read_bytes())
    shop = Shop(folder, Database(f"sqlite:///{folder / 'shop.db'}"))
    shop.put(FITS, DEAR, GONE, APART, NUTTY)
    return shop


RED_M = {"colour": ("red",), "size": ("M",)}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"wanted": RED_M, "price_max": cny(200), "in_stock": True}, {"fits"}),
        ({"wanted": RED_M, "in_stock": True}, {"fits", "dear"}),
        ({"wanted": RED_M}, {"fits", "dear", "gone"}),
        ({"wanted": RED_M, "price_max": cny(200)}, {"fits", "gone"}),
        ({"wanted": {"colour": ("red",)}, "price_max": cny(160)}, {"gone", "apart"}),
        ({"price_min": cny(200)}, {"fits", "dear"}),
        ({"unwanted": {"colour": ("red",)}}, {"fits", "dear", "gone", "apart", "nutty"}),
        ({"unwanted": {"colour": ("blue", "green")}, "wanted": {"size": ("M",)}}, {"fits", "dear", "gone"}),
        ({"unwanted": {"colour": ("blue",), "size": ("M",)}}, {"gone", "apart", "nutty"}),
        ({"unwanted": {"material": ("wool",)}}, {"fits", "dear", "gone", "apart"}),
    ],
)
def test_one_variant_is_all_that_is_asked_for(shop: Shop, asked: dict[str, object], ids: set[str]) -> None:
    results = shop.search("blouse", **asked)
    assert results.relaxed == ()
    assert set(results.product_ids) == ids
    assert results.total == len(ids)


def test_a_wish_that_no_variant_has_beside_the_others_is_given_up(shop: Shop) -> None:
    results = shop.search("blouse", wanted={"colour": ("green",), "size": ("M",)})
    assert results.relaxed == (Relaxation(constraint="size", value="M"),)
    assert results.product_ids == ("nutty",)
    dear = shop.search("blouse", wanted={"size": ("M",)}, price_min=cny(260))
    assert dear.relaxed == (Relaxation(constraint="price_min", value=str(cny(260))),)


def test_the_other_values_of_a_chosen_aspect_are_counted_among_what_has_a_variant_for_the_rest(shop: Shop) -> None:
    facets = shop.search("blouse", wanted=RED_M, price_max=cny(170)).facets
    # One in M for no more than 170: dear and apart in blue, gone in both; fits has none.
    assert {one.value: one.count for one in facets["colour"] if one.value in ("red", "blue")} == {"red": 3, "blue": 3}


def test_by_price_is_by_what_the_variant_costs(shop: Shop) -> None:
    assert shop.search("blouse", wanted=RED_M, in_stock=True, sort="price").product_ids == ("fits", "dear")
    assert shop.search("blouse", wanted=RED_M, in_stock=True, sort="-price").product_ids == ("dear", "fits")


def test_the_sale_price_of_a_variant_counts_until_it_ends(tmp_path: Path, database: Database) -> None:
    shop = Shop(tmp_path, database)
    reduced = [variant("sale", "red", "M", 250, sale=150), variant("sale", "blue", "M", 250)]
    shop.put(replace(with_variants(FITS, reduced), product_id="sale", sale_until=NOW + timedelta(hours=1)))
    asked = {"wanted": {"colour": ("red",)}, "price_max": cny(200)}
    assert shop.search("blouse", **asked).relaxed == ()
    assert shop.search("blouse", wanted={"colour": ("blue",)}, price_max=cny(200)).relaxed != ()
    assert shop.search("blouse", **asked, now=NOW + timedelta(hours=2)).relaxed != ()
