import pytest

from zhanggui.catalog.ontology.measure import measure, normal, unit_in_chinese, unit_of

SAME = [
    ("100 g", ["100g", "100 grams", "100克", "１００ｇ", "100-gram"]),
    ("500 ml", ["500ml", "500 mL", "500毫升"]),
    ("15.6 inch", ["15.6 inches", '15.6"', "15.6英寸", "15.6-inch", "15.6寸"]),
    ("20000 mAh", ["20,000mAh", "20000毫安时"]),
    ("200x230 cm", ["200*230cm", "200 × 230 cm", "200cm×230cm", "200x230厘米"]),
    ("4 pieces", ["4件套", "4-piece", "4 pcs", "4件"]),
    ("1.2 l", ["1.20 litres", "1.2L", "1.2升"]),
]


@pytest.mark.parametrize(("form", "texts"), SAME)
def test_one_amount_has_one_form_in_both_languages(form: str, texts: list[str]) -> None:
    assert {text: normal(text) for text in [form, *texts]} == dict.fromkeys([form, *texts], form)


@pytest.mark.parametrize("text", ["170/92A", "M", "10", "i7", "55-75 lbs", "", "g", "5 apples", "1" * 200])
def test_what_is_no_amount_with_a_unit_stays_as_it_is(text: str) -> None:
    assert normal(text) == text


def test_an_amount_is_the_same_in_another_unit_of_what_it_measures() -> None:
    assert [str(measure(text).in_unit("ml")) for text in ("1.2 l", "50cl", "70")] == ["1200 ml", "500 ml", "70 ml"]
    assert [str(measure(text).in_unit("kg")) for text in ("3斤", "250克")] == ["1.5 kg", "0.25 kg"]
    assert str(measure("25 ft").in_unit("inch")) == "25 ft", "as one says it"
    assert str(measure("10 inch").in_unit("g")) == "10 inch", "a length is no mass"


def test_texts_of_one_kind_are_measured_in_their_commonest_unit() -> None:
    assert unit_of(["1 l", "500 ml", "200ml"]) == "ml"
    assert unit_of(["1 l", "500 g"]) is None
    assert unit_of(["1 l", "large"]) is None
    assert unit_of(["1", "2"]) == ""
    assert unit_of([]) is None


def test_units_have_chinese_names_where_there_are_any() -> None:
    assert [unit_in_chinese(unit) for unit in ("ml", "inch", "GB", "furlong")] == ["毫升", "英寸", "GB", "furlong"]
