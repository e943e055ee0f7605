from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zhanggui.catalog import Product, Variant
from zhanggui.catalog.document import from_data, to_data
from zhanggui.catalog.product import with_variants
from zhanggui.money import Money

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def yuan(amount: int) -> Money:
    return Money(currency="CNY", minor=amount * 100)


def variant(name: str, price: int, **more) -> Variant:
    return Variant(variant_id=name, options={"size": name}, price=yuan(price), **more)


SHIRT = Product(product_id="shirt", titles={"en": "Shirt"}, price=yuan(1), image_urls=("https://a.example/2.png",))


def test_a_product_costs_what_its_cheapest_variant_at_hand_costs() -> None:
    shirt = with_variants(SHIRT, [variant("S", 80, stock=0), variant("M", 100, stock=3), variant("L", 120, stock=1)])
    assert (shirt.price, shirt.sale_price, shirt.stock, shirt.sold_out) == (yuan(100), None, 4, False)
    assert shirt.price_range_at(NOW) == (yuan(100), yuan(120))
    assert with_variants(SHIRT, [variant("S", 80, stock=0)]).price == yuan(80), "of a sold-out product, all count"


def test_a_product_is_sold_out_when_all_its_variants_are() -> None:
    gone, ahead = variant("S", 80, stock=0), variant("M", 80, stock=0, ahead="preorder")
    assert with_variants(SHIRT, [gone]).sold_out
    assert with_variants(SHIRT, [gone, ahead]).availability == "preorder"
    assert with_variants(SHIRT, [gone, ahead, variant("L", 80)]).availability == "in stock", "uncounted"
    assert with_variants(SHIRT, [gone, variant("L", 80)]).stock is None
    assert [gone.availability, ahead.availability] == ["out of stock", "preorder"]


def test_a_sale_ends_for_variants_when_it_ends_for_the_product() -> None:
    shirt = with_variants(
        replace(SHIRT, sale_until=NOW), [variant("S", 100, sale_price=yuan(90)), variant("M", 120, sale_price=yuan(70))]
    )
    before = NOW - timedelta(hours=1)
    assert (shirt.price, shirt.sale_price) == (yuan(100), yuan(70))
    assert [shirt.price_at(before, one) for one in ("S", "M")] == [yuan(90), yuan(70)]
    assert [shirt.price_at(NOW, one) for one in ("S", "M")] == [yuan(100), yuan(120)]
    assert (shirt.price_at(before), shirt.price_at(NOW)) == (yuan(70), yuan(100))
    assert (shirt.price_range_at(before), shirt.price_range_at(NOW)) == ((yuan(70), yuan(90)), (yuan(100), yuan(120)))


def test_a_price_is_asked_of_a_variant_that_is_there() -> None:
    with pytest.raises(KeyError, match="XL"):
        with_variants(SHIRT, [variant("S", 100)]).price_at(NOW, "XL")


def test_a_product_comes_back_from_its_data() -> None:
    shirt = with_variants(SHIRT, [variant("S", 80, stock=0, ahead="backorder", sale_price=yuan(70)), variant("M", 90)])
    assert from_data(to_data(shirt)) == shirt


def test_data_of_before_variants_is_read() -> None:
    old = {key: value for key, value in to_data(SHIRT).items() if key not in ("variants", "image_urls", "ahead")}
    assert from_data(old) == replace(SHIRT, image_urls=())
