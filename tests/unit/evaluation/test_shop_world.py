"""A catalogue as arrays."""

from dataclasses import replace

import pytest

from simulated_shop import NOW, products, world
from zhanggui.catalog.ontology import build_ontology
from zhanggui.errors import EvaluationError
from zhanggui.evaluation.shop_world import CATEGORY, shop_world


def test_a_product_has_its_category_and_the_values_of_its_aspects_and_its_price() -> None:
    shop = world()
    assert shop.aspect_names[CATEGORY] == "category"
    first = {(shop.aspect_names[shop.aspects[value]], shop.values[value]) for value in shop.holds[0].nonzero()[0]}
    assert first == {("category", "Cups"), ("colour", "red"), ("size", "S")}
    assert shop.prices[:3].tolist() == [10, 20, 30]


def test_what_cannot_be_bought_or_may_not_be_asked_about_is_left_out() -> None:
    things = products()
    things[0] = replace(things[0], stock=0)
    ontology = replace(build_ontology(things), ignored=("size",))
    shop = shop_world(things, ontology, now=NOW)
    assert shop.product_ids[0] == "p1"
    assert shop.aspect_names == ("category", "colour")


def test_of_a_large_catalogue_so_many_are_drawn_and_always_the_same() -> None:
    things = products()
    some, again = (shop_world(things, build_ontology(things), now=NOW, most=5) for _ in range(2))
    assert len(some.product_ids) == 5
    assert some.product_ids == again.product_ids


def test_a_catalogue_of_one_kind_and_no_aspect_leaves_nothing_to_ask() -> None:
    with pytest.raises(EvaluationError, match="no two products that differ"):
        shop_world([replace(products()[0], attributes={})], build_ontology([]), now=NOW)
