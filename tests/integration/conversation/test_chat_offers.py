"""Offers in a conversation: those that the shop's campaigns would make to this person now, and no others."""

from datetime import timedelta

import pytest

from zhanggui.engine import Engine
from zhanggui.testing import FixedClock

CAMPAIGN = {
    "name": "apron-week",
    "title": {"en": "Apron week"},
    "channels": ["email"],
    "policy": "uniform",
    "holdout": 0.0,
    "allow_nothing": False,
    "offers": [
        {
            "id": "apron-10",
            "title": {"en": "10% off aprons", "zh": "围裙九折"},
            "percent": 10,
            "coupon": "APRON10",
            "products": ["kitchen-07"],
        }
    ],
}


@pytest.fixture(scope="module")
def campaign(shop: Engine) -> None:
    clock = shop.clock
    assert isinstance(clock, FixedClock)
    for name in ("customer-mei", "customer-tom"):
        event = {
            "type": "identify",
            "userId": name,
            "messageId": f"hello-{name}",
            "traits": {"email": f"{name}@example.com"},
        }
        assert shop.events.collect({"batch": [event | {"timestamp": clock().isoformat()}]}).stored == 1
    shop.consents.record(
        customer_id="customer-mei",
        channel="email",
        purpose="marketing",
        granted=True,
        at=clock(),
        how="form",
        text="Write to me.",
    )
    clock.advance(timedelta(minutes=5))
    shop.campaigns.apply(CAMPAIGN)


def asked_for_a_discount(shop: Engine, customer_id: str, product: str = "apron") -> str:
    token = shop.service.sign_visitor(customer_id) if customer_id else ""
    talk = shop.conversations.start(visitor_token=token, seed="s").conversation_id
    shop.conversations.turn(talk, f"do you have a {product}?")
    return shop.conversations.turn(talk, "is there a discount?").answer


@pytest.mark.usefixtures("campaign")
def test_an_offer_is_named_to_who_may_get_it_and_to_nobody_else(shop: Engine) -> None:
    assert "APRON10" in asked_for_a_discount(shop, "customer-mei")
    assert "APRON10" not in asked_for_a_discount(shop, "customer-tom"), "no consent"
    assert "APRON10" not in asked_for_a_discount(shop, ""), "nobody knows who that is"
    assert "APRON10" not in asked_for_a_discount(shop, "customer-mei", "teapot"), "it is for another product"


@pytest.mark.usefixtures("campaign")
def test_an_offer_that_was_named_is_an_impression_with_its_propensity(shop: Engine) -> None:
    asked_for_a_discount(shop, "customer-mei")
    shown = [one.impression for one in shop.conversations.attribute() if one.impression.shown == "offer:apron-10"]
    assert shown
    assert {one.propensity for one in shown} == {1.0}
