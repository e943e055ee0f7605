"""What a campaign could do: each offer, on each channel, about what it holds for."""

from zhanggui.catalog.product import Product
from zhanggui.decisioning.action import NO_ACTION, Action, Offer
from zhanggui.decisioning.candidates import candidates, showcase
from zhanggui.money import Money


def _offer(offer_id: str, **more: object) -> Offer:
    return Offer(offer_id=offer_id, titles={"en": offer_id}, **more)  # type: ignore[arg-type]


def _product(product_id: str, category: str, *, stock: int | None = None, described: bool = True) -> Product:
    return Product(
        product_id=product_id,
        titles={"en": product_id},
        price=Money(currency="CNY", minor=100),
        category=category,
        stock=stock,
        descriptions={"en": "Good."} if described else {},
    )


def test_an_offer_of_everything_is_one_action_a_channel_and_nothing_comes_first() -> None:
    found = candidates([_offer("all")], ["email", "sms"], allow_nothing=True)
    assert found == [NO_ACTION, Action(offer_id="all", channel="email"), Action(offer_id="all", channel="sms")]
    assert candidates([_offer("all")], ["email"], allow_nothing=False) == [Action(offer_id="all", channel="email")]


def test_an_offer_of_products_is_about_each_and_not_about_its_categories() -> None:
    found = candidates([_offer("p", product_ids=("1", "2"), categories=("Tea",))], ["email", "sms"], allow_nothing=True)
    about = [Action(offer_id="p", product_id=name, channel=to) for to in ("email", "sms") for name in ("1", "2")]
    assert found == [NO_ACTION, *about]


def test_an_offer_of_categories_is_about_each() -> None:
    found = candidates([_offer("c", categories=("Tea", "Cups")), _offer("all")], ["sms"], allow_nothing=True)
    assert found == [
        NO_ACTION,
        Action(offer_id="c", category="Tea", channel="sms"),
        Action(offer_id="c", category="Cups", channel="sms"),
        Action(offer_id="all", channel="sms"),
    ]


def test_a_category_is_shown_by_a_product_that_is_there_and_described() -> None:
    products = [
        _product("1", "Tea", stock=0),
        _product("2", "Tea", described=False),
        _product("3", "Tea > Green", stock=5),
        _product("4", "Tea"),
        _product("0", "Teapots"),
    ]
    shelf = {product.product_id: product for product in products}
    shown = showcase(shelf, "Tea")
    assert shown is not None
    assert shown.product_id == "3"
    assert showcase(shelf, "Cups") is None
    undescribed = showcase({"2": shelf["2"], "1": shelf["1"]}, "Tea")
    assert undescribed is not None
    assert undescribed.product_id == "2"


def test_a_category_below_another_is_not_the_other_way_round() -> None:
    assert showcase({"4": _product("4", "Tea")}, "Tea > Green") is None
