from collections import Counter
from collections.abc import Mapping

import pytest

from zhanggui.catalog import Product, Variant
from zhanggui.catalog.ontology import (
    Aspect,
    Category,
    Ontology,
    Value,
    aspect_values,
    build_ontology,
    fold,
    general_ontology,
    variant_values,
)
from zhanggui.catalog.ontology.ontology import texts_of
from zhanggui.catalog.product import with_variants
from zhanggui.money import Money


def product(category: str = "", yuan: int = 10, brand: str = "", **attributes: str) -> Product:
    return Product(
        product_id="p",
        titles={"en": "p"},
        price=Money(currency="CNY", minor=yuan * 100),
        category=category,
        brand=brand,
        attributes={name.replace("_", " "): text for name, text in attributes.items()},
    )


def of_one(**attributes: str) -> Mapping[str, set[str]]:
    item = product(**attributes)
    return {name: set(values) for name, values in aspect_values(build_ontology([item]), item).items()}


@pytest.mark.parametrize(
    ("attributes", "values"),
    [
        ({"Color": "Blue"}, {"colour": {"blue"}}),
        ({"颜色": "藏青"}, {"colour": {"navy", "blue"}}),
        ({"color": "gray"}, {"colour": {"grey"}}),
        ({"尺码": "加大"}, {"size": {"XL"}}),
        ({"size": "medium"}, {"size": {"M"}}),
        ({"尺码": "170/92A"}, {"size": {"170/92A"}}),
        ({"size": "200*230厘米"}, {"size": {"200x230 cm"}}),
        ({"面料": "棉麻混纺"}, {"material": {"cotton", "linen"}}),
        ({"material": "Cashmere blend"}, {"material": {"cashmere"}}),
        ({"color": "黑白"}, {"colour": {"black", "white"}}),
        ({"面料": "竹叶"}, {"material": {"竹叶"}}),
        ({"面料": "70%棉,30%亚麻"}, {"material": {"cotton", "linen"}}),
        ({"material": "beech and ceramic"}, {"material": {"beech", "wood", "ceramic"}}),
        ({"净含量": "0.1公斤"}, {"weight": {"0.1 kg"}}),
        ({"capacity": "1.5 liters"}, {"capacity": {"1.5 l"}}),
        ({"flavor": "原味"}, {"flavour": {"original"}}),
        ({"brand": "Blue Kiln"}, {"brand": {"Blue Kiln"}}),
        ({"nib": "F"}, {"nib": {"F"}}),
    ],
)
def test_values_are_known_by_what_both_languages_call_them(
    attributes: dict[str, str], values: dict[str, set[str]]
) -> None:
    assert of_one(**attributes) == values


def test_a_value_that_nobody_knows_is_a_kind_of_what_it_ends_with() -> None:
    assert of_one(颜色="克莱因蓝") == {"colour": {"克莱因蓝", "blue"}}
    assert of_one(color="petrol blue") == {"colour": {"petrol blue", "blue"}}
    assert of_one(material="brushed cotton") == {"material": {"brushed cotton", "cotton"}}
    assert of_one(material="cotton rope") == {"material": {"cotton rope"}}, "a rope is not made out by its first word"


def test_an_aspect_of_the_feed_s_own_takes_the_words_of_its_kin() -> None:
    item = product(frame_color="gray")
    aspect = build_ontology([item]).aspect("Frame Color")
    assert aspect is not None
    assert (aspect.name, aspect.value("灰色"), aspect.value("blue")) == ("frame color", "grey", None)
    assert of_one(镜框颜色="灰") == {"镜框颜色": {"grey"}}


def test_a_shop_s_numbers_are_in_the_unit_that_it_states_most_often() -> None:
    items = [product(capacity="500ml"), product(capacity="300 ml"), product(容量="1.2L"), product(blade="18 cm")]
    ontology = build_ontology(items)
    aspect = ontology.aspect("容积")
    assert aspect is not None
    assert [value.value for value in aspect.values] == ["300 ml", "500 ml", "1200 ml"]
    assert aspect_values(ontology, items[2]) == {"capacity": {"1200 ml"}}
    assert (aspect.value("半杯"), aspect.value("0.5升"), aspect.label("1200 ml", "zh")) == (None, "500 ml", "1200毫升")
    assert {one.name: (one.kind, one.unit) for one in ontology.aspects}["blade"] == ("number", "cm")


def test_categories_are_called_what_the_feed_and_everybody_calls_them() -> None:
    items = [product("Home > Tea", 品类="茶叶"), product("Home > Tea", 品类="茶叶"), product("Gongfu", 品类="功夫茶具")]
    ontology = build_ontology([*items, product("服饰 > 衬衫")])
    paths = [category.path for category in ontology.categories]
    assert paths == ["Gongfu", "Home", "Home > Tea", "服饰", "服饰 > 衬衫"]
    asked = ("茶", "teas", "home > tea", "功夫茶具", "shirts", "Clothes", "bicycles")
    assert [ontology.category(text) for text in asked] == [
        "Home > Tea",
        "Home > Tea",
        "Home > Tea",
        "Gongfu",
        "服饰 > 衬衫",
        "服饰",
        None,
    ]
    assert ontology.aspect("品类") is None, "a category is not asked for twice"


def test_the_price_range_reaches_from_the_cheapest_to_the_dearest_variant() -> None:
    shirt = product(yuan=50)
    variants = [
        Variant(variant_id=str(yuan), options={"Colour": "Red"}, price=Money(currency="CNY", minor=yuan * 100))
        for yuan in (80, 120)
    ]
    ontology = build_ontology([with_variants(shirt, variants), product(yuan=90)])
    assert ontology.price_ranges == {"CNY": (8_000, 12_000)}


def test_variants_values_are_their_product_s_and_their_own() -> None:
    price = Money(currency="CNY", minor=100)
    red = Variant(variant_id="r", options={"颜色": "红", "Size": "small"}, price=price)
    navy = Variant(variant_id="n", options={"颜色": "藏青", "Size": "large"}, price=price)
    shirt = with_variants(product(material="cotton"), [red, navy])
    ontology = build_ontology([shirt])
    assert aspect_values(ontology, shirt) == {
        "colour": {"red", "navy", "blue"},
        "size": {"S", "L"},
        "material": {"cotton"},
    }
    assert variant_values(ontology, navy.options) == {"colour": {"navy", "blue"}, "size": {"L"}}


def test_codes_and_descriptions_are_nothing_to_choose_by() -> None:
    items = [
        product(serial=f"no {number}", care="Wash by hand. " * 9, page="https://a.example") for number in range(400)
    ]
    assert build_ontology(items).aspects == ()


def test_what_was_edited_wins_over_what_products_say() -> None:
    blue = Value(value="blue", labels={"en": ("blue", "navy"), "zh": ("蓝",)})
    edited = Ontology(
        categories=(Category(path="Tea", labels={"zh": ("好茶",)}),),
        aspects=(Aspect(name="shade", labels={"en": ("colour", "color")}, values=(blue,)),),
        price_ranges={"CNY": (100, 200)},
        ignored=("origin",),
    )
    item = product("Tea", yuan=90, color="navy", origin="Anxi", material="cotton")
    ontology = build_ontology([item, product(color="red")], edited=edited)
    assert aspect_values(ontology, item) == {"shade": {"blue"}, "material": {"cotton"}}
    assert [value.value for value in ontology.aspects[0].values] == ["blue", "red"], "what products add comes after it"
    assert ontology.categories[0].labels == {"zh": ("好茶",)}
    assert ontology.price_ranges == {"CNY": (100, 200)}


def test_within_each_general_aspect_a_text_means_one_value() -> None:
    for aspect in general_ontology().aspects:
        texts = Counter(text for one in aspect.values for text in {fold(t) for t in texts_of(one.value, one.labels)})
        assert [text for text, times in texts.items() if times > 1] == [], aspect.name


def test_every_general_colour_size_and_material_has_a_chinese_name() -> None:
    for name in ("colour", "size", "material"):
        aspect = general_ontology().aspect(name)
        assert aspect is not None
        nameless = [one.value for one in aspect.values if "zh" not in one.labels]
        assert set(nameless) <= {"queen", "EVA", "5XL"}, name
