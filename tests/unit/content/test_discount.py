import pytest

from zhanggui.content.discount import discount, stated
from zhanggui.decisioning.action import Offer
from zhanggui.money import Money


def offer(**given: object) -> Offer:
    return Offer(offer_id="o", titles={"en": "An offer"}, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "en", "zh"),
    [
        ({"percent": 10}, "10% off", "9折"),
        ({"percent": 15}, "15% off", "8.5折"),
        ({"amount": Money(currency="CNY", minor=2000)}, "¥20 off", "立减¥20"),
        ({"amount": Money(currency="USD", minor=250)}, "$2.50 off", "立减$2.50"),
        ({"amount": Money(currency="JPY", minor=1000)}, "¥1,000 off", "立减¥1,000"),
        ({}, "", ""),
    ],
)
def test_a_discount_is_said_in_both_languages(given: dict[str, object], en: str, zh: str) -> None:
    assert (discount(offer(**given), "en"), discount(offer(**given), "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("9折", "茶叶九折"),
        ("8.5折", "茶叶八五折"),
        ("8.5折", "全场8.5折起"),
        ("立减¥20", "服饰立减20元"),
        ("立减¥20", "服饰减 20 元"),
        ("立减¥2.50", "立减2.5元，立减2.50元"),
        ("10% off", "10% OFF tea"),
        ("¥20 off", "¥20.00 off clothing"),
        ("¥20 off", "Clothing for ￥20 less"),
        ("20 CHF off", "Save 20 CHF"),
    ],
)
def test_a_title_that_says_it_is_not_told_again(words: str, title: str) -> None:
    assert stated(words, title)


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("9折", "茶叶八折"),
        ("9折", "家纺上新"),
        ("9折", "九月新茶"),
        ("8折", "茶叶1.8折"),
        ("立减¥20", "满200元送礼"),
        ("10% off", "10 teas for you"),
        ("10% off", "110% cotton"),
        ("¥20 off", "¥200 shirts"),
        ("¥20 off", "¥20.50 shirts"),
        ("", "Anything"),
    ],
)
def test_a_title_that_says_something_else_does_not_hide_it(words: str, title: str) -> None:
    assert not stated(words, title)
