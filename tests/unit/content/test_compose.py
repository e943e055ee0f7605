"""What a message shows of its product: the price of its moment, and only links to the shop's own site."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from zhanggui.catalog.product import Product, Variant, with_variants
from zhanggui.content.brief import Brief
from zhanggui.content.compose import Sender, compose
from zhanggui.content.message import Message
from zhanggui.content.settings import ContentSettings
from zhanggui.content.write import Copy
from zhanggui.decisioning.action import Action
from zhanggui.decisioning.decision import Decision
from zhanggui.money import Money

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


def composed(
    product: Product | None,
    *,
    shop: str = "https://www.tea.example.com",
    at: datetime = MORNING,
    traits: Mapping[str, object] = MappingProxyType({}),
    settings: ContentSettings = ContentSettings(),  # noqa: B008 - frozen
) -> Message:
    action = Action(offer_id="o", product_id="p", channel="email")
    return compose(
        Decision(
            decision_id="d",
            run_id="r",
            customer_id="c",
            decided_at=MORNING,
            arm="treated",
            action=action,
            intended=action,
            propensity=1.0,
            policy="uniform",
            policy_version="0",
            snapshot_version="s",
            candidate_set_id="",
            candidates=(),
            context=(),
        ),
        Copy(
            brief=Brief(language="en", channel="email", tone="warm", about="Green tea"),
            pitch="Green tea, for mornings.",
            source="template",
        ),
        address="a@example.com",
        traits=traits,
        product=product,
        sender=Sender(name="Tea Shop", address="", contact="", url=shop),
        unsubscribe_url="https://tea.example.com/u",
        basis=None,
        send_at=at,
        expires_at=None,
        settings=settings,
    )


def tea(url: str = "") -> Product:
    return Product(
        product_id="p",
        titles={"en": "Green tea"},
        price=Money(currency="USD", minor=1250),
        sale_price=Money(currency="USD", minor=900),
        sale_from=MORNING + timedelta(hours=1),
        url=url,
    )


def test_the_price_is_that_of_the_moment_of_sending() -> None:
    before, after = composed(tea()), composed(tea(), at=MORNING + timedelta(hours=1))
    assert "\nGreen tea: $12.50\n" in before.body
    assert "\nGreen tea: $9.00\n" in after.body
    assert (after.data["price"], after.proof["facts"]["price"]) == ("$9.00", "$9.00")


def test_a_product_with_dearer_variants_is_shown_from_its_lowest_price() -> None:
    sizes = [
        Variant(variant_id=str(minor), options={}, price=Money(currency="USD", minor=minor)) for minor in (1250, 1500)
    ]
    assert "\nGreen tea: from $12.50\n" in composed(with_variants(tea(), sizes)).body
    assert "\nGreen tea: $12.50\n" in composed(with_variants(tea(), sizes[:1])).body


def test_a_message_greets_by_a_name_and_prints_a_city_only_where_that_is_one() -> None:
    settings = ContentSettings(templates={"email.en": "Hello [{{ first_name }}] of [{{ city }}]"})
    told = composed(tea(), traits={"first_name": " Ann ", "city": "Xi'an"}, settings=settings)
    hostile = composed(tea(), traits={"first_name": "null", "city": "prize.example"}, settings=settings)
    assert told.body.startswith("Hello [Ann] of [Xi'an]")
    assert hostile.body.startswith("Hello [] of []")
    assert composed(tea(), traits={"first_name": "gift at prize.ru"}).body.startswith("Hello,\n")


def test_a_message_about_no_product_shows_none() -> None:
    message = composed(None)
    assert "Green tea:" not in message.body
    assert message.data["price"] == ""
    assert "price" not in message.proof["facts"]


@pytest.mark.parametrize(
    "url", ["https://tea.example.com/p/1", "https://www.tea.example.com/p/1", "http://m.tea.example.com/p"]
)
def test_a_link_to_the_shop_is_printed(url: str) -> None:
    message = composed(tea(url))
    assert f"\nGreen tea: $12.50\n{url}\n" in message.body
    assert message.data["product_url"] == url


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/p", "https://tea.example.com.evil.example/p", "https://nottea.example.com/p", "https://tea.example.com@evil.example/p"],
)  # fmt: skip
@pytest.mark.parametrize("shop", ["https://tea.example.com", ""])
def test_a_link_elsewhere_is_not(url: str, shop: str) -> None:
    message = composed(tea(url), shop=shop)
    assert url not in message.body
    assert message.data["product_url"] == ""
